import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { runWorkflow } from '../support/act.ts';
import { forge } from '../support/forge.ts';
import { program } from '../support/programs.ts';
import { project } from '../support/project.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;
const TOKEN = 'user-token-0123456789';

test('run-workflow.yml starts the workflow of another repository, and is as red as its run', async () => {
  await using api = await forge('forgejo 17', 'http://127.0.0.1:1');
  const env = { ...forgeOf(api.url), GITHUB_REPOSITORY: 'team/library' };
  const secrets = { SERVICE_TOKEN: TOKEN };
  const pushed = await runWorkflow(`${EXAMPLES}run-workflow.yml`, { env, secrets });
  expect(pushed.code, pushed.log).toBe(0);
  expect(api.sent.at(-1)).toMatchObject({ ref: 'main', inputs: { target: 'staging' } });
  api.course = ['running', 'failure'];
  api.jobs = [{ id: 7, name: 'deploy', status: 'failure' }];
  api.logs[7] = 'cargo build\nerror: no such crate\n';
  const inputs = { target: 'production' };
  const failed = await runWorkflow(`${EXAMPLES}run-workflow.yml`, {
    event: 'workflow_dispatch',
    inputs,
    env,
    secrets,
  });
  expect(failed.code, failed.log).toBe(1);
  expect(api.sent.at(-1)).toMatchObject({ inputs });
  expect(failed.log).toContain('| error: no such crate');
});

test('clean-up-runner.yml removes what was not used for long, and is red when the disk stays too full', async () => {
  const caches = mkdtempSync('/tmp/fdt-caches-');
  const put = (path: string, days: number) => {
    mkdirSync(dirname(`${caches}/${path}`), { recursive: true });
    writeFileSync(`${caches}/${path}`, 'x');
    const time = Date.now() / 1000 - days * 86_400;
    for (const changed of [path, dirname(path)]) utimesSync(`${caches}/${changed}`, time, time);
  };
  put('cargo/registry/src/index/old-1.0/lib.rs', 30);
  put('cargo/registry/src/index/new-1.0/lib.rs', 1);
  put('sccache/a/old', 30);
  put('sccache/a/new', 1);
  const run = (inputs: Record<string, string>) =>
    runWorkflow(`${EXAMPLES}clean-up-runner.yml`, {
      event: 'workflow_dispatch',
      inputs: { 'keep-days': '14', ...inputs },
      env: { CARGO_HOME: `${caches}/cargo`, SCCACHE_DIR: `${caches}/sccache` },
    });
  const cleaned = await run({ 'min-free-percent': '0' });
  expect(cleaned.code, cleaned.log).toBe(0);
  expect(readdirSync(`${caches}/cargo/registry/src/index`)).toEqual(['new-1.0']);
  expect(readdirSync(`${caches}/sccache/a`)).toEqual(['new']);
  const full = await run({ 'min-free-percent': '101' });
  rmSync(caches, { recursive: true });
  expect(full.code, full.log).toBe(1);
  expect(full.log).toContain('101 % should be');
});

test('build-log.yml keeps the log of a build, also of one that failed', async () => {
  using built = project();
  const kept = mkdtempSync('/tmp/fdt-artifact-');
  writeFileSync(
    `${kept}/action.yml`,
    `name: keep\ninputs: {name: {}, path: {}, retention-days: {}}\nruns:\n  using: composite\n  steps:\n    - {shell: bash, run: 'cp "\${{ inputs.path }}" ${kept}/'}\n`,
  );
  const actions = { 'forgejo/upload-artifact@v4': kept };
  built.build(program('v1'));
  const green = await runWorkflow(`${EXAMPLES}build-log.yml`, { repository: built.folder, actions });
  expect(green.code, green.log).toBe(0);
  writeFileSync(`${built.folder}/Makefile`, 'server:\n\techo no such crate; exit 3\n');
  built.build(program('v1'));
  const red = await runWorkflow(`${EXAMPLES}build-log.yml`, { repository: built.folder, actions });
  const log = readFileSync(`${kept}/build.log`, 'utf8');
  rmSync(kept, { recursive: true });
  expect(red.code, red.log).toBe(1);
  expect(log).toContain('no such crate');
});
function forgeOf(url: string): Record<string, string> {
  return { FORGEJO_ACTIONS: 'true', GITHUB_SERVER_URL: url, GITHUB_API_URL: `${url}/api/v1` };
}
