import { afterAll, beforeAll, expect, test } from 'vitest';
import { healthOf, type Production, production, startByHand } from '../support/production.ts';
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
