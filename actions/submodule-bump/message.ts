/** One pointer that moves. */
export interface Move {
  path: string;
  name: string;
  /** Undefined for a first gitlink. */
  from: string | undefined;
  to: string;
  /** Subjects of the commits between, newest first, as they came. */
  subjects: string[];
  /** How many there are; more than `subjects` when the log is capped or unknown. */
  count: number;
  /** Whether the commit left behind is on no branch any more, and its files are in the history of the new one. */
  isMerged?: boolean;
}

export const SUBJECTS_AT_MOST = 20;
const SUBJECT_CHARACTERS_AT_MOST = 100;
const PATH_CHARACTERS_AT_MOST = 300;
const MESSAGE_CHARACTERS_AT_MOST = 10_000;

/** The commit message: the template filled, then the trailers of every move. */
export function commitMessage(template: string | undefined, moves: readonly Move[], runUrl: string): string {
  const body = moves.map((move) => fill(template ?? initialTemplate(move), move, runUrl)).join('\n\n');
  const trailers = moves.map(
    ({ path, from, to }) =>
      `Submodule-Path: ${quiet(path, PATH_CHARACTERS_AT_MOST)}\nSubmodule-From: ${from ?? 'none'}\nSubmodule-To: ${to}`,
  );
  return `${body.slice(0, MESSAGE_CHARACTERS_AT_MOST).trim()}\n\n${trailers.join('\n')}\n`;
}

function initialTemplate({ from, subjects }: Move): string {
  const first = from ? 'Update submodule {path}: {old}..{new}' : 'Add submodule {path}: {new}';
  return subjects.length > 0 ? `${first}\n\n{log}` : first;
}

function fill(template: string, move: Move, runUrl: string): string {
  const values: Record<string, string> = {
    path: quiet(move.path, PATH_CHARACTERS_AT_MOST),
    name: quiet(move.name, PATH_CHARACTERS_AT_MOST),
    old: (move.from ?? '').slice(0, 12),
    new: move.to.slice(0, 12),
    count: String(move.count),
    log: formatLog(move),
    'run-url': runUrl,
  };
  return template.replace(/\{([a-z-]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

function formatLog({ subjects, count }: Move): string {
  const shown = subjects.slice(0, SUBJECTS_AT_MOST).map((subject) => `- ${quiet(subject)}`);
  return [...shown, ...(count > shown.length ? [`- … and ${count - shown.length} more`] : [])].join('\n');
}

/**
 * A subject, path or name that does nothing where it is quoted: it can't skip a pipeline, close or link an issue, mention a
 * person, look like a trailer, or become a workflow command where a later step prints it. A word joiner (U+2060), invisible,
 * breaks what a forge or a runner would recognise.
 */
export function quiet(text: string, charactersAtMost = SUBJECT_CHARACTERS_AT_MOST): string {
  return (
    text
      .replace(/\ufffd/g, '?')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a log or a commit
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .slice(0, charactersAtMost)
      .replace(/\[(?=[\w -]*(?:skip|ci|actions|no)\b)/gi, '[\u2060')
      .replace(/\*\*\*NO_CI\*\*\*/gi, '***\u2060NO_CI***')
      .replace(/([#!@]|\bGH-)(?=\w)/gi, '$1\u2060')
      .replace(/(https?):\/\//gi, '$1:\u2060//')
      .replace(/^([\w-]+):/, '$1\u2060:')
      .replace(/^\s*:(?=:)|##(?=\[)/g, '$&\u2060')
      .trim()
  );
}
