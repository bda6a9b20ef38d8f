/** What an SSH config says about one host; ssh_config(5). Names as there, in lower case; every value in order. */
export type HostConfig = ReadonlyMap<string, readonly string[]>;

/** The text of one config file. */
export interface ConfigFile {
  path: string;
  text: string;
}

export interface ConfigQuestion {
  /** The host as the user wrote it. */
  host: string;
  user: string | undefined;
  localUser: string;
  home: string;
  /** The files that an Include pattern names, already made absolute. */
  include: (pattern: string) => ConfigFile[];
}

/** A line that can't be followed: `file:line: why`. */
export class ConfigError extends Error {}

const REPEATED = new Set(['identityfile', 'certificatefile']);
const INCLUDE_DEPTH = 16;

/** Evaluates config files for one host: the first value of a keyword wins, identity files add up. */
export function resolveConfig(files: readonly ConfigFile[], question: ConfigQuestion): HostConfig {
  const found = new Map<string, string[]>();
  for (const file of files) readFile(file, { question, found, depth: 0 }, true);
  return found;
}

interface Reading {
  question: ConfigQuestion;
  found: Map<string, string[]>;
  depth: number;
}

function readFile({ path, text }: ConfigFile, reading: Reading, outerApplies: boolean): void {
  const { question, found, depth } = reading;
  let applies = outerApplies;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${path}:${index + 1}`;
    const [keyword, ...values] = splitLine(line, where);
    if (keyword === undefined) continue;
    const name = keyword.toLowerCase();
    if (name === 'host') applies = outerApplies && matchesPatterns(question.host, values);
    else if (name === 'match') applies = outerApplies && matchesCriteria(values, reading, where);
    else if (!applies) continue;
    else if (name === 'include') {
      if (depth >= INCLUDE_DEPTH) throw new ConfigError(`${where}: Include is nested too deep`);
      for (const value of values) {
        for (const file of question.include(absoluteInclude(value, question.home))) {
          readFile(file, { ...reading, depth: depth + 1 }, true);
        }
      }
    } else if (REPEATED.has(name)) found.set(name, [...(found.get(name) ?? []), ...values]);
    else if (!found.has(name)) found.set(name, values);
  }
}

/** `Keyword value "quoted value"`, or with `=`; comments and empty lines give nothing. */
function splitLine(line: string, where: string): string[] {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return [];
  const [, keyword = '', rest = ''] = /^([^\s=]+)(?:\s*=\s*|\s+|$)(.*)$/.exec(text) ?? [];
  const values: string[] = [];
  for (const match of rest.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(#.*)|([^\s"']+)|(["'])/g)) {
    const [, double, single, comment, plain, open] = match;
    if (comment !== undefined) break;
    if (open !== undefined) throw new ConfigError(`${where}: a quote is never closed`);
    values.push(double?.replace(/\\(["\\])/g, '$1') ?? single ?? plain ?? '');
  }
  return [keyword, ...values];
}

function absoluteInclude(pattern: string, home: string): string {
  const expanded = pattern.replace(/^~(?=\/|$)/, home);
  return expanded.startsWith('/') ? expanded : `${home}/.ssh/${expanded}`;
}

function matchesCriteria(values: readonly string[], { question, found }: Reading, where: string): boolean {
  const rest = [...values];
  while (rest.length > 0) {
    // `host a` or `host=a`
    const [, negated, name = '', value] = /^(!?)([^=]*)(?:=(.*))?$/s.exec(rest.shift() ?? '') ?? [];
    if (value !== undefined) rest.unshift(value);
    const met = matchesCriterion(name.toLowerCase(), rest, { question, found }, where);
    if (met === (negated === '!')) return false;
  }
  return true;
}

function matchesCriterion(
  name: string,
  rest: string[],
  { question, found }: Pick<Reading, 'question' | 'found'>,
  where: string,
): boolean {
  if (name === 'all') return true;
  if (name === 'canonical' || name === 'final') return false;
  const patterns = rest.shift()?.split(',') ?? [];
  if (name === 'originalhost') return matchesPatterns(question.host, patterns);
  if (name === 'host')
    return matchesPatterns(found.get('hostname')?.[0]?.replaceAll('%h', question.host) ?? question.host, patterns);
  if (name === 'user') return matchesPatterns(question.user ?? found.get('user')?.[0] ?? question.localUser, patterns);
  if (name === 'localuser') return matchesPatterns(question.localUser, patterns);
  throw new ConfigError(`${where}: Match ${name} is not supported; host, originalhost, user, localuser and all are`);
}

/** ssh_config's pattern list: `*` and `?`, and `!` excludes whatever else matches. */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!globOf(negated ? pattern.slice(1) : pattern).test(text)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function globOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is');
}
