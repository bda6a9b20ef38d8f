// Keeps the LXD daemon of the e2e tier running for as long as somebody holds this program's standard input open, then
// takes everything down. So a test run that fails, is stopped by Ctrl-C or is killed leaves nothing behind; what a
// killed guard left, the next one removes first.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BRIDGE, FOLDER } from './folder.mjs';

const DAEMON = `${FOLDER}/daemon.pid`;
const STEP_LIMIT_MS = 60_000;
const REMOVALS = 10;
const env = { ...process.env, LXD_DIR: `${FOLDER}/lxd` };

const lxd = (...words) => promisify(execFile)('lxd', words, { env, timeout: STEP_LIMIT_MS });
const lxc = (...words) => promisify(execFile)('lxc', words, { env, timeout: STEP_LIMIT_MS });

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
const nobodyIsLeft = new Promise((resolve) => process.stdin.on('end', resolve).on('error', resolve).resume());
try {
  await endDaemon();
  await startDaemon();
  await removeAll();
  await configure();
  console.log('ready');
  await nobodyIsLeft;
} catch (error) {
  console.log(`failed: ${error.stderr || error.message}`);
  process.exitCode = 1;
} finally {
  await removeAll();
  await endDaemon();
}

async function startDaemon() {
  mkdirSync(env.LXD_DIR, { recursive: true, mode: 0o711 });
  const log = openSync(`${FOLDER}/daemon.log`, 'w');
  const daemon = spawn('lxd', ['--group', 'root'], { env, stdio: ['ignore', log, log], detached: true });
  writeFileSync(DAEMON, String(daemon.pid));
  await lxd('waitready', '--timeout=50');
}

async function configure() {
  await lxc('config', 'set', 'images.auto_update_interval', '0');
  const { stdout } = await lxc('query', '/1.0/storage-pools');
  if (!stdout.includes('default')) await lxc('storage', 'create', 'default', 'dir');
  const networks = await lxc('query', '/1.0/networks');
  if (networks.stdout.includes(`/${BRIDGE.name}"`)) return;
  const address = `ipv4.address=${BRIDGE.network}.1/24`;
  await lxc('network', 'create', BRIDGE.name, address, 'ipv4.nat=false', 'ipv4.dhcp=false', 'ipv6.address=none');
  await lxc('profile', 'device', 'add', 'default', 'root', 'disk', 'pool=default', 'path=/');
  await lxc('profile', 'device', 'add', 'default', 'eth0', 'nic', `network=${BRIDGE.name}`);
}

async function removeContainers() {
  const { stdout } = await lxc('list', '--format=csv', '--columns=n');
  const names = stdout.split('\n').filter((name) => name !== '');
  if (names.length > 0) await lxc('delete', '--force', ...names);
}

async function removeAll() {
  for (let tried = 0; tried < REMOVALS; tried += 1) {
    try {
      return await removeContainers();
    } catch (error) {
      // One that is just being started can't be deleted yet.
      if (tried === REMOVALS - 1) console.error(`containers are left in ${FOLDER}: ${error.stderr || error.message}`);
      await sleep(1000);
    }
  }
}

async function endDaemon() {
  const pid = daemonPid();
  if (pid === undefined) return;
  await lxd('shutdown', '--timeout=20').catch(() => process.kill(pid, 'SIGKILL'));
  for (let waitedMs = 0; daemonPid() !== undefined && waitedMs < 20_000; waitedMs += 50) await sleep(50);
}

function daemonPid() {
  try {
    const pid = Number(readFileSync(DAEMON, 'utf8'));
    // A pid may have been given to another program meanwhile; a zombie has no environment.
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`LXD_DIR=${env.LXD_DIR}\0`) ? pid : undefined;
  } catch {
    return undefined;
  }
}
