import program from '../../target/programs/enter-container.sh';
import { type Program, RUN_PROGRAM } from './program.ts';

const KINDS = ['lxd', 'incus', 'docker', 'podman'] as const;
const WRITTEN = /^([a-z]+):(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** A container on the host that is logged in to; everything runs inside it, as its root. */
export interface Container {
  kind: (typeof KINDS)[number];
  /** Of LXD and Incus: another server that the host's client knows. */
  remote?: string;
  /** Of LXD and Incus. */
  project?: string;
  name: string;
}

/** What `container` may be, for error messages. */
export const CONTAINERS = 'lxd:[REMOTE:][PROJECT/]NAME, incus:[REMOTE:][PROJECT/]NAME, docker:NAME or podman:NAME';

/** Splits `lxd:[REMOTE:][PROJECT/]NAME` and the equivalents; undefined for anything else. */
export function parseContainer(written: string): Container | undefined {
  const [, kind, remote, project, name] = WRITTEN.exec(written.trim()) ?? [];
  const known = KINDS.find((one) => one === kind);
  const names = [remote, project, name].filter((one) => one !== undefined);
  if (!known || !name || !names.every((one) => NAME.test(one))) return undefined;
  if ((remote || project) && known !== 'lxd' && known !== 'incus') return undefined;
  return { kind: known, ...(remote ? { remote } : {}), ...(project ? { project } : {}), name };
}

/** As it was written. */
export function containerName({ kind, remote, project, name }: Container): string {
  return `${kind}:${remote ? `${remote}:` : ''}${project ? `${project}/` : ''}${name}`;
}

/** The program that enters the container and runs there what follows it on standard input. */
export function enterProgram({ kind, remote, project, name }: Container, sudo: 'auto' | 'always' | 'never'): Program {
  return { text: program, values: { kind, remote, project, name, sudo, run_program: RUN_PROGRAM } };
}
