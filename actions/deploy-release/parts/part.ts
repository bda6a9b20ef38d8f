import type { ProgramInputs } from '../../deploy-binary/inputs.ts';

/** What is asked of a part's health, from the target's point of view. */
export type PartHealth = ProgramInputs['health'];

/** What every part has, checked and with its defaults. */
interface Common {
  /** Where it starts in the text of `parts`, counted from 1. */
  line: number;
  /** The short name for the log: the last segment of `to`, or the unit; the whole path where two parts would have the same. */
  name: string;
  /** Earlier parts (their index in the list) whose change restarts or applies this one too. */
  needs: number[];
}

interface File extends Common {
  /** On the runner. */
  source: string;
  /** `to`, with the source's name where that ends in a slash. */
  destination: string;
  owner: string | undefined;
  /** Four octal digits. */
  mode: string | undefined;
}

/** One program: every input of deploy-binary that describes a program, read by its own fields. */
export interface BinaryPart extends Common {
  kind: 'binary';
  program: ProgramInputs;
}

/** A tree that is replaced as a whole. */
export interface FolderPart extends File {
  kind: 'folder';
  exclude: string[];
  keep: string[];
  overwriteDrift: boolean;
}

/** A file that a running service reads. */
export interface ConfigPart extends File {
  kind: 'config';
  check: string | undefined;
  apply: string | undefined;
  health: PartHealth;
  mustContain: string[];
  /** Percent. */
  shrinkAtMost: number | undefined;
  overwriteDrift: boolean;
}

/** A systemd unit file. */
export interface UnitPart extends File {
  kind: 'unit';
  enable: boolean;
  overwriteDrift: boolean;
}

/** A unit that starts anew with the others. */
export interface RestartPart extends Common {
  kind: 'restart';
  /** As deploy-binary's `service`: a unit, or `user:NAME`. */
  service: string;
  health: PartHealth;
}

export type Part = BinaryPart | FolderPart | ConfigPart | UnitPart | RestartPart;
