import { isClosedAtOnce } from './logins.ts';
import { readMessages, rejections } from './messages.ts';

/** What became of a push of one branch. */
export type PushVerdict = 'pushed' | 'lost race' | 'refused' | 'closed' | 'unclear';

/** What git and the server say when somebody else was faster, or is pushing now; every other reason is final. */
const LOST_RACE =
  /^(stale info|fetch first|non-fast-forward|failed to update ref|failed to lock|cannot lock ref .*|incorrect old value provided|reference already exists)$/i;
const REFUSED =
  /^fatal: (Authentication failed|could not read (Username|Password)|repository '…' not found)|returned error: 4(?!08|29)\d\d$|^\S+: Permission denied|could not resolve host|^Host key verification failed/im;
/** Over ssh a forge says it without `remote:`, and ends the connection. */
const REFUSED_BY_FORGE =
  /denied|not authori[sz]ed|not allowed|not found|does not exist|does not appear|archived|permission/i;

/**
 * Judges a push by its exit code, by the line about its ref, and by git's own lines. `unclear` means: the connection broke, ask
 * what is there now; `closed`: the server ended it before it began, which may be a refusal.
 */
export function judgePush(result: { code: number; out: string; err: string; args: readonly string[] }): PushVerdict {
  if (result.code === 0) return 'pushed';
  const [rejection] = rejections(result.out);
  if (rejection) return LOST_RACE.test(rejection.reason) ? 'lost race' : rejection.reason ? 'refused' : 'unclear';
  const { own, server } = readMessages(result);
  if (REFUSED.test(own)) return 'refused';
  if (!isClosedAtOnce(result)) return 'unclear';
  return REFUSED_BY_FORGE.test(`${server}\n${own.replace(/^fatal: Could not read[\s\S]*$/m, '')}`)
    ? 'refused'
    : 'closed';
}
