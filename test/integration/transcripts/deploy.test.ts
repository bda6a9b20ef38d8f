import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { proxy } from '../../support/proxy.ts';
import { type TestTarget, target } from '../../support/target.ts';
import { expectTranscript, type Names } from '../../support/transcript.ts';

/*
 * Whole logs, as an operator reads them: each is what one step prints on a real target, in the order of these tests.
 */
const BYTES = 2 << 20;
const version = (name: string) => program(name, 'healthy', BYTES);
const BAD = program('bad', 'exits at once', BYTES);

let host: TestTarget;
beforeAll(async () => {
  host = await target();
});
afterAll(() => host[Symbol.asyncDispose]());

describe('the log of a deploy that', () => {
  it('is the first one', () => deployed('first-deploy', { source: version('v1') }, 'active'));

  it('replaces a running version', () => deployed('update', { source: version('v2') }, 'active'));

  it('has nothing to do', () => deployed('unchanged', { source: version('v2') }, 'unchanged'));

  it('only prints its plan', () => deployed('dry-run', { source: version('v3'), 'dry-run': true }, 'unchanged'));

  it('is refused before anything changes', () =>
    deployed(
      'refused',
      { source: version('v3'), owner: 'nobody-here', 'log-file': '/nowhere/server.log' },
      'untouched',
    ));

  it('has wrong inputs', () => deployed('wrong-inputs', { strategy: 'fast', helth: 'x' }, 'untouched'));

  it('is rolled back', () => deployed('rolled-back', { source: BAD }, 'rolled-back'));

  it('loses its connection', async () => {
    await using between = await proxy(host.sshd.port);
    const go = host.logFile.replace(/[^/]*$/, 'go');
    const running = host.startDeploy({
      ...usual(),
      source: version('v3'),
      host: `root@127.0.0.1:${between.port}`,
      'known-hosts': host.sshd.knownHosts.replaceAll(String(host.sshd.port), String(between.port)),
      'health-command': `test -e ${go}`,
      'health-timeout-seconds': 30,
    });
    await running.saw('start           ');
    between.reset();
    await running.saw('Connection lost');
    writeFileSync(go, '');
    const ended = await running.ended;
    expect(ended.outputs.state, ended.log).toBe('active');
    const log = ended.log.replace(/^Connection lost: .*?\. The/m, 'Connection lost: REASON. The');
    await expectTranscript('connection-lost', log, [[`127.0.0.1:${between.port}`, 'web-1:22'], ...names()]);
  });
});

describe('the log of a verification that', () => {
  it('is green', () => verified('verify-green', { source: version('v3') }, 0));

  it('is red', () => verified('verify-red', { source: version('v1'), 'listen-port': 9, mode: '0700' }, 1));
});

it('the log of a deploy that leaves the target broken', () =>
  deployed('broken', { source: BAD, rollback: false }, 'broken'));

function usual() {
  return { owner: host.service.name, transfer: 'plain' };
}

async function deployed(name: string, inputs: Record<string, string | boolean>, state: string): Promise<void> {
  const ended = await host.deploy({ ...usual(), ...inputs });
  expect(ended.outputs.state, ended.log).toBe(state);
  await expectTranscript(name, ended.log, names());
}

async function verified(name: string, inputs: Record<string, string | number>, code: number): Promise<void> {
  const { 'ssh-key': key, 'known-hosts': known, host: where } = host.usual;
  const about = {
    path: host.destination,
    owner: host.service.name,
    'listen-port': host.port,
    'health-url': host.usual['health-url'],
  };
  const ended: Step = await step('verify-deploy', {
    inputs: { host: where, 'ssh-key': key, 'known-hosts': known, ...about, ...inputs },
  });
  expect(ended.code, ended.log).toBe(code);
  await expectTranscript(name, ended.log, names());
}

function names(): Names {
  const root = host.folder.replace(/\/bin$/, '');
  return [
    [`root@127.0.0.1:${host.sshd.port}`, 'root@web-1:22'],
    [root, '/opt/app'],
    [host.service.name, 'app'],
    [`localhost:${host.port}`, 'localhost:8080'],
    [`listens on ${host.port}`, 'listens on 8080'],
  ];
}
