import { describe, expect, test } from 'vitest';
import { fields } from '../../../actions/deploy-binary/inputs.ts';
import { keysOf } from '../../../actions/deploy-release/parts/fields.ts';
import { formatProblems, parseParts } from '../../../actions/deploy-release/parts/parse-parts.ts';

const problems = (text: string) => formatProblems('parts', parseParts(text).problems);
const BINARY = '- binary: out/server\n  to: /opt/app/server\n';
const CONFIG = '- config: Caddyfile\n  to: /etc/caddy/Caddyfile\n';
const FOLDER = '- folder: dist\n  to: /opt/app/ui\n';

const EVERY_KIND = `
# The unit file first: what needs it stands after it.
- unit: deploy/server.service
  to: /etc/systemd/system/
  enable: true
- binary: target/release/server
  to: /opt/app/bin/server
  service: server.service
  needs: server.service
  args: [--port, 5858, "it's"]
  environment:
    RUST_LOG: info
    EMPTY: ""
  health-url: http://localhost:5858/api/health
  stable-seconds: 0.5
  mode: 0750
- folder: ui/dist/
  to: /opt/app/ui
  owner: app:app
  exclude:
    - "*.map"
  keep: uploads/
- config: deploy/Caddyfile
  to: /etc/caddy/Caddyfile
  check: caddy validate --adapter caddyfile --config {file}
  apply: systemctl reload caddy
  must-contain: |
    chat.example.org
    admin.example.org
  shrink-at-most: 50%
  overwrite-drift: true
- restart: worker
  needs: [ui, /opt/app/bin/server]
  health-port: 9000
`;

test('every kind is read with its defaults, its line, its name and what it needs', () => {
  const { parts, problems: none } = parseParts(EVERY_KIND);
  expect(none).toEqual([]);
  expect(parts).toMatchObject([
    {
      ...{ kind: 'unit', line: 3, name: 'server.service', needs: [], source: 'deploy/server.service' },
      ...{ destination: '/etc/systemd/system/server.service', owner: undefined, mode: undefined },
      ...{ enable: true, overwriteDrift: false },
    },
    {
      ...{ kind: 'binary', line: 6, name: 'server', needs: [0] },
      program: {
        ...{ source: 'target/release/server', destination: '/opt/app/bin/server', service: 'server.service' },
        ...{ args: ['--port', '5858', "it's"], environment: ['RUST_LOG=info', 'EMPTY='], mode: '0750' },
        ...{ restart: 'auto', stopTimeoutSeconds: 10 },
        health: { url: 'http://localhost:5858/api/health', status: '200-399', stableSeconds: 0.5, timeoutSeconds: 60 },
      },
    },
    {
      ...{ kind: 'folder', line: 17, name: 'ui', needs: [], source: 'ui/dist/', destination: '/opt/app/ui' },
      ...{ owner: 'app:app', exclude: ['*.map'], keep: ['uploads'], overwriteDrift: false },
    },
    {
      ...{ kind: 'config', line: 23, name: 'Caddyfile', apply: 'systemctl reload caddy' },
      ...{ mustContain: ['chat.example.org', 'admin.example.org'], shrinkAtMost: 50, overwriteDrift: true },
      health: { url: undefined, timeoutSeconds: 60, stableSeconds: 3 },
    },
    { kind: 'restart', line: 32, name: 'worker.service', service: 'worker', needs: [1, 2], health: { port: 9000 } },
  ]);
});

test('a binary part takes every program input of deploy-binary, and none that is about the step', () => {
  const { problems: found } = parseParts(
    BINARY +
      Object.keys(fields.def.shape)
        .map((name) => `  ${name}: "1"`)
        .join('\n'),
  );
  const unknown = found.flatMap(({ message }) => /has no key `([a-z-]+)`/.exec(message)?.[1] ?? []);
  expect(unknown).toEqual(
    expect.arrayContaining(['host', 'source', 'destination', 'strategy', 'rollback-to', 'max-parallel', 'dry-run']),
  );
  for (const name of ['service', 'args', 'log-file', 'health-url', 'stop-signal', 'expect-strings', 'capabilities'])
    expect(unknown).not.toContain(name);
});

test('a part with a health takes every health input of deploy-binary', () => {
  const names = Object.keys(fields.def.shape).filter((name) => /^(health-|stable-)/.test(name));
  expect(names.length).toBeGreaterThan(6);
  for (const kind of ['config', 'restart'] as const) expect(keysOf(kind)).toEqual(expect.arrayContaining(names));
});

describe('what is refused, with its line', () => {
  test.each([
    ['', ['parts, line 1: there is no part.']],
    ['[]', ['parts, line 1: there is no part.']],
    ['binary: x', ['parts, line 1: expected a list of parts, each of which starts with `- `.']],
    ['- x', ['parts, line 1: expected a part with one of the keys binary, folder, config, unit, restart.']],
    ['- to: /x', ['parts, line 1: a part needs one of the keys binary, folder, config, unit, restart.']],
    [
      '- binray: x',
      ['parts, line 1: a part needs one of the keys binary, folder, config, unit, restart; is `binary` meant.'],
    ],
    ['- binary: x\n  folder: y', ['parts, line 1: it is both `binary` and `folder`; make two parts of it.']],
    [
      `${CONFIG}  restart: caddy`,
      ['parts, line 1: a config part restarts nothing; add a part `restart: UNIT` with `needs`.'],
    ],
    ['- binary: x', ['parts, line 1: `to` is missing.']],
    [`${BINARY}  helth-url: http://x`, ['parts, line 3: a binary part has no key `helth-url`; is `health-url` meant.']],
    [`${FOLDER}  check: x {file}`, ['parts, line 3: a folder part has no key `check`.']],
    [`${CONFIG}  'must contain': x`, ['parts, line 3: a config part has no key `…`; is `must-contain` meant.']],
    [`${CONFIG}  check:`, ['parts, line 3: `check` has no value: remove the key, or give it one.']],
    [`${CONFIG}  check: [a, b]`, ['parts, line 3: `check` must be a text, not a list.']],
    [`${CONFIG}  check: {a: b}`, ['parts, line 3: `check` must be a text, not a map.']],
    [`${CONFIG}  must-contain: [a, [b]]`, ['parts, line 3: `must-contain` must be a list of texts.']],
    [`${CONFIG}  must-contain: ["a\\nb"]`, ['parts, line 3: `must-contain` has an entry with a line end in it.']],
    [
      `${CONFIG}  check: caddy validate`,
      ["parts, line 3: `check`: expected a command that names the staged file as {file}, got 'caddy validate'."],
    ],
    [
      `${CONFIG}  shrink-at-most: 50`,
      ["parts, line 3: `shrink-at-most`: expected a percentage such as 50%, got '50'."],
    ],
    [`${CONFIG}  health-contains: ok`, ['parts, line 3: `health-contains`: only valid with `health-url`.']],
    [
      `${CONFIG}  mode: 493`,
      ["parts, line 3: `mode`: expected an octal mode without set-ID bits, such as 0644, got '493'."],
    ],
    [
      `${CONFIG}  mode: 0o644`,
      ["parts, line 3: `mode`: expected an octal mode without set-ID bits, such as 0644, got '0o644'."],
    ],
    [
      `${CONFIG}  mode: 4755`,
      ["parts, line 3: `mode`: expected an octal mode without set-ID bits, such as 0644, got '4755'."],
    ],
    [`${CONFIG}  overwrite-drift: yes`, ["parts, line 3: `overwrite-drift`: expected true or false, got 'yes'."]],
    [`${BINARY}  restart: command`, ['parts, line 1: `start-command`: required with `restart: command`.']],
    [`${BINARY}  environment: {A: }`, ['parts, line 3: `environment` has no text for A.']],
    [
      `${BINARY}  environment: s3cr3t`,
      ['parts, line 3: `environment`: line 1 must be KEY=VALUE with a name a shell can export.'],
    ],
    [
      `${BINARY}  health-port: 99999`,
      ["parts, line 3: `health-port`: expected a whole number from 1 to 65535, got '99999'."],
    ],
    [
      '- config: x\n  to: etc/x',
      [
        'parts, line 2: `to`: expected an absolute path without ".." or control characters, outside of state folders (.NAME.deploy), got \'etc/x\'.',
      ],
    ],
    [
      '- config: x\n  to: /etc/.x.deploy/live',
      [
        'parts, line 2: `to`: expected an absolute path without ".." or control characters, outside of state folders (.NAME.deploy), got \'/etc/.x.deploy/live\'.',
      ],
    ],
    [
      '- unit: x.service\n  to: /opt/x.service',
      [
        'parts, line 2: `to`: expected the path of a system unit, such as /etc/systemd/system/app.service; for a drop-in use a config part with apply: systemctl daemon-reload.',
      ],
    ],
    [
      '- unit: x.conf\n  to: /etc/systemd/system/',
      [
        'parts, line 2: `to`: expected the path of a system unit, such as /etc/systemd/system/app.service; for a drop-in use a config part with apply: systemctl daemon-reload.',
      ],
    ],
    [`${FOLDER}  keep: ../x`, ["parts, line 3: `keep`: expected paths inside of the folder, got '../x'."]],
    [
      `${FOLDER}  exclude: "!x"`,
      ['parts, line 3: `exclude`: a pattern that starts with `!` is not read; list what is left out.'],
    ],
    ['- restart: a b', ["parts, line 1: `restart`: expected the name of a unit, or user:NAME, got 'a b'."]],
    [BINARY + BINARY, ['parts, line 3: `to`: the part on line 1 has the same destination.']],
    [
      `${FOLDER}- config: a\n  to: /opt/app//ui/a.json`,
      ['parts, line 3: `to`: it lies inside of the destination of the part on line 1.'],
    ],
    [
      `- config: a\n  to: /opt/app/ui/a.json\n${FOLDER}`,
      ['parts, line 3: `to`: it contains the destination of the part on line 1.'],
    ],
    [
      `${BINARY}  service: app\n- restart: app.service`,
      ['parts, line 4: app.service is restarted by the part on line 1 already.'],
    ],
    [`${BINARY}  needs: ui\n${FOLDER}`, ["parts, line 3: `needs`: 'ui' stands later; move it before this part."]],
    [`${BINARY}  needs: server`, ["parts, line 3: `needs`: a part can't need itself."]],
    [
      `${BINARY}${FOLDER}  needs: serve`,
      ["parts, line 5: `needs`: no part is named 'serve'; earlier parts are server."],
    ],
  ])('%.80j', (text, expected) => {
    expect(problems(text)).toEqual(expected);
  });
});

test('every problem of every part is reported at once, in the order of the lines', () => {
  expect(
    problems(
      `${BINARY}  mode: x\n  owner: "a:b:c"\n${CONFIG}  chek: x\n- unit: y\n- restart: z\n  health-port: p\n${BINARY}`,
    ),
  ).toEqual([
    "parts, line 3: `mode`: expected an octal mode such as 0755, got 'x'.",
    "parts, line 4: `owner`: expected user, user:group or numbers, got 'a:b:c'.",
    'parts, line 7: a config part has no key `chek`; is `check` meant.',
    'parts, line 8: `to` is missing.',
    "parts, line 10: `health-port`: expected a whole number from 1 to 65535, got 'p'.",
  ]);
});

test('parts of one file name are named by their whole path', () => {
  const { parts } = parseParts(
    '- config: a\n  to: /etc/a/main.conf\n- config: b\n  to: /etc/b/main.conf\n  needs: /etc/a/main.conf',
  );
  expect(parts.map(({ name, needs }) => [name, needs])).toEqual([
    ['/etc/a/main.conf', []],
    ['/etc/b/main.conf', [0]],
  ]);
});

test('an anchor shares what several parts have in common', () => {
  const { parts } = parseParts(
    `- restart: a\n  health-command: &check |\n    systemctl is-active a\n- restart: b\n  health-command: *check\n`,
  );
  expect(parts).toMatchObject([{}, { health: { command: 'systemctl is-active a\n' } }]);
});

test('no message shows a value of environment, nor what stands in the place of a key', () => {
  const texts = [
    `environment: hunter2=hunter2\n  environment: x`,
    `environment: ["1hunter2"]`,
    `environment: {1 hunter2: x}`,
    `hunter2 hunter2: x`,
    `environment: {A: [hunter2]}`,
  ];
  for (const text of texts) {
    const found = problems(`${BINARY}  ${text}`);
    expect(found.length, text).toBeGreaterThan(0);
    expect(found.join()).not.toContain('hunter2');
  }
});
