/** A POSIX sh program as text, its `. other.sh` lines inlined and comments stripped by scripts/sh-program.mjs. */
declare module '*.sh' {
  const program: string;
  export default program;
}

/** A perl program as text, comments and indentation stripped likewise. */
declare module '*.pl' {
  const program: string;
  export default program;
}
