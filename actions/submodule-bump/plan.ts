/** How the commit wanted relates to the one the root points to, and how many commits only the former has. */
export interface Relation {
  /**
   * `merged`: the present commit is on no branch any more, but the wanted one has a commit with the very same files in its
   * history, as a squash merge leaves it; `orphaned`: on no branch, and nothing has the same files.
   */
  kind: 'same' | 'newer' | 'older' | 'diverged' | 'merged' | 'orphaned';
  ahead: number;
}

/** `move`, or why the pointer stays; `diverged` and `orphaned` are refusals. */
export type Decision = 'move' | 'up-to-date' | 'superseded' | 'diverged' | 'orphaned';

/** Decides what becomes of one pointer; `from` is undefined for a first gitlink. */
export function decideMove(
  from: string | undefined,
  to: string,
  relation: Relation | undefined,
  allowRewind: boolean,
): Decision {
  if (from === undefined) return 'move';
  if (from === to) return 'up-to-date';
  switch (relation?.kind) {
    case 'newer':
    case 'merged':
      return 'move';
    case 'older':
      return allowRewind ? 'move' : 'superseded';
    case 'orphaned':
      return allowRewind ? 'move' : 'orphaned';
    default:
      return allowRewind ? 'move' : 'diverged';
  }
}
