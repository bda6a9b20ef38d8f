/** What became of a push of one branch. */
export type PushVerdict = 'pushed' | 'lost race' | 'refused' | 'unclear';

/** What the other side says when somebody else was faster; everything else it says is final. */
const LOST_RACE =
  /stale info|fetch first|non-fast-forward|failed to update ref|cannot lock ref|incorrect old value|reference already exists/i;
const REFUSED =
  /declined|protected|denied|not permitted|unauthorized|forbidden|not found|does not exist|authentication failed|permission|archived|could not read Username|unable to resolve host|could not resolve host|shallow update not allowed|error: 4(?!08|29)\d\d/i;

/** Judges a push by its exit code and what it printed. `unclear` means: the connection broke, ask what is there now. */
export function judgePush({ code, out, err }: { code: number; out: string; err: string }): PushVerdict {
  if (code === 0) return 'pushed';
  const said = `${out}\n${err}`;
  if (LOST_RACE.test(said)) return 'lost race';
  return REFUSED.test(said) ? 'refused' : 'unclear';
}
