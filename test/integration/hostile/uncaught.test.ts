import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { hostileServer, KEY } from '../../support/hostile-server.ts';
import { commandIn } from '../../support/runners.ts';

it.each([
  "throw new Error('x\\n::set-env name=A::b\\u001b[2J')",
  "Promise.reject('##[set-env name=A;]b\\n::add-path::x')",
])('an error that nobody caught ends the step red, and its words are as harmless: %s', async (fault) => {
  const folder = mkdtempSync('/tmp/fdt-uncaught-');
  writeFileSync(`${folder}/fault.cjs`, `setTimeout(() => { ${fault} }, 500);`);
  await using server = await hostileServer({ answer: () => undefined });
  const { code, log, outputs } = await step('deploy-binary', {
    inputs: {
      host: `root@127.0.0.1:${server.port}`,
      'ssh-key': KEY.private,
      'known-hosts': server.knownHosts,
      source: '/bin/true',
      destination: '/opt/app/server',
    },
    env: { NODE_OPTIONS: `--require ${folder}/fault.cjs` },
  });
  rmSync(folder, { recursive: true });
  expect(code).toBe(1);
  expect(log).toContain('Error: The action failed.');
  expect(log).not.toContain('\u001b');
  expect(
    log
      .split('\n')
      .flatMap((line) => commandIn(line) ?? [])
      .filter(({ name }) => name !== 'add-mask'),
  ).toEqual([]);
  expect(outputs.state).toBe('untouched');
});
