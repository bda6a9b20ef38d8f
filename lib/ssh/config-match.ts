import { LineError, nextToken } from './config-line.ts';
import { matchesHostPatterns, matchesPatterns } from './patterns.ts';

/** What a Match line is compared with. */
export interface MatchFacts {
  /** With HostName applied, as far as it was read. */
  host: () => string;
  originalHost: string;
  user: string;
  localUser: string;
  tag: string;
  /** The second reading, which `Match final` asks for. */
  final: boolean;
}

export interface MatchResult {
  /** Undefined when criteria that can't be evaluated decide. */
  applies: boolean | undefined;
  wantsFinal: boolean;
  /** The criteria that can't be evaluated. */
  unknown: string[];
}

/** Criteria of ssh that depend on the runner, the version of ssh or the command. */
const UNKNOWN = ['exec', 'localnetwork', 'version', 'sessiontype', 'command'];

/** Evaluates the criteria of a Match line. Throws a LineError for what ssh does not take. */
export function evaluateMatch(text: string, facts: MatchFacts): MatchResult {
  const result: MatchResult = { applies: true, wantsFinal: false, unknown: [] };
  let rest: string | undefined = text;
  let count = 0;
  const next = () => {
    if (rest === undefined) return undefined;
    const [token, after]: [string | undefined, string | undefined] = nextToken(rest);
    rest = after;
    return token;
  };
  for (let word = next(); word !== undefined && word !== '' && !word.startsWith('#'); word = next()) {
    const negated = word.startsWith('!');
    const name = word.slice(negated ? 1 : 0).toLowerCase();
    if (name === 'all') {
      const after = next();
      if (count > 1 || (after !== undefined && after !== '' && !after.startsWith('#')))
        throw new LineError('`all` stands beside other criteria');
      return negated ? { ...result, applies: false } : settled(result);
    }
    count += 1;
    if (name === 'final' || name === 'canonical') {
      if (name === 'final' && negated) result.unknown.push('!final');
      else if (name === 'final') result.wantsFinal = true;
      if (facts.final === negated) result.applies = false;
      continue;
    }
    const argument = next();
    if (argument === undefined || (argument === '' && name !== 'tagged') || argument.startsWith('#'))
      throw new LineError(`Match ${name} has no value`);
    if (UNKNOWN.includes(name)) result.unknown.push(name);
    else if (meets(name, argument, facts) === negated) result.applies = false;
  }
  if (count === 0) throw new LineError('Match has no criteria');
  return settled(result);
}

function settled(result: MatchResult): MatchResult {
  const applies = result.applies && result.unknown.length > 0 ? undefined : result.applies;
  return { ...result, applies };
}

function meets(name: string, argument: string, facts: MatchFacts): boolean {
  const patterns = argument.split(',');
  if (name === 'host') return matchesHostPatterns(facts.host(), patterns);
  if (name === 'originalhost') return matchesHostPatterns(facts.originalHost, patterns);
  if (name === 'user') return matchesPatterns(facts.user, patterns);
  if (name === 'localuser') return matchesPatterns(facts.localUser, patterns);
  if (name === 'tagged') return facts.tag === '' ? argument === '' : matchesPatterns(facts.tag, patterns);
  throw new LineError(`Match ${name} is not known to ssh`);
}
