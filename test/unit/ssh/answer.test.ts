import { describe, expect, test } from 'vitest';
import { type AnswerError, answerOf, readSaid, type Said } from '../../../lib/ssh/answer.ts';
import { READY } from '../../../lib/ssh/program.ts';

const ABOUT = { what: 'Inspecting the target', where: 'root@web-1:22', state: 'untouched.' };
const DIGEST = 'a1'.repeat(32);

describe('a reader gives a value of its form, nothing for nothing, and refuses everything else', () => {
  test.each([
    ['digest', DIGEST, DIGEST],
    ['pid', '4120', 4120],
    ['number', '0', 0],
    ['number', '115600000', 115_600_000],
    ['text', '/opt/gro\u001b[31mß', '/opt/gro\\x1b[31mß'],
    ['quote', 'one\n::two::', 'one | ::two::'],
  ] as const)('%s of %j', (reader, said, value) => {
    expect(answer([['key', said]])[reader]('key')).toBe(value);
    expect(answer([['key', '']])[reader]('key')).toBeUndefined();
    expect(answer([])[reader]('key')).toBeUndefined();
  });

  test.each([
    ['digest', '../../../etc'],
    ['digest', DIGEST.toUpperCase()],
    ['digest', `${DIGEST}\n`],
    ['digest', `${DIGEST}0`],
    ['digest', 'a1'],
    ['pid', '0'],
    ['pid', '-1'],
    ['pid', '1 -1'],
    ['pid', ' 1'],
    ['pid', '1\n'],
    ['pid', '007'],
    ['pid', '1.5'],
    ['pid', '٣'],
    ['pid', 'self'],
    ['number', '-1'],
    ['number', '1e9'],
    ['number', '0x10'],
    ['number', '9'.repeat(400)],
    ['number', 'Infinity'],
    ['yes', 'maybe'],
    ['pids', '12 all'],
    ['pids', '12  13'],
  ] as const)('%s of %j', (reader, said) => {
    const refused = refusalOf(() => answer([['key', said]])[reader]('key'));
    expect(refused.message).toMatch(
      /^Inspecting the target on root@web-1:22 failed\.\n {2}why: {4}the target answered something/,
    );
    expect(refused.fields.state).toBe('untouched.');
  });

  test('words of a list', () => {
    expect(answer([['key', 'folder']]).oneOf('key', ['args', 'folder'])).toBe('folder');
    expect(refusalOf(() => answer([['key', 'toString']]).oneOf('key', ['args', 'folder'])).fields.why).toBe(
      "the target answered something that is not one of args, folder: key='toString'.",
    );
  });

  test('records within a value', () => {
    const [record] = answer([['process', 'pid=7 user=svc __proto__=x live=yes =y']]).records('process');
    expect([record?.pid('pid'), record?.text('user'), record?.yes('live')]).toEqual([7, 'svc', true]);
    expect(
      refusalOf(() =>
        answer([['process', 'pid=-7']])
          .records('process')[0]
          ?.pid('pid'),
      ).fields.why,
    ).toContain("something that is not a pid: pid='-7'");
  });

  test('parts of a form', () => {
    expect(answer([['phase', 'stop 12']]).parts('phase', /^([a-z]+) ([0-9]+)$/, 'a phase')).toEqual([['stop', '12']]);
    expect(() => answer([['phase', '12']]).parts('phase', /^([a-z]+) ([0-9]+)$/, 'a phase')).toThrow('not a phase');
  });

  test('and shows of a refused value no more than a piece, without secrets', () => {
    const said: Said = [['key', `hunter22\n::set-env name=a::b${'x'.repeat(5000)}`]];
    const refused = refusalOf(() => answerOf(said, ABOUT, (text) => text.replaceAll('hunter22', '***')).pid('key'));
    expect(refused.message).not.toContain('hunter22');
    expect(refused.message.length).toBeLessThan(600);
    expect(refused.message).not.toMatch(/^\s*::/m);
  });
});

describe('an answer is read', () => {
  test.each([
    ['whole', ['begin\nkey=value\nend\n']],
    ['byte by byte', [...'begin\nkey=value\nend\n']],
    ['between what a profile prints', ['motd\nkey=other\nbegin\nkey=value\nend\nkey=third\nlogout\n']],
    ['up to its first end', ['begin\nkey=value\nend\nbegin\nkey=other\nend\n']],
    [
      'without lines that are no key and value',
      ['begin\nnot a line\n=x\nKEY=x\nke y=x\n$(id)=x\n../k=x\nkey=value\nend\n'],
    ],
  ])('%s', (_, chunks) => {
    expect(read(chunks)).toMatchObject({ said: [['key', 'value']], complete: true });
  });

  test.each([
    ['without a beginning', ['key=value\nend\n']],
    ['with a half last line', ['begin\nkey=value\nend']],
    ['with half an end', ['begin\nkey=value\nen\n']],
    ['with a carriage return after its end', ['begin\r\nkey=value\r\nend\r\n']],
  ])('as incomplete %s', (_, chunks) => {
    expect(read(chunks).complete).toBe(false);
  });

  test('with the line ends within its values', () => {
    expect(read(['begin\nkey=a\\nb\\\\nc\nend\n']).said).toEqual([['key', 'a\nb\\nc']]);
  });

  test('only once the program reads', () => {
    const reader = readSaid();
    reader.push('begin\nkey=value\nend\n');
    expect(reader.result()).toMatchObject({ said: [], complete: false, isReady: false });
  });

  test('with what came in its place', () => {
    expect(read(['This account is not available.\n']).before).toBe('This account is not available.\n');
    expect(read(['no line end']).before).toBe('no line end');
  });

  test.each([
    ['in lines', `begin\n${'key=value\n'.repeat(1000)}`],
    ['without a line end', 'x'.repeat(10_000)],
    ['in empty lines', '\n'.repeat(10_000)],
    ['without a beginning', 'motd\n'.repeat(2000)],
  ])('up to a bound, %s', (_, chunk) => {
    const reader = readSaid();
    let sent = 0;
    while (!reader.result().excess && sent < 1000) {
      reader.push(chunk);
      sent += 1;
    }
    expect(reader.result().excess).toMatch(/^the target answered more than (4 MiB|20000 lines)$/);
    expect(sent * chunk.length).toBeLessThan(4.2 * 2 ** 20);
    expect(reader.result().complete).toBe(false);
  });

  test('up to that bound on standard error too', () => {
    const reader = readSaid();
    for (let sent = 0; sent < 5; sent += 1) reader.count('x'.repeat(2 ** 20));
    expect(reader.result().excess).toContain('4 MiB');
  });
});

function read(chunks: readonly string[]) {
  const reader = readSaid();
  reader.push(`${READY}\n`);
  for (const chunk of chunks) reader.push(chunk);
  return reader.result();
}

function answer(said: Said) {
  return answerOf(said, ABOUT);
}

function refusalOf(call: () => unknown): AnswerError {
  try {
    call();
  } catch (error) {
    return error as AnswerError;
  }
  throw new Error('it was taken');
}
