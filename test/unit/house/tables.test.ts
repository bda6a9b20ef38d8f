import { expect, test } from 'vitest';
import { withTables } from '../../../scripts/readme.mjs';

const MARKED =
  '# A\n<!-- inputs:begin -->\nold\n<!-- inputs:end -->\n\n<!-- outputs:begin -->\n<!-- outputs:end -->\nend\n';

test('the tables of a README are written from action.yml between their markers', () => {
  const action = {
    inputs: {
      host: { description: 'Host\n  to reach', required: true },
      mode: { description: 'One | other', default: '0755' },
      user: { description: 'Account' },
    },
    outputs: { state: { description: 'How it was left' } },
  };
  const readme = withTables(MARKED, action);
  expect(readme).toBe(
    [
      '# A',
      '<!-- inputs:begin -->',
      '| input | default | meaning |',
      '| --- | --- | --- |',
      '| `host` | required | Host to reach |',
      '| `mode` | `0755` | One \\| other |',
      '| `user` |  | Account |',
      '<!-- inputs:end -->',
      '',
      '<!-- outputs:begin -->',
      '| output | meaning |',
      '| --- | --- |',
      '| `state` | How it was left |',
      '<!-- outputs:end -->',
      'end',
      '',
    ].join('\n'),
  );
  expect(withTables(readme, action)).toBe(readme);
});

test('a README without the markers is refused', () => {
  expect(() => withTables('# A\n', {})).toThrow(
    'the README lacks the lines <!-- inputs:begin --> and <!-- inputs:end -->',
  );
});
