import type { ActionContext } from '../../lib/action/action.ts';
import type { Git } from '../../lib/git/git.ts';
import type { Trees } from '../../lib/git/trees.ts';
import type { Agent } from '../../lib/ssh/agent.ts';
import type { History } from './ancestry.ts';
import type { BumpInputs } from './inputs.ts';
import type { Judged } from './moves.ts';
import type { Root } from './root.ts';

/** What a bump works with. */
export interface BumpContext {
  /** The thin clone of the primary root. */
  git: Git;
  trees: Trees;
  /** The primary first. */
  roots: readonly [Root, ...Root[]];
  history: (url: string, expected: string | undefined) => History;
  inputs: BumpInputs;
  context: ActionContext;
  signer: Agent | undefined;
}

/** The branch that is pushed, and the one it grows from while it is not there yet. */
export interface BranchPair {
  branch: string;
  base: string;
}

/** What became of the primary remote. */
export interface BumpResult {
  judged: Judged;
  result: 'pushed' | 'up-to-date' | 'superseded';
  /** The root's commit with the pointer; its tip when nothing moved. */
  rootCommit: string;
  /** The tip it was built on. */
  before: string;
  attempts: number;
}
