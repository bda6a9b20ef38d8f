import { expect, test } from 'vitest';
import { withSamples } from '../../../scripts/samples.mjs';

const README =
  '# A\n<!-- log:green:begin -->\nold\n<!-- log:green:end -->\n<!-- log:red:begin -->\n<!-- log:red:end -->\nend\n';
const DEMO = `
=== 1. A new version

[  0.1 s] connect         root@127.0.0.1:4711
Found /tmp/deploy-demo-aB3/bin/service: root:root 0755
Not kept: RUNNER_TOOL_CACHE is not set.
[  0.2 s] accept          done
-> the step is green

=== 2. A version that exits

[  0.1 s] connect         root@127.0.0.1:4711
[  0.3 s] stop            stopping

Error: failed.
-> the step is red

=== What serves now
`;

test("the README gets the demo's two logs, with the names of a usual target", () => {
  expect(withSamples(README, DEMO).split('\n')).toEqual([
    '# A',
    '<!-- log:green:begin -->',
    '```text',
    '[  0.1 s] connect         app@web-1:22',
    'Found /opt/app/bin/server: app:app 0755',
    '[  0.2 s] accept          done',
    '```',
    '<!-- log:green:end -->',
    '<!-- log:red:begin -->',
    '```text',
    '…',
    '[  0.3 s] stop            stopping',
    '',
    'Error: failed.',
    '```',
    '<!-- log:red:end -->',
    'end',
    '',
  ]);
});

test('a demo that printed no log changes nothing', () => {
  expect(() => withSamples(README, 'nothing')).toThrow('the demo printed no log of the green deploy');
});

test('a README without the markers is refused', () => {
  expect(() => withSamples('# A\n', DEMO)).toThrow('the README lacks the lines <!-- log:green:begin -->');
});
