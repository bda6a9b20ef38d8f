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
  if (process.getuid?.() !== 0) return 'needs root';
  const { code } = await run('unshare', ['--mount', '--net', 'true'], { limitSeconds: 10 });
  return code === 0 ? undefined : 'needs the right to mount and to make networks (a container without privileges?)';
}

/** Installs missing Debian packages where it may; gives per tier the names of what is still missing. */
export async function installPackages(tiers) {
  const absent = () => tiers.flatMap((tier) => Object.keys(NEEDED[tier])).filter((name) => !isThere(name));
  const names = new Set(absent());
  if (names.size > 0 && process.getuid?.() === 0 && isThere('apt-get')) {
    await install([...new Set(tiers.flatMap((tier) => packagesOf(tier, names)))]);
  }
  return Object.fromEntries(tiers.map((tier) => [tier, packagesOf(tier, new Set(absent()))]));
}

async function install(packages) {
  console.log(`Installing ${packages.join(' ')}`);
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

function packagesOf(tier, names) {
  return Object.entries(NEEDED[tier])
    .filter(([name]) => names.has(name))
    .map(([, debianPackage]) => debianPackage);
}

function isThere(name) {
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
