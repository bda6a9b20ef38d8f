import program from '../../target/programs/enter-container.sh';
import { type Program, RUN_PROGRAM } from './program.ts';

const KINDS = ['lxd', 'incus', 'docker', 'podman'] as const;

/** A container on the host that is logged in to; everything runs inside of it, as its root. */
export interface Container {
  kind: (typeof KINDS)[number];
  name: string;
}

/** Takes `lxd:NAME` and its kin apart; undefined when it is none. */
export function parseContainer(written: string): Container | undefined {
  const [, kind, name] = /^([a-z]+):([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(written.trim()) ?? [];
  const known = KINDS.find((one) => one === kind);
  return known && name ? { kind: known, name } : undefined;
}

/** The program that goes into the container and runs there what follows it on standard input. */
export function enterProgram({ kind, name }: Container, sudo: 'auto' | 'always' | 'never'): Program {
  return { text: program, values: { kind, name, sudo, run_program: RUN_PROGRAM } };
}
