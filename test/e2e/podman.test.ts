import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type StepOptions, step } from '../support/action.ts';
import { program, sha256 } from '../support/programs.ts';
import { freePort, type Sshd, sshd } from '../support/sshd.ts';

const DIST = new URL('../../dist/', import.meta.url).pathname;

test('a program that podman runs beside the main process is replaced and proved inside of the container', async () => {
  await using podman = await container(['--cap-add=SYS_PTRACE']);
  await using host = await sshd({ config: `SetEnv ${podman.settings}` });
  await podman.startByHand(program('v1'));
  const ended = await deployTo(podman, host, { source: program('v2') });
  expect(ended.outputs, ended.log).toMatchObject({ state: 'active', sha256: sha256(program('v2')) });
  expect(await podman.health()).toMatchObject({ version: 'v2', uid: 1000, cwd: '/opt/app' });
  const bad = await deployTo(podman, host, { source: program('bad', 'exits at once') });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await podman.health()).toMatchObject({ version: 'v2' });
  const inputs = {
    ...connectionTo(podman, host),
    path: '/opt/app/botserver',
    source: program('v2'),
    'listen-port': podman.port,
  };
  const verified = await step('verify-deploy', { bundles: DIST, inputs });
  expect(verified.code, verified.log).toBe(0);
});

test('a container whose root may not inspect its processes is refused, and nothing is touched', async () => {
  await using podman = await container();
  await using host = await sshd({ config: `SetEnv ${podman.settings}` });
  await podman.startByHand(program('v1'));
  const ended = await deployTo(podman, host, { source: program('v2') });
  expect(ended.code).toBe(1);
  expect(ended.outputs.state, ended.log).toBe('untouched');
  expect(ended.log).toContain('start the container with `--cap-add SYS_PTRACE`');
  expect(await podman.health()).toMatchObject({ version: 'v1' });
});

type Podman = Awaited<ReturnType<typeof container>>;

function connectionTo(podman: Podman, host: Sshd): StepOptions['inputs'] {
  return {
    host: `root@127.0.0.1:${host.port}`,
    'ssh-key': host.key,
    'known-hosts': host.knownHosts,
    container: `podman:${podman.name}`,
  };
}

function deployTo(podman: Podman, host: Sshd, inputs: StepOptions['inputs']) {
  return step('deploy-binary', {
    bundles: DIST,
    inputs: {
      ...connectionTo(podman, host),
      destination: '/opt/app/botserver',
      args: `--port ${podman.port}`,
      'health-url': `http://localhost:${podman.port}/api/health`,
      'health-timeout-seconds': 10,
      'stable-seconds': 1,
      ...inputs,
    },
  });
}

/** A podman container that shares this machine's programs and network, and has the rest for itself. */
async function container(more: string[] = []) {
  const folder = mkdtempSync('/tmp/fdt-podman-');
  const root = `${folder}/root`;
  for (const made of ['etc', 'usr', 'opt/app', 'proc', 'sys', 'dev', 'tmp', 'run', 'var']) {
    mkdirSync(`${root}/${made}`, { recursive: true });
  }
  for (const linked of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${linked}`, `${root}/${linked}`);
  writeFileSync(`${root}/etc/passwd`, 'root:x:0:0::/:/bin/sh\nsvc:x:1000:1000::/:/bin/sh\n');
  writeFileSync(`${root}/etc/group`, 'root:x:0:\nsvc:x:1000:\n');
  chownSync(`${root}/opt/app`, 1000, 1000);
  writeFileSync(`${folder}/containers.conf`, '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n');
  writeFileSync(
    `${folder}/storage.conf`,
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/storage"\nrunroot = "${folder}/state"\n`,
  );
  const settings = {
    CONTAINERS_CONF: `${folder}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${folder}/storage.conf`,
  };
  const name = folder.split('/').at(-1) ?? '';
  const podman = (...words: string[]) =>
    execFileSync('podman', words, { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...settings } });
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];
  podman(
    'run',
    '-d',
    '--name',
    name,
    ...limits,
    ...more,
    '--network=host',
    '-v',
    '/usr:/usr:ro',
    '--rootfs',
    root,
    'sleep',
    'inf',
  );
  const port = await freePort();
  const health = async (): Promise<Record<string, unknown> | undefined> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/api/health`, { signal: AbortSignal.timeout(3000) });
      return (await answer.json()) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  };
  return {
    name,
    port,
    health,
    /** As sshd's SetEnv takes them. */
    settings: Object.entries(settings)
      .map((pair) => pair.join('='))
      .join(' '),
    startByHand: async (file: string) => {
      copyFileSync(file, `${root}/opt/app/botserver`);
      chownSync(`${root}/opt/app/botserver`, 1000, 1000);
      podman('exec', '-d', '-u', 'svc', '-w', '/opt/app', name, './botserver', '--port', String(port));
      for (let tried = 0; tried < 200 && (await health()) === undefined; tried += 1) await sleep(50);
    },
    [Symbol.asyncDispose]: async () => {
      podman('rm', '-f', '-t', '0', name);
      spawnSync('umount', [`${folder}/storage/vfs`, `${folder}/storage`], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
