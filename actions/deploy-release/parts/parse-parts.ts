import { nearest } from '../../../lib/nearest.ts';
import { type LineProblem, readYaml, type YamlEntry, type YamlValue } from '../../../lib/yaml/read-yaml.ts';
import { KINDS, type Kind, keyOf, keysOf } from './fields.ts';
import type { Part } from './part.ts';
import { type ReadPart, relateParts } from './relate-parts.ts';
import { SCHEMAS } from './schemas.ts';
import { textOf } from './texts.ts';

const MOST_PARTS = 50;

/** Reads the text of `parts`: every part with its defaults, or every problem with its line. */
export function parseParts(text: string): { parts: Part[]; problems: LineProblem[] } {
  const { value, problems } = readYaml(text);
  if (problems.length > 0) return { parts: [], problems };
  const written = itemsOf(value);
  if ('problem' in written) return { parts: [], problems: [written.problem] };
  const read = written.items.map(readPart);
  const { parts, clashes, unmet } = relateParts(read.flatMap(({ part }) => (part ? [part] : [])));
  const unread = read.flatMap((one) => one.problems);
  const all = [...unread, ...clashes, ...(unread.length > 0 ? [] : unmet)];
  return all.length > 0 ? { parts: [], problems: all.sort((a, b) => a.line - b.line) } : { parts, problems: [] };
}

/** The problems as lines of an InputError; `origin` is "Input 'parts'" or the name of a file. */
export function formatProblems(origin: string, problems: readonly LineProblem[]): string[] {
  return problems.map(({ line, message }) => `${origin}, line ${line}: ${message}.`);
}

function itemsOf(value: YamlValue | undefined): { items: YamlValue[] } | { problem: LineProblem } {
  const wrong = (line: number, message: string) => ({ problem: { line, message } });
  if (!value) return wrong(1, 'there is no part');
  if (value.kind !== 'list') return wrong(value.line, 'expected a list of parts, each of which starts with `- `');
  if (value.items.length === 0) return wrong(value.line, 'there is no part');
  return value.items.length > MOST_PARTS ? wrong(value.line, `there are more than ${MOST_PARTS} parts`) : value;
}

interface Read {
  part?: ReadPart;
  problems: LineProblem[];
}

function readPart(value: YamlValue): Read {
  const wrong = (message: string): Read => ({ problems: [{ line: value.line, message }] });
  if (value.kind !== 'map') return wrong(`expected a part with one of the keys ${KINDS.join(', ')}`);
  const has = (key: string) => value.entries.some((entry) => entry.key === key);
  const [kind, other] = KINDS.filter((name) => has(name) && (name !== 'restart' || !has('binary')));
  if (!kind) return wrong(`a part needs one of the keys ${KINDS.join(', ')}${kindMeant(value.entries)}`);
  if (other === 'restart') return wrong(`a ${kind} part restarts nothing; add a part \`restart: UNIT\` with \`needs\``);
  if (other) return wrong(`it is both \`${kind}\` and \`${other}\`; make two parts of it`);
  return readKeys(kind, value);
}

function kindMeant(entries: readonly YamlEntry[]): string {
  const meant = entries.flatMap(({ key }) => nearest(key, KINDS) ?? [])[0];
  return meant ? `; is \`${meant}\` meant` : '';
}

function readKeys(kind: Kind, { line, entries }: YamlValue & { kind: 'map' }): Read {
  const problems: LineProblem[] = [];
  const lines = new Map<string, number>();
  const texts: Record<string, string> = {};
  const known = keysOf(kind);
  for (const { key, line: at, value } of entries) {
    if (!known.includes(key)) {
      problems.push({ line: at, message: `a ${kind} part has no key \`${shown(key)}\`${keyMeant(key, known)}` });
      continue;
    }
    lines.set(key, at);
    const read = textOf(key, value);
    if ('text' in read) texts[key] = read.text;
    else problems.push(read.problem);
  }
  const { [kind]: source, to: destination, needs = '', ...rest } = texts;
  const parsed = SCHEMAS[kind].safeParse({ ...rest, source, destination });
  for (const { path, message } of parsed.error?.issues ?? []) {
    const key = keyOf(kind, String(path[0]));
    // One whose value could not be read is reported already.
    if (lines.has(key) && texts[key] === undefined) continue;
    const isMissing = texts[key] === undefined && ['source', 'destination'].includes(String(path[0]));
    problems.push({
      line: lines.get(key) ?? line,
      message: isMissing ? `\`${key}\` is missing` : `\`${key}\`: ${message}`,
    });
  }
  if (!parsed.success || problems.length > 0) return { problems };
  const wanted = needs.split('\n').map((name) => name.trim());
  return {
    part: { line, own: parsed.data, needs: wanted.filter(Boolean), needsLine: lines.get('needs') ?? line },
    problems,
  };
}

/** A value in the place of a key is not shown: it may be a secret. */
function shown(key: string): string {
  return /^[a-z][a-z0-9_-]{0,40}$/i.test(key) ? key : '…';
}

function keyMeant(key: string, known: readonly string[]): string {
  const name = nearest(key, known);
  return name ? `; is \`${name}\` meant` : '';
}
