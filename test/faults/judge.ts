import type { Case, FaultName } from './cases.ts';
import type { Seen } from './observe.ts';

/** What one deploy says of itself. */
export interface Claim {
  version: string;
  /** Null when it was killed. */
  code: number | null;
  /** Empty when it said none. */
  state: string;
  pid: string;
  previous: string;
  /** Whether it lost the target and learned its end later. */
  lost: boolean;
}

/** Everything that is known of a run. */
export interface Observed {
  /** Whether the fault came before the deploy was over. */
  struck: boolean;
  /** Whether the fault went on after the deploy had proved what it reports. */
  spoiled: boolean;
  /** The pid of the old version before. */
  oldPid: number | undefined;
  rested: boolean;
  /** The deploy under test first. */
  claims: Claim[];
  /** When nobody worked any more, before anything else was done. */
  rest: Seen;
  verify: { verified: boolean; failed: string[] };
  /** The next deploy, of v4, and what was there after it. */
  next: Claim;
  after: Seen;
  left: string[];
  secrets: string[];
  problems: string[];
}

export interface Verdict {
  /** How the deploy under test ended. */
  ending: Ending;
  /** Empty when all is as promised. */
  problems: string[];
}

export const ENDINGS = [
  'active',
  'rolled-back',
  'untouched',
  'staged',
  'broken',
  'unknown, is new',
  'unknown, is old',
  'unknown, is unfinished',
  'unknown, is down',
] as const;

export type Ending = (typeof ENDINGS)[number];

const NOBODY_LEFT: FaultName[] = ['runner-and-transaction-killed', 'power-cut'];
const GREEN = ['active', 'unchanged'];

/** Pure: whether what was seen is what the action promises, whatever struck it. */
export function judge(c: Case, seen: Observed): Verdict {
  const [claim] = seen.claims;
  if (!claim) throw new Error('a run has a deploy');
  const rules = c.fault === 'hostile-account' ? [reported, verified] : [whole, up, colours, verified];
  return {
    ending: endingOf(claim, seen),
    problems: [
      ...seen.problems,
      ...untroubled(c, seen),
      ...(seen.rested ? [] : ['somebody still works on the target after a minute']),
      ...rules.flatMap((rule) => rule(c, seen)),
      ...nextWorks(seen),
      ...seen.left.filter((what) => !isAccountsOwn(c, what)).map((what) => `left behind: ${what}`),
      ...seen.secrets.map((where) => `secret found: ${where}`),
    ],
  };
}

/** Whatever an attacking account has put at the destination, half a file maybe, is a previous release to the next deploy. */
function isAccountsOwn({ fault }: Case, left: string): boolean {
  return fault === 'hostile-account' && left.startsWith('release ');
}

/** A deploy that the fault came too late for is a plain deploy. */
function untroubled({ phase }: Case, { struck, claims }: Observed): string[] {
  const state = claims[0]?.state;
  if (struck || state === (phase === 'rollback' ? 'rolled-back' : 'active')) return [];
  return [`no fault struck, but it ends as ${state || 'nothing'}`];
}

function endingOf({ code, state }: Claim, { verify }: Observed): Ending {
  const told = ENDINGS.find((ending) => ending === (state === 'unchanged' ? 'active' : state));
  if (code !== null && told) return told;
  if (verify.verified) return 'unknown, is new';
  if (verify.failed.includes('deploy')) return 'unknown, is unfinished';
  return verify.failed.join() === 'sha256' ? 'unknown, is old' : 'unknown, is down';
}

/** The file is one whole version, and one that somebody meant to be there. */
function whole(c: Case, { rest, claims }: Observed): string[] {
  // In place nothing is whole between the two, and where there is no room for either, it is said.
  const said = !rest.finished || claims.some(({ state }) => state === 'broken');
  if (c.strategy === 'in-place' && rest.file === 'none' && said) return [];
  const meant = ['v1', ...(c.fault === 'file-changed' ? ['v3'] : []), ...claims.map(({ version }) => version)];
  return meant.includes(rest.file) ? [] : [`the file is ${rest.file}, not one of ${meant.join(', ')}`];
}

/** Something healthy serves, or the state says what is wrong, or nobody was left to put it right. */
function up(c: Case, { rest, claims, oldPid }: Observed): string[] {
  if (rest.serves !== undefined && rest.serves === rest.file && rest.runs.length === 1) return [];
  if (claims.some(({ state }) => state === 'broken')) return [];
  // Whoever changed the file by hand left the old one running.
  if (c.fault === 'file-changed' && rest.file === 'v3' && rest.serves === 'v1') return [];
  if (!rest.finished && NOBODY_LEFT.includes(c.fault)) return [];
  // A program run by hand does not come back with its host.
  if (c.fault === 'power-cut' && rest.pid !== oldPid && claims.every(isExcused)) return [];
  return [
    `left down: the file is ${rest.file}, ${rest.runs.join('+') || 'nothing'} runs, ${rest.serves ?? 'nothing'} serves`,
  ];
}

/** Of a cut host: it says nothing of what runs, or said it before the cut. */
function isExcused({ state, lost }: Claim): boolean {
  return ['untouched', 'staged', 'unknown'].includes(state) || !lost;
}

/** Colour and state of every deploy agree with what is there. */
function colours(c: Case, seen: Observed): string[] {
  return seen.claims.flatMap((claim) => {
    const { code, state, version } = claim;
    const wrong = (what: string) => [`${version} says ${state || 'nothing'} (exit ${code}), but ${what}`];
    if (code === null || (c.fault === 'power-cut' && isExcused(claim))) return [];
    if ((code === 0) !== GREEN.includes(state)) return wrong('its colour is another');
    if (state === 'unknown') return [];
    if (!seen.rest.finished && state !== 'untouched' && state !== 'broken') return wrong('the journal is unfinished');
    const later = seen.claims.filter((other) => other !== claim && GREEN.includes(other.state));
    if (GREEN.includes(state)) return active(claim, later, seen).flatMap(wrong);
    if (state === 'broken' || later.length > 0) return [];
    if (seen.rest.file === version) return wrong('the new version is in place');
    if (state === 'rolled-back') return seen.rest.serves === seen.rest.file ? [] : wrong('nothing healthy serves');
    return c.fault === 'power-cut' || seen.rest.pid === seen.oldPid ? [] : wrong('the old process is gone');
  });
}

/**
 * Of an account that kills its program and moves its files about, which is its own affair: what the deploy reports is so, unless
 * the account went on after that was proved.
 */
function reported(_: Case, { claims: [claim], rest, spoiled }: Observed): string[] {
  if (!claim) return [];
  const { code, state, version } = claim;
  const wrong = (what: string) => [`${version} says ${state || 'nothing'} (exit ${code}), but ${what}`];
  if ((code === 0) !== GREEN.includes(state)) return wrong('its colour is another');
  if (spoiled) return [];
  if (GREEN.includes(state))
    return rest.finished ? active(claim, [], { rest }).flatMap(wrong) : wrong('it is unfinished');
  if (state === 'rolled-back')
    return rest.file === 'v1' && rest.serves === 'v1' ? [] : wrong(`${rest.serves ?? 'nothing'} serves`);
  return ['untouched', 'staged'].includes(state) && rest.file === version ? wrong('the new version is in place') : [];
}

function active({ version, pid }: Claim, later: Claim[], { rest }: Pick<Observed, 'rest'>): string[] {
  if (later.some(({ previous }) => previous === version)) return [];
  if (rest.file !== version || rest.serves !== version) return [`${rest.serves ?? 'nothing'} serves`];
  return pid === String(rest.pid) ? [] : [`pid ${rest.pid} serves, not ${pid}`];
}

/** verify-deploy, asked whether v2 is there and healthy, says what is so. */
function verified(_: Case, { rest, verify }: Observed): string[] {
  const said = verify.verified ? 'all holds' : `${verify.failed.join(', ') || 'nothing'} fails`;
  const wrong = (what: string) => [`verify-deploy says that ${said}, but ${what}`];
  const good = rest.finished && rest.file === 'v2' && rest.serves === 'v2';
  if (verify.verified !== good)
    return wrong(good ? 'v2 is there and serves' : `${rest.file} is there, ${rest.serves ?? 'nothing'} serves`);
  if (verify.failed.includes('deploy') === rest.finished)
    return wrong(`the journal is ${rest.finished ? 'finished' : 'open'}`);
  return [];
}

function nextWorks({ next, after }: Observed): string[] {
  if (next.state !== 'active') return [`the next deploy ends as ${next.state || 'nothing'}`];
  return after.file === 'v4' && after.serves === 'v4' && after.finished && after.runs.length === 1
    ? []
    : [
        `the next deploy is active, but the file is ${after.file}, ${after.serves ?? 'nothing'} serves, ${after.runs.join('+')} runs`,
      ];
}
