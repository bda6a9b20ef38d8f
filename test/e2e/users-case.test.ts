import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALIAS, healthOf, type Production, production, startByHand } from '../support/production.ts';
import { program, sha256 } from '../support/programs.ts';

let here: Production;
beforeAll(async () => {
  here = await production();
});
afterAll(() => here[Symbol.asyncDispose]());

test('the program started by hand is replaced by the new one, which runs as it did', async () => {
  const { system, build, deploy } = here;
  await startByHand(system, program('v1'));
  await system.sh('echo before >/opt/gbo/logs/error.log; tail -f /opt/gbo/logs/error.log >/dev/null 2>&1 &');
  const before = await healthOf(system);
  const step = await deploy({ source: await build(program('v2')) }).ended;

  expect(step.code, step.log).toBe(0);
  expect(step.outputs).toMatchObject({
    state: 'active',
    changed: 'true',
    sha256: sha256(program('v2')),
    'previous-sha256': sha256(program('v1')),
  });
  const after = await healthOf(system);
  expect(after).toMatchObject({
    version: 'v2',
    pid: Number(step.outputs.pid),
    uid: before?.uid,
    cwd: '/opt/gbo/bin',
    stdin: '/dev/null',
  });
  expect(await system.sh(`ls /proc/${before?.pid} 2>/dev/null || echo dead`)).toBe('dead\n');
  expect(await system.sh('cat /opt/gbo/logs/error.log')).toBe(`before\nv2 listens on 5858 as pid ${after?.pid}\n`);
  expect(await system.sh('stat -c "%U:%G %a" /opt/gbo/bin/botserver')).toBe('gbuser:gbuser 755\n');
});

test('verify-deploy proves it: the file, its process, its port and its answer, and nothing of an older version', async () => {
  const { system, build, deploy, step } = here;
  await startByHand(system, program('first-release'));
  const source = await build(program('second-release'));
  expect((await deploy({ source }).ended).code).toBe(0);
  const proof = {
    host: ALIAS,
    path: '/opt/gbo/bin/botserver',
    owner: 'gbuser:gbuser',
    'run-as': 'gbuser',
    'listen-port': 5858,
    'health-url': 'http://localhost:5858/api/health',
  };
  const proven = await step('verify-deploy', {
    ...proof,
    source,
    strings: 'second-release',
    'absent-strings': 'first-release',
  }).ended;
  expect(proven.outputs, proven.log).toMatchObject({ verified: 'true', failed: '' });
  expect(proven.outputs.pid).toBe(String((await healthOf(system))?.pid));
  const refuted = await step('verify-deploy', { ...proof, sha256: sha256(program('first-release')) }).ended;
  expect(refuted.code).toBe(1);
  expect(refuted.outputs, refuted.log).toMatchObject({ verified: 'false', failed: 'sha256' });
});

test('a version that crashes is rolled back, and the step is red', async () => {
  const { system, build, deploy } = here;
  await startByHand(system, program('v1'));
  const step = await deploy({ source: await build(program('bad', 'exits after 900 ms')) }).ended;
  expect(step.code).toBe(1);
  expect(step.outputs).toMatchObject({ state: 'rolled-back', changed: 'false' });
  expect(step.log).toContain('| fatal: out of cheese');
  expect(await healthOf(system)).toMatchObject({ version: 'v1', pid: Number(step.outputs.pid) });
});

test('bystanders of the same name survive: a log being followed, a login, a container with the same path', async () => {
  const { system, build, deploy } = here;
  await startByHand(system, program('v1'));
  await system.push(program('contained'), '/srv/other/botserver');
  // What a container is to its host: the same path, in a mount namespace of its own, another file.
  await system.sh(`exec </dev/null >/dev/null 2>&1 3>/tmp/pids
      touch /opt/gbo/bin/botserver.log
      setsid tail -f /opt/gbo/bin/botserver.log & echo $! >&3
      setsid su gbuser -c 'exec -a /opt/gbo/bin/botserver sleep 600' & echo $! >&3
      setsid unshare --mount sh -c 'mount --bind /srv/other /opt/gbo/bin && exec /opt/gbo/bin/botserver --port 5999' & echo $! >&3
      for try in $(seq 100); do grep -q ':176F .* 0A ' /proc/net/tcp && break; sleep 0.1; done`);
  const pids = (await system.sh('cat /tmp/pids')).trim().split('\n');
  expect(await healthOf(system, 5999)).toMatchObject({ version: 'contained' });
  const step = await deploy({ source: await build(program('v2')) }).ended;
  expect(step.outputs.state, step.log).toBe('active');
  expect(await healthOf(system)).toMatchObject({ version: 'v2' });
  expect(await healthOf(system, 5999)).toMatchObject({ version: 'contained' });
  expect(await system.sh(`for pid in ${pids.join(' ')}; do test -d /proc/$pid && echo alive; done`)).toBe(
    'alive\nalive\nalive\n',
  );
});

test('deploying what already runs sends, stops and starts nothing', async () => {
  const { system, build, deploy } = here;
  await startByHand(system, program('v1'));
  const before = await healthOf(system);
  const step = await deploy({ source: await build(program('v1')) }).ended;
  expect(step.code, step.log).toBe(0);
  expect(step.outputs).toMatchObject({ state: 'unchanged', changed: 'false', 'bytes-sent': '0' });
  expect(await healthOf(system)).toMatchObject({ version: 'v1', pid: before?.pid });
});

test('nothing of the deploy is left on the runner', async () => {
  const { ci } = here;
  expect(await ci.sh('ls -A /tmp | grep -v -e systemd -e "^\\."; pgrep -x -l node; true')).toBe('');
});
