import { quote } from '../../../lib/ssh/program.ts';
import type { LineProblem, YamlValue } from '../../../lib/yaml/read-yaml.ts';

/** Keys whose value is one line per entry, which may be written as a list too. */
const LISTS = ['environment', 'exclude', 'expect-strings', 'health-headers', 'keep', 'must-contain', 'needs'];

/** The text that the fields read of a value: that of an input of the same name. Gives a message instead where it is of another form. */
export function textOf(key: string, value: YamlValue): { text: string } | { problem: LineProblem } {
  const wrong = (message: string) => ({ problem: { line: value.line, message: `\`${key}\` ${message}` } });
  switch (value.kind) {
    case 'text':
      return { text: value.text };
    case 'empty':
      return wrong('has no value: remove the key, or give it one');
    case 'map':
      return key === 'environment' ? environmentText(value, wrong) : wrong('must be a text, not a map');
    case 'list': {
      if (key !== 'args' && !LISTS.includes(key)) return wrong('must be a text, not a list');
      const items = value.items.map((item) => (item.kind === 'text' ? item.text : undefined));
      const odd = value.items.find((_, at) => items[at] === undefined);
      if (odd) return { problem: { line: odd.line, message: `\`${key}\` must be a list of texts` } };
      const texts = items.map((text) => text ?? '');
      if (key === 'args')
        return texts.some((text) => text.includes('\0')) ? wrong(NUL) : { text: texts.map(quote).join(' ') };
      return texts.some((text) => text.includes('\n')) ? wrong(LINE_END) : { text: texts.join('\n') };
    }
  }
}

const LINE_END = 'has an entry with a line end in it';
const NUL = 'has an entry with a NUL byte in it';

function environmentText(
  { entries }: YamlValue & { kind: 'map' },
  wrong: (message: string) => { problem: LineProblem },
): { text: string } | { problem: LineProblem } {
  const lines: string[] = [];
  for (const { key, value } of entries) {
    // An empty variable is written with quotes, so that a forgotten value is found.
    if (value.kind !== 'text') return wrong(`has no text for ${/^[A-Za-z_]\w*$/.test(key) ? key : 'one of its keys'}`);
    if (value.text.includes('\n')) return wrong(LINE_END);
    lines.push(`${key}=${value.text}`);
  }
  return { text: lines.join('\n') };
}
