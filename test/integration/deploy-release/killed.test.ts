import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { type HostPart, type ReleaseHost, releaseHost, transactionIn } from '../../support/release-host.ts';
import { textOf } from '../../support/target.ts';

/** Phases of a journal, and what keeps a release in them long enough to be met there. */
const PHASES: Record<string, { source: string; keys?: string[] }> = {
  stop: { source: program('v2'), keys: ['stop-timeout-seconds: 2'] },
  start: { source: program('v2', 'starts slowly') },
  stable: { source: program('v2'), keys: ['stable-seconds: 2'] },
};

/** Waits until the newest phase of the part's journal is that one. */
async function reached({ state }: HostPart, phase: string): Promise<void> {
  for (let tried = 0; tried < 3000; tried += 1) {
    const lines = textOf(`${state}/journal`).trimEnd().split('\n');
    if (lines.at(-1) === `phase=${phase}`) return;
    await sleep(10);
  }
  throw new Error(`${state} never came to ${phase}`);
}

function kill(part: HostPart): void {
  const pid = transactionIn(part.state);
  if (pid) process.kill(pid, 'SIGKILL');
}

/** A host whose programs run as v1; in the phase `stop` they take their time to end. */
async function running(phase: string): Promise<ReleaseHost> {
  const host = await releaseHost();
  for (const part of host.parts) await part.startByHand(program('v1', phase === 'stop' ? 'ignores TERM' : 'healthy'));
  return host;
}

function startIn(host: ReleaseHost, phase: string) {
  const { source = '', keys = [] } = PHASES[phase] ?? {};
  return host.startRelease(
    host.inputs(
      host.parts.map(() => source),
      host.parts.map(() => keys),
    ),
  );
}

/** Nobody may ever find one new and the other old. */
async function expectOne(host: ReleaseHost, step: Step): Promise<void> {
  const versions = await host.versions();
  expect(new Set(versions).size, `${versions}\n${step.log}`).toBe(1);
  expect(['v1', 'v2'], step.log).toContain(versions[0]);
}

describe('one of two transactions that is killed', () => {
  it.each(
    Object.keys(PHASES).flatMap((phase) => [
      [phase, 0],
      [phase, 1],
    ]) as [string, number][],
  )('in the phase %s (part %i) rolls both back, by the same run', async (phase, victim) => {
    await using host = await running(phase);
    const step = startIn(host, phase);
    const part = host.parts[victim] as HostPart;
    await reached(part, phase);
    kill(part);
    const ended = await step.ended;
    expect(ended.outputs.state, ended.log).toBe('rolled-back');
    expect(await host.versions(), ended.log).toEqual(['v1', 'v1']);
    for (const { state } of host.parts) expect(textOf(`${state}/journal`)).toMatch(/\nphase=end\n$/);
    expect(host.leftovers()).toEqual([]);
  });
});

describe('a power cut', () => {
  it.each(Object.keys(PHASES))('in the phase %s is finished by the next run, never by halves', async (phase) => {
    await using host = await running(phase);
    const step = startIn(host, phase);
    await reached(host.parts[0] as HostPart, phase);
    step.process.kill('SIGKILL');
    for (const part of host.parts) kill(part);
    await step.ended;
    const quick = ['stop-timeout-seconds: 1'];
    const next = await host.release(host.inputs([program('v2'), program('v2')], [quick, quick]));
    // What each part was left as, before the release that follows.
    const left = [...next.log.matchAll(/ \| {3}finished: ([a-z-]+)/g)].map(([, state]) => state === 'active');
    expect(left.length, next.log).toBeGreaterThan(0);
    expect(new Set(left).size, next.log).toBe(1);
    expect(next.outputs.state, next.log).toMatch(/^(active|unchanged)$/);
    await expectOne(host, next);
    expect(host.leftovers()).toEqual([]);
  });

  it('is finished for all parts by a deploy of one of them', async () => {
    await using host = await running('stable');
    const step = startIn(host, 'stable');
    const [server, ui] = host.parts as [HostPart, HostPart];
    await reached(ui, 'stable');
    step.process.kill('SIGKILL');
    for (const part of host.parts) kill(part);
    await step.ended;
    // A release of that part alone is an ordinary deploy.
    const next = await host.release(host.inputs([undefined, program('v1')]));
    expect(next.log).toContain('server | An earlier deploy');
    expect(await server.health(), next.log).toMatchObject({ version: 'v1' });
    expect(await ui.health(), next.log).toMatchObject({ version: 'v1' });
    for (const { state } of host.parts) expect(textOf(`${state}/journal`)).toMatch(/\nphase=end\n$/);
  });
});

describe('a part that is killed after the release was accepted, before it has noticed', () => {
  /** Both hold; the second one has voted and is frozen while the first one decides, accepts and finishes. */
  async function accepted(host: ReleaseHost) {
    const [server, ui] = host.parts as [HostPart, HostPart];
    for (const part of host.parts) await part.startByHand(program('v1'));
    const step = host.startRelease(
      host.inputs([program('v2'), program('v2')], [['stable-seconds: 2'], ['stable-seconds: 0']]),
    );
    const voted = () => host.leftovers().some((folder) => existsSync(`${server.state}/${folder}/stable.2`));
    for (let tried = 0; tried < 3000 && !voted(); tried += 1) await sleep(10);
    const pid = transactionIn(ui.state) ?? 0;
    process.kill(pid, 'SIGSTOP');
    await reached(server, 'end');
    expect(textOf(`${ui.state}/journal`)).toMatch(/\nphase=stable\n$/);
    return { step, pid };
  }

  it('is accepted too, by the same run', async () => {
    await using host = await releaseHost();
    const { step, pid } = await accepted(host);
    process.kill(pid, 'SIGKILL');
    const ended = await step.ended;
    expect(ended.outputs.state, ended.log).toBe('active');
    expect(await host.versions(), ended.log).toEqual(['v2', 'v2']);
    expect(host.leftovers()).toEqual([]);
  });

  it('and whose runner is gone, is accepted by the next run, also where its program is gone', async () => {
    await using host = await releaseHost();
    const { step, pid } = await accepted(host);
    step.process.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    for (const part of host.parts) for (const one of part.pids()) process.kill(one, 'SIGKILL');
    await step.ended;
    const next = await host.release(host.inputs([program('v2'), program('v2')]));
    expect(next.log).toContain('ui | An earlier deploy');
    expect(next.log).toContain('ui |   finished: active');
    expect(next.outputs.state, next.log).toBe('active');
    expect(await host.versions(), next.log).toEqual(['v2', 'v2']);
    expect(host.leftovers()).toEqual([]);
  });
});
