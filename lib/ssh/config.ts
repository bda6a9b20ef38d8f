import { canonicalHost } from './address.ts';
import { keywordOf, REFUSED } from './config-keywords.ts';
import { LineError, readLine } from './config-line.ts';
import { evaluateMatch } from './config-match.ts';
import { readValues } from './config-values.ts';
import { matchesPatterns } from './patterns.ts';
import { expandTilde, expandTokens, TokenError } from './tokens.ts';

/** What an SSH config says about one host; ssh_config(5). Names as there, in lower case. */
export interface HostConfig {
  /** Where to connect: HostName applied, names in lower case. */
  host: string;
  values: ReadonlyMap<string, readonly string[]>;
  /** Keywords that were set, the first one first, and where. */
  places: ReadonlyMap<string, string>;
}

/** The text of one config file. */
export interface ConfigFile {
  path: string;
  text: string;
  /** The system's: relative paths start in /etc/ssh, and `~` is refused. */
  system?: boolean;
}

export interface ConfigQuestion {
  /** The host as the user wrote it. */
  host: string;
  user: string | undefined;
  port?: number | undefined;
  localUser: string;
  /** Home folders of the account, the one that ssh uses first. */
  homes: readonly string[];
  homeOf: (account: string) => string | undefined;
  /** The files that an Include pattern names, already made absolute. Throws a ConfigError for one that must not be read. */
  include: (pattern: string) => ConfigFile[];
}

/** A line that can't be followed: `file:line: why`. `remedy` is what to do, where it is not the usual. */
export class ConfigError extends Error {
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}

const REPEATED = new Set(['identityfile', 'certificatefile']);
const INCLUDE_DEPTH = 16;

/** Evaluates config files for one host, as ssh does: the first value of a keyword wins, identity files add up. */
export function resolveConfig(files: readonly ConfigFile[], question: ConfigQuestion): HostConfig {
  const reading: Reading = {
    question,
    host: question.host,
    values: new Map(),
    places: new Map(),
    final: false,
    wantsFinal: false,
  };
  const readAll = () => {
    for (const file of files) readFile(file, reading, { applies: true, depth: 0 });
  };
  readAll();
  const host = destinationOf(reading);
  if (reading.wantsFinal) {
    reading.values.set('hostname', [host.replaceAll('%', '%%')]);
    Object.assign(reading, { host, final: true });
    readAll();
  }
  return { host, values: reading.values, places: reading.places };
}

/** The first keyword that is set and can't be followed, as an error that names its line. */
export function refusedKeyword({ values, places }: HostConfig, ignored: readonly string[]): ConfigError | undefined {
  for (const [name, { unless, remedy }] of Object.entries(REFUSED)) {
    const value = values.get(name)?.[0];
    if (value === undefined || unless.includes(value.toLowerCase()) || ignored.includes(name)) continue;
    const spelling = keywordOf(name)?.spelling;
    return new ConfigError(
      `${places.get(name)}: ${spelling} is set to '${value}', which is not supported`,
      `${remedy}.`,
    );
  }
  return undefined;
}

interface Reading {
  question: ConfigQuestion;
  /** What Host lines are compared with: as written, and in the second reading the name that was found. */
  host: string;
  values: Map<string, readonly string[]>;
  places: Map<string, string>;
  final: boolean;
  wantsFinal: boolean;
}

interface Place {
  applies: boolean;
  depth: number;
}

function readFile(
  { path, text, system = false }: ConfigFile,
  reading: Reading,
  { applies: outer, depth }: Place,
): void {
  let applies = outer;
  for (const [index, line] of text.split('\n').entries()) {
    const where = `${path}:${index + 1}`;
    try {
      const read = readLine(line);
      if (!read) continue;
      const known = keywordOf(read.keyword);
      if (known?.name === 'host') applies = outer && hostLineApplies(read.words, reading);
      else if (known?.name === 'match') applies = matchLineApplies(read.rest, reading, outer);
      else if (known?.name === 'include') include(read.words, { reading, system }, { applies, depth });
      else setValue(read, known, { reading, where, applies });
    } catch (error) {
      if (error instanceof LineError || error instanceof TokenError)
        throw new ConfigError(`${where}: ${error.message}`);
      throw error;
    }
  }
}

function hostLineApplies(words: string[], { host }: Reading): boolean {
  if (words.includes('')) throw new LineError('a pattern is empty');
  // Unlike those of Match, upper and lower case differ here.
  return matchesPatterns(host, words);
}

function matchLineApplies(text: string, reading: Reading, outer: boolean): boolean {
  const { question, values } = reading;
  const { applies, wantsFinal, unknown } = evaluateMatch(text, {
    host: () => hostNameOf(reading),
    originalHost: question.host,
    user: question.user ?? values.get('user')?.[0] ?? question.localUser,
    localUser: question.localUser,
    tag: values.get('tag')?.[0] ?? '',
    final: reading.final,
  });
  if (wantsFinal && !reading.final) reading.wantsFinal = true;
  if (applies === undefined && outer) throw new LineError(`Match ${unknown.join(', ')} is not supported`);
  return outer && applies === true;
}

function include(
  words: string[],
  { reading, system }: { reading: Reading; system: boolean },
  { applies, depth }: Place,
): void {
  if (depth >= INCLUDE_DEPTH) throw new LineError('Include is nested too deeply');
  for (const pattern of words) {
    if (pattern === '') throw new LineError('the value is empty');
    // Older versions of ssh take them as they stand.
    if (applies && /%|\$\{/.test(pattern)) throw new LineError(`tokens in Include (${pattern}) are not supported`);
    for (const path of includedPaths(pattern, reading.question, system))
      for (const file of reading.question.include(path))
        readFile({ ...file, system }, reading, { applies, depth: depth + 1 });
  }
}

function includedPaths(pattern: string, { homes, homeOf }: ConfigQuestion, system: boolean): string[] {
  if (pattern.startsWith('/')) return [pattern];
  if (system && pattern.startsWith('~')) throw new LineError(`${pattern} is not a path for the system's config`);
  if (system) return [`/etc/ssh/${pattern}`];
  if (!pattern.startsWith('~')) return homes.map((home) => `${home}/.ssh/${pattern}`);
  return [...new Set(homes.map((home) => expandTilde(pattern, home, homeOf)))];
}

function setValue(
  read: { keyword: string; rest: string; words: string[] },
  known: ReturnType<typeof keywordOf>,
  { reading, where, applies }: { reading: Reading; where: string; applies: boolean },
): void {
  const { values, places } = reading;
  if (known === undefined) {
    const ignored = values.get('ignoreunknown')?.[0]?.toLowerCase().split(',') ?? [];
    // A newer ssh may know it; what does not apply can't lead elsewhere.
    if (!applies || matchesPatterns(read.keyword, ignored)) return;
    throw new LineError(
      `the keyword ${read.keyword} is not known (IgnoreUnknown ${read.keyword} before it leaves it out)`,
    );
  }
  if (known.kind === 'harmless') return;
  const found = readValues(known.name, read);
  if (!applies || found === undefined) return;
  const earlier = values.get(known.name);
  if (earlier && !REPEATED.has(known.name)) return;
  values.set(known.name, [...new Set([...(earlier ?? []), ...found])]);
  if (!earlier) places.set(known.name, where);
}

function destinationOf(reading: Reading): string {
  try {
    return canonicalHost(hostNameOf(reading), reading.values.get('addressfamily')?.[0]);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new ConfigError(`${reading.places.get('hostname')}: ${error.message}`);
  }
}

/** HostName applied to the host as written; as in ssh it knows no token but %h. */
function hostNameOf({ values, question }: Reading): string {
  return expandTokens(values.get('hostname')?.[0] ?? '%h', { h: question.host });
}
