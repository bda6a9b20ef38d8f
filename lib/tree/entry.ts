/** The name that no entry of a tree may have: what is sent beside it has it. */
export const LISTS_NAME = '.forgejo-deploy-lists';

/** One entry of a tree, as it is to be on the target or as it is there. */
export interface TreeEntry {
  /** Relative, with slashes. */
  path: string;
  kind: 'folder' | 'file' | 'link' | 'other';
  /** Of a file's bytes, or of where a link points to; empty for a folder, and where it could not be read. */
  sha256: string;
  bytes: number;
  executable: boolean;
}

/** An entry that is there. */
export interface FoundEntry extends TreeEntry {
  /** The permission bits. */
  mode: number;
  uid: number;
  gid: number;
}

/** An entry of the runner. */
export interface SourceEntry extends TreeEntry {
  /** Where a link points to. */
  target: string;
  /** Seconds since the epoch. */
  modified: number;
}
