import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrapCommand, programLines, RUN_PROGRAM } from '../../../lib/ssh/program.ts';

const PROGRAM = {
  text: 'main() {\n  printf "%s|" "$in_told" "$in_empty"\n  cat\n}\nmain',
  values: { told: 'It\'s \\n "quoted" #end\nmain ✓', empty: undefined },
};
const MARK = '\nready-reader\n';
const ANSWER = `${MARK}${PROGRAM.values.told}||`;
const PAYLOAD = Buffer.from([0, 10, 255, 13, 10]);
const SHELLS = [['/bin/dash'], ['/bin/bash'], ['/bin/busybox', 'sh']];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync('/tmp/fdt-program-');
  // As busybox can be built: it says so before it reads anything.
  writeFileSync(`${folder}/dd`, "#!/bin/sh\necho 'dd: invalid argument' >&2\nexit 1\n", { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(SHELLS)('%s %s', (...shell) => {
  test('runs a program with its values, and leaves it what follows', () => {
    const input = Buffer.concat([Buffer.from(programLines(PROGRAM)), PAYLOAD]);
    expect(answer(shell, input)).toEqual(Buffer.concat([Buffer.from(ANSWER), PAYLOAD]));
  });

  test('does so without a dd that fills blocks', () => {
    const input = Buffer.concat([Buffer.from(programLines(PROGRAM)), PAYLOAD]);
    expect(answer(shell, input, folder)).toEqual(Buffer.concat([Buffer.from(ANSWER), PAYLOAD]));
  });

  test('runs nothing of a program that was cut', () => {
    const whole = Buffer.from(programLines(PROGRAM));
    const ends = [0, 1, 3, 10, whole.indexOf('main() {'), whole.indexOf('main() {') + 4, whole.length - 2];
    for (const end of [...ends, whole.lastIndexOf('\\nmain') + 6]) {
      expect(answer(shell, whole.subarray(0, end)).toString(), `the first ${end} bytes`).toBe(MARK);
    }
  });
});

function answer([file = '', ...words]: string[], input: Buffer, before = ''): Buffer {
  const PATH = `${before}:/usr/bin:/bin`;
  return spawnSync(file, [...words, '-c', RUN_PROGRAM], { input, env: { PATH }, timeout: 10_000 }).stdout;
}

test.each(['/bin/dash', '/bin/bash', '/usr/bin/fish', '/bin/tcsh'])(
  "%s on a container's host leaves to its tool what it needs, and nothing else",
  (shell) => {
    const input = programLines({ text: 'main() {\nenv\n}\nmain', values: {} });
    const kept = { HOME: '/home/a b', DOCKER_HOST: "unix:///it's", LXD_DIR: '/x' };
    const env = {
      ...kept,
      PATH: '/usr/bin:/bin',
      BASH_ENV: '/nowhere',
      OTHER: '1',
      'BASH_FUNC_env%%': '() { echo foreign; }',
    };
    const { stdout } = spawnSync(shell, ['-c', bootstrapCommand('host')], { input, env, timeout: 10_000 });
    const [, answer = ''] = stdout.toString().split(MARK);
    const pairs = answer.split('\n').filter((line) => /^(?!PATH|PWD|SHLVL|_|USER|LOGNAME)\w+=/.test(line));
    expect(pairs.toSorted()).toEqual(
      Object.entries(kept)
        .map((pair) => pair.join('='))
        .toSorted(),
    );
  },
);
