import {
  isAlias,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type YAMLError,
  type YAMLMap,
} from 'yaml';

/** A value of a YAML text with the line that it starts on. A scalar is the text that was written: `0755` and `yes` stay as they are. */
export type YamlValue =
  | { kind: 'text'; line: number; text: string }
  | { kind: 'list'; line: number; items: YamlValue[] }
  | { kind: 'map'; line: number; entries: YamlEntry[] }
  | { kind: 'empty'; line: number };

export interface YamlEntry {
  key: string;
  line: number;
  value: YamlValue;
}

/** One thing that is wrong in a text. */
export interface LineProblem {
  /** Counted from 1. */
  line: number;
  /** A sentence without its full stop. It shows nothing of the text but names. */
  message: string;
}

const LIMIT_BYTES = 128 * 1024;
/** Repeated by aliases or not: a text of 1 kB can name a billion values. */
const LIMIT_VALUES = 20_000;
const LIMIT_DEPTH = 12;
/** Nobody reads more, and one wrong character can make a problem of each line. */
const MOST_PROBLEMS = 50;

/** Reads one YAML 1.2 document. Gives either its value, undefined for an empty text, or every problem in the order of the lines. */
export function readYaml(text: string): { value?: YamlValue | undefined; problems: LineProblem[] } {
  if (Buffer.byteLength(text) > LIMIT_BYTES) {
    return { problems: [{ line: 1, message: `the text is longer than ${LIMIT_BYTES / 1024} KiB` }] };
  }
  const lines = new LineCounter();
  const lineOf = (offset: number | undefined) => Math.max(1, lines.linePos(offset ?? 0).line);
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'failsafe',
    stringKeys: true,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  if (!('length' in documents)) return { problems: [] };
  const problems = documents.flatMap(({ errors }) =>
    errors.map((error) => ({ line: lineOf(error.pos[0]), message: messageOf(error) })),
  );
  const second = documents[1];
  if (second) problems.push({ line: lineOf(second.range[0]), message: 'there is a second document; only one is read' });
  if (problems.length > 0) return { problems: inOrder(problems) };
  const contents: Node | null = documents[0]?.contents ?? null;
  if (contents === null || (isScalar(contents) && contents.type === 'PLAIN' && contents.source === ''))
    return { value: undefined, problems: [] };
  const reader = openReader(lineOf);
  const value = reader.read(contents, 1);
  return reader.problems.length > 0 ? { problems: inOrder(reader.problems) } : { value, problems: [] };
}

/** Follows aliases itself, so that what is read is counted, however little was written. */
function openReader(lineOf: (offset: number | undefined) => number) {
  const problems: LineProblem[] = [];
  const anchors = new Map<string, Node>();
  let values = 0;
  const refuse = (line: number, message: string): YamlValue => {
    problems.push({ line, message });
    return { kind: 'empty', line };
  };
  const read = (node: Node | null, depth: number, at?: number): YamlValue => {
    const line = at ?? lineOf(node?.range?.[0]);
    values += 1;
    // Each further one would repeat the same message.
    if (values > LIMIT_VALUES) {
      return values === LIMIT_VALUES + 1
        ? refuse(line, `there are more than ${LIMIT_VALUES} values, repeated ones included`)
        : { kind: 'empty', line };
    }
    if (depth > LIMIT_DEPTH) return refuse(line, `it is nested deeper than ${LIMIT_DEPTH} levels`);
    if (node === null) return { kind: 'empty', line };
    // What an alias repeats is reported where it is used.
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      return target ? read(target, depth, line) : refuse(line, 'an alias (`*`) names no anchor that stands before it');
    }
    if (node.anchor !== undefined && at === undefined) anchors.set(node.anchor, node);
    if (node.tag !== undefined && !/^tag:yaml\.org,2002:(str|seq|map)$/.test(node.tag))
      return refuse(line, 'a tag (`!`) is not read; quote a text that starts with `!`');
    if (isScalar(node)) {
      const text = String(node.value);
      return text === '' && node.type === 'PLAIN' ? { kind: 'empty', line } : { kind: 'text', line, text };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => read(item as Node | null, depth + 1, at));
      return { kind: 'list', line, items };
    }
    return { kind: 'map', line, entries: entriesOf(node as YAMLMap, depth, at) };
  };
  const entriesOf = (map: YAMLMap, depth: number, at?: number): YamlEntry[] => {
    const lineOfKey = new Map<string, number>();
    return map.items.map((item) => {
      const { key, value } = item as Pair<Node, Node | null>;
      const [line, name] = [at ?? lineOf(key.range?.[0]), isScalar(key) ? String(key.value) : ''];
      const first = lineOfKey.get(name);
      if (name === '<<') refuse(line, 'the merge key `<<` is not read; repeat the keys');
      else if (first !== undefined)
        refuse(line, `the key \`${shownName(name)}\` is given twice, first on line ${first}`);
      lineOfKey.set(name, line);
      return { key: name, line, value: read(value, depth + 1, value === null ? line : at) };
    });
  };
  return { problems, read };
}

/** A key as it is shown: one that was meant to be a value is not. */
function shownName(name: string): string {
  return /^[a-z][a-z0-9-]{0,40}$/.test(name) ? name : '…';
}

/** By the parser's code: its own sentence may quote a secret. */
function messageOf({ code }: YAMLError): string {
  return MESSAGES[code] ?? `it is not valid YAML (${code})`;
}

const MESSAGES: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias (`*`) is not valid; quote a text that starts with `*`',
  BAD_DQ_ESCAPE: 'a backslash in double quotes starts no known escape; use single quotes',
  BAD_INDENT: 'the indentation does not match the lines around it',
  BAD_SCALAR_START: 'a text starts with a character that YAML reserves; quote it',
  BLOCK_AS_IMPLICIT_KEY: 'a `:` stands where no key can be; quote the text, or indent it as a value of its own',
  MISSING_CHAR: 'a closing quote, a bracket or the `:` after a key is missing',
  MULTILINE_IMPLICIT_KEY: 'the `:` after a key is missing, or a text of several lines is not quoted',
  NON_STRING_KEY: 'a key is not a text',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAB_AS_INDENT: 'a tab is used as indentation; use blanks',
  UNEXPECTED_TOKEN: 'something stands where YAML expects nothing; check quotes and indentation',
};

function inOrder(problems: LineProblem[]): LineProblem[] {
  const seen = new Set<string>();
  const once = problems.filter(({ line, message }) => {
    const text = `${line} ${message}`;
    return !seen.has(text) && seen.add(text);
  });
  const shown = once.sort((a, b) => a.line - b.line).slice(0, MOST_PROBLEMS);
  const more = { line: shown.at(-1)?.line ?? 1, message: `and ${once.length - shown.length} more` };
  return once.length > shown.length ? [...shown, more] : shown;
}
