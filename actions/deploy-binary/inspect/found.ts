import type { FoundUnit, OtherUserUnit } from './unit-found.ts';

/** Whether a process was started as this step would start it: `yes`, or what differs. */
export const SAME = ['yes', 'args', 'folder', 'environment'] as const;

/** A process that executes the destination file, and the account that started it. */
export interface Executor {
  pid: number;
  uid: string;
  user: string;
}

/** One of an account whose processes can be the program. */
export interface FoundProcess extends Executor {
  /** Whether another of them started it. */
  worker: boolean;
  /** False when it still executes a deleted or replaced image. */
  live: boolean;
  same: (typeof SAME)[number];
  /** The parent that starts it again when it ends (supervisord, runit, …), empty for none. */
  supervisor: string;
  supervisorPid: number;
  /** The name that it knows the process by, or its folder; empty where that is not known. */
  supervised: string;
}

/** One release kept on the target. */
export interface FoundRelease {
  sha256: string;
}

/** What a release has replaced in one part; all its parts have the same id. */
export interface LastRelease {
  id: string;
  /** Undefined where there was no file before. */
  sha256: string | undefined;
  /** When it was accepted, by the target's clock. */
  seconds: number;
}

/** How a transaction ended, as the target remembers it. */
export interface FoundEnd {
  id: string;
  state: string;
  pid: string;
  /** The run that finished it. */
  run: string;
}

export interface OpenFolder {
  path: string;
  to: string;
}

/** What was seen on the target; nothing there was changed by looking. */
export interface Found {
  /** Set only when the target is no Linux system. */
  otherKernel: string | undefined;
  login: string;
  /** Whether it was seen, and will be changed, as root. */
  asRoot: boolean;
  /** Through sudo, or doas. */
  sudo: boolean;
  rootTool: string;
  needsRoot: string | undefined;
  sudoError: string | undefined;
  /** The line for sudoers or doas.conf that would allow it. */
  sudoRemedy: string | undefined;
  /** The same that would allow no more than to restart the unit, and the inputs that do so. */
  unitRemedy: string | undefined;
  /** What `stop-command` and `start-command` run by sudo and may not, each with the line of sudoers that would allow it. */
  commandsRefused: { command: string; remedy: string }[];
  machine: string;
  tools: ReadonlySet<string>;
  toyboxTimeout: boolean;
  interpreterExists: boolean;
  /** `owner` and `run-as` as wanted, a number by the name it has there. */
  wantedOwner: string | undefined;
  /** The same and the login as numbers, `uid:gid`, or `uid` where no account has that number. */
  wantedIds: string | undefined;
  loginIds: string;
  wantedRunAs: string | undefined;
  missingUsers: string[];
  missingGroup: string | undefined;
  /** Numbers of the accounts whose processes can be the program: root, the login, the file's owner, run-as. */
  accounts: string;
  /** The number of the account that the plan starts it as; empty when there is no such account. */
  runUid: string;
  /** The account that the last deploy started it as, and its number; empty when it is not known. */
  lastRunAs: string;
  lastRunUid: string;
  processes: FoundProcess[];
  /** Processes of any other account that execute the file: stopped, never imitated. At most ten. */
  strangers: Executor[];
  /** Pids of those that execute it inside of a container. */
  contained: string;
  /** Pids of its name that can't be inspected, where none is seen that executes it. */
  maybe: string;
  /** How many other names the file has, outside of the state folder. */
  otherNames: number;
  isMountPoint: boolean;
  /** Processes of its name that execute another file of the folder, where none is seen that executes it. */
  siblings: { pid: number; path: string }[];
  /** Pids that may execute the file but can't be seen by this account. */
  unseen: string;
  sessionKills: boolean;
  lingers: boolean;
  folderRefused: string | undefined;
  folder:
    | { path: string; owner: string; mode: string; writable: boolean; mount: string; options: string[] }
    | undefined;
  /** Where root runs the program, or did: the folder where somebody else can put another file, and who. Undefined for none. */
  openFolder: OpenFolder | undefined;
  /** The same for the log. */
  openLog: OpenFolder | undefined;
  freeBytes: number;
  /** Undefined where a file system has no limit of them. */
  freeInodes: number | undefined;
  immutable: string[];
  /** The regular file at the destination. */
  file: { owner: string; ids: string; mode: string; bytes: number; sha256: string; capabilities: string } | undefined;
  fileProblem: string | undefined;
  /** What the decisions rest on; the target compares it again under the lock. */
  seen: string;
  stateRefused: string | undefined;
  unfinished:
    | {
        phase: string;
        run: string;
        id: string;
        /** The release that it is a part of, empty for none, and the destinations of all parts of that. */
        release: string;
        members: string[];
        /** What kind of part it is. */
        kind: string;
      }
    | undefined;
  locked: string | undefined;
  live: { workflow: string; runNumber: number; run: string; sha256?: string | undefined } | undefined;
  /** Newest first. */
  releases: FoundRelease[];
  /** What the last accepted release has replaced here. */
  lastRelease: LastRelease | undefined;
  /** Of the last transactions, the newest last. */
  ended: FoundEnd[];
  history: string[];
  units: FoundUnit[];
  otherUserUnits: OtherUserUnit[];
  /** Whether the account that the program runs as has a user manager of systemd, and keeps it without a login. */
  userManager: boolean;
  runAsLingers: boolean;
  serviceError: string | undefined;
  httpClient: string | undefined;
  /** Why the certificate of the health URL is refused. */
  healthUntrusted: string | undefined;
  health: string | undefined;
  portHolder: string | undefined;
  logProblem: string | undefined;
  /** It belongs to another account, and the program's account may move it aside. */
  logForeign: boolean;
  /** What the user should know, whatever is planned. */
  notes: string[];
  /** To the account the program runs as, or not there. */
  directoryClosed: boolean;
}
