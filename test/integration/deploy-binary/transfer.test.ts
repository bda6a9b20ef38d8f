import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { keepFor, keptIn } from '../../support/kept.ts';
import { program, sha256 } from '../../support/programs.ts';
import { proxy } from '../../support/proxy.ts';
import { type TestTarget, target } from '../../support/target.ts';

const MIB = 1 << 20;
const V1 = program('v1', 'healthy', 2 * MIB);
const V2 = program('v2', 'healthy', 2 * MIB);
/** Only the file: nothing is started. */
const FILE = { source: V2, restart: 'none', 'health-url': undefined, args: undefined, 'log-file': undefined };

describe('transfer: delta', () => {
  it('sends what differs from the present file, once this runner has deployed that', async () => {
    await using host = await target();
    using ours = runner();
    await host.startByHand(program('v0'));
    const first = await host.deploy({ source: V1, transfer: 'delta' }, ours.env);
    expect(first.log).toContain("no delta, because this runner did not deploy the target's present file");
    const second = await host.deploy({ source: V2, transfer: 'delta' }, ours.env);
    expect(second.log).toMatch(/transfer +a delta against [0-9a-f]{12} with zstd, because transfer is delta/);
    expect(second.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
    expect(await host.health()).toMatchObject({ version: 'v2' });
    expect(sent(second)).toBeLessThan(sent(first) / 20);
    expect(ours.kept()).toEqual([sha256(V1), sha256(V2)].sort());
  });

  it.each([
    [{ zstd: '/dev/null' }, /a delta against .* with gzip/],
    [{ perl: '/dev/null' }, 'compressed with zstd, no delta, because the target has no perl'],
    [{ perl: '/dev/null', zstd: '/dev/null' }, 'compressed with gzip, no delta, because the target has no perl'],
    [{ zstd: '/dev/null', gzip: '/dev/null' }, 'plain, because runner and target share neither zstd nor gzip'],
  ])('takes the next best way to a target with %j', async (instead, way) => {
    await using host = await target({ instead });
    using ours = runner();
    ours.knows(V1, host);
    const step = await host.deploy({ ...FILE, transfer: 'delta' }, ours.env);
    expect(step.log).toMatch(way);
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });

  it('takes gzip, or the zstd of Node.js, where the runner has no zstd', async () => {
    await using host = await target();
    using ours = runner();
    ours.knows(V1, host);
    mkdirSync(`${ours.folder}/path`);
    symlinkSync('/bin/sh', `${ours.folder}/path/sh`);
    const step = await host.deploy({ ...FILE, transfer: 'delta' }, { ...ours.env, PATH: `${ours.folder}/path` });
    expect(step.log).toMatch('createZstdCompress' in zlib ? /a delta .* with zstd/ : /a delta .* with gzip/);
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });

  it.each(['false', 'true'])('sends the whole file when perl does what `%s` does', async (other) => {
    await using host = await target({ instead: { perl: `/bin/${other}` } });
    using ours = runner();
    ours.knows(V1, host);
    const step = await host.deploy({ ...FILE, transfer: 'delta' }, ours.env);
    expect(step.log).toContain('Delta failed (0 of 2097152 bytes arrived');
    expect(step.log).toContain('compressed with zstd, no delta, because the first one failed');
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });

  it('is never made against a file that this runner has put elsewhere only', async () => {
    await using host = await target();
    await using other = await target();
    using ours = runner();
    ours.knows(V1, other);
    copyFileSync(V1, host.destination);
    const step = await host.deploy({ ...FILE, transfer: 'delta' }, ours.env);
    expect(step.log).toContain("no delta, because this runner did not deploy the target's present file");
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });

  it.each([{ GITHUB_REPOSITORY: 'team/other' }, { GITHUB_SERVER_URL: 'https://other.example' }])(
    'is never made against a file of another project (%j)',
    async (project) => {
      await using host = await target();
      using ours = runner();
      ours.knows(V1, host);
      const step = await host.deploy({ ...FILE, transfer: 'delta' }, { ...ours.env, ...project });
      expect(step.log).not.toContain('a delta against');
      expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
      expect(ours.kept()).toEqual([sha256(V1)]);
    },
  );

  it('does without a kept file that was damaged, and drops it', async () => {
    await using host = await target();
    using ours = runner();
    ours.knows(V1, host);
    appendFileSync(ours.file(V1), 'x');
    const step = await host.deploy({ ...FILE, transfer: 'delta' }, ours.env);
    expect(step.log).toContain("no delta, because this runner did not keep the target's present file");
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
    expect(ours.kept()).toEqual([sha256(V2)]);
  });

  it('does without when somebody changed the file there by hand', async () => {
    await using host = await target();
    using ours = runner();
    await host.deploy({ ...FILE, source: V1, transfer: 'delta' }, ours.env);
    appendFileSync(host.destination, 'patched');
    const step = await host.deploy({ ...FILE, transfer: 'delta' }, ours.env);
    expect(step.log).toContain("no delta, because this runner did not deploy the target's present file");
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });

  it('that is cut in the middle leaves all as it was', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port, { bytesPerSecond: 4e6 });
    using ours = runner();
    ours.knows(V1, host, between.port);
    const source = `${ours.folder}/v2`;
    copyFileSync(V2, source);
    appendFileSync(source, randomBytes(3 * MIB));
    between.resetAfter(MIB);
    const step = await host.deploy({ ...FILE, source, ...through(between.port), transfer: 'delta' }, ours.env);
    expect(step.log).toMatch(/transfer +a delta/);
    expect(step.outputs).toMatchObject({ state: 'untouched', changed: 'false' });
    expect(sha256(host.destination)).toBe(sha256(V1));
    const next = await host.deploy({ ...FILE, source, transfer: 'delta' }, ours.env);
    expect(next.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
    expect(host.stateFiles()).not.toContain('incoming');
  });

  it('serves two jobs that use one cache at once', async () => {
    await using one = await target();
    await using other = await target();
    using ours = runner();
    ours.knows(V1, one);
    ours.knows(V1, other);
    const steps = await Promise.all([one, other].map((host) => host.deploy({ ...FILE, transfer: 'delta' }, ours.env)));
    for (const step of steps) {
      expect(step.log).toMatch(/transfer +a delta/);
      expect(step.outputs.state).toBe('active');
    }
    expect(ours.kept()).toEqual([sha256(V1), sha256(V2)].sort());
  });
});

describe('transfer: auto', () => {
  it('sends the file as it is to this very machine', async () => {
    await using host = await target();
    using ours = runner();
    ours.knows(V1, host);
    const step = await host.deploy(FILE, ours.env);
    // Unless it is so busy that its answers take their time.
    expect(step.log).toMatch(/transfer +(plain, because the target is this machine|.*a round trip of \d\d+ ms)/);
    expect(step.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });

  it('takes another way when the first bytes show that what seemed near is not', async () => {
    await using host = await target();
    await using tunnel = await proxy(host.sshd.port, { bytesPerSecond: 1e6 });
    using ours = runner();
    const [first, second] = ['v1', 'v2'].map((version) => program(version, 'healthy', 40e6));
    const step = await host.deploy({ ...FILE, source: first, ...through(tunnel.port) }, ours.env);
    expect(step.outputs, step.log).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
    expect(step.log).toMatch(
      /plain, because the target is this machine[\s\S]*The link carries [\d.]+ [kM]B\/s; restarting the upload with a faster encoding\.\n.*transfer +compressed with zstd, at .*\(measured on the first bytes\)/,
    );
    expect(sent(step)).toBeLessThan(20e6);
    const next = await host.deploy({ ...FILE, source: second, ...through(tunnel.port) }, ours.env);
    expect(next.log).toMatch(/transfer +a delta against .*\(measured last time\)/);
  });

  it('says what it expects of a distant link, and knows it better the next time', async () => {
    await using host = await target();
    await using distant = await proxy(host.sshd.port, { delayMs: 25, bytesPerSecond: 1.5e6 });
    using ours = runner();
    const source = `${ours.folder}/v1`;
    copyFileSync(V1, source);
    appendFileSync(source, randomBytes(4 * MIB));
    const first = await host.deploy({ ...FILE, source, ...through(distant.port) }, ours.env);
    expect(first.outputs.state, first.log).toBe('active');
    expect(first.log).toMatch(
      /transfer +compressed with zstd, at .*\(assumed from a round trip of \d+ ms\): compressed/,
    );
    const second = await host.deploy({ ...FILE, ...through(distant.port) }, ours.env);
    expect(second.log).toMatch(/transfer +a delta against .* with zstd, at .*\/s \(measured last time\): delta/);
    expect(second.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
    // Begun before anything is known of the target, by what is remembered of it.
    const third = await host.deploy({ ...FILE, source: V1, ...through(distant.port) }, ours.env);
    expect(third.log).toMatch(/transfer +a delta against/);
    expect(third.outputs).toMatchObject({ state: 'active', sha256: sha256(host.destination) });
  });
});

/** A runner that keeps what it deploys. */
function runner() {
  const folder = mkdtempSync('/tmp/fdt-runner-');
  const kept = keptIn(folder);
  const digests = () => (existsSync(kept) ? readdirSync(kept).filter((name) => /^[0-9a-f]{64}$/.test(name)) : []);
  const file = (path: string) => `${kept}/${sha256(path)}`;
  return {
    folder,
    env: { RUNNER_TOOL_CACHE: folder },
    kept: () => digests().sort(),
    file,
    /** As if it had deployed that program to the host, by that port. */
    knows: (path: string, host: TestTarget, port = host.sshd.port) => {
      keepFor(folder, path, { host: `root@127.0.0.1:${port}`, destination: host.destination });
      copyFileSync(path, host.destination);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function through(port: number) {
  return { host: `root@127.0.0.1:${port}`, 'host-key-checking': 'insecure' };
}

function sent({ outputs }: { outputs: Record<string, string> }): number {
  return Number(outputs['bytes-sent']);
}
