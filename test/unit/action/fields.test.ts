import { expect, test } from 'vitest';
import { environmentLines, quotedNames } from '../../../lib/action/fields.ts';

test('an environment is read as from a file for docker or a shell: comments and `export` are not part of it', () => {
  const given = '# the port\nPORT=8080\n\n  export KEY=a#b=c \nexport\tNAME=x y\nexported=1\nexport it\n';
  expect(environmentLines().parse(given)).toEqual(['PORT=8080', 'KEY=a#b=c', 'NAME=x y', 'exported=1', 'export it']);
});

test('quotes around a whole value are found, and no others', () => {
  expect(quotedNames(['A="x"', "B='x y'", 'C=x', 'D="x', 'E=x"y"', 'F=""', 'G="'])).toEqual(['A', 'B', 'F']);
});
