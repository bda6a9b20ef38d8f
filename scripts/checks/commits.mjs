import { run } from './run.mjs';

/** Commits after this one follow the form; earlier subjects were written before there was one. */
const START = 'ac42756ab0ec2e58124df33ce3378bd9c2b1470f';
const LONGEST_SUBJECT = 72;
const AREA = /^[a-z0-9.][a-z0-9.-]*(?:[/, ]+[a-z0-9.-]+)*: \S/;

/** Every commit since START has a subject of the form `area: what changes`; names those that don't. */
export async function check() {
  const reason = await obstacle();
  if (reason) return { leftOut: reason };
  const { code, output } = await git('log', '--no-merges', '--format=%h %s', `${START}..HEAD`);
  if (code !== 0) return output;
  const problems = output
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [, commit, subject] = /^(\S+) (.*)$/.exec(line) ?? [];
      const problem = subjectProblem(subject ?? '');
      return problem ? [`${commit} ${subject}\n  ${problem}`] : [];
    });
  return problems.length === 0 ? undefined : `${problems.join('\n')}\nCONTRIBUTING.md, "Commits", has the form.`;
}

/** What is wrong with a commit subject; undefined when it has the form. */
export function subjectProblem(subject) {
  const length = [...subject].length;
  if (length > LONGEST_SUBJECT) return `has ${length} characters; the limit is ${LONGEST_SUBJECT}`;
  return AREA.test(subject) ? undefined : 'is not of the form `area: what changes`';
}

async function obstacle() {
  const shallow = await git('rev-parse', '--is-shallow-repository');
  if (shallow.code !== 0) return 'no git history (not a clone)';
  if (shallow.output.trim() === 'true') return 'the clone is shallow';
  const known = await git('merge-base', '--is-ancestor', START, 'HEAD');
  return known.code === 0 ? undefined : `commit ${START.slice(0, 7)} is not in the history`;
}

function git(...words) {
  return run('git', words, { limitSeconds: 30 });
}
