/** One `.sh` program (text imported from its file) and its values: `{ path: '/x' }` is `$in_path` in the program. */
export interface Program {
  text: string;
  values: Readonly<Record<string, string | number | boolean | undefined>>;
}

/**
 * What a shell runs to read one program, encoded, and to run it. It takes no byte beyond the program, so a payload may follow; a
 * program cut short runs nothing, for its end is marked. Before anything secret is in its memory it leaves no core dump any
 * more; what the program starts gets back the limit that was found.
 *
 * A shell's own `read` takes byte by byte from a pipe, 25 ms for a deploy: it is for those whose dd can't fill a block.
 */
export const RUN_PROGRAM = [
  'core_limit=$(ulimit -S -c); ulimit -S -c 0',
  'IFS= read -r size && line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)',
  '[ -n "$line" ] || IFS= read -r line',
  'case $line in *#end) eval "$(printf %b "$line")"; esac',
].join('; ');

/** What an exec channel is asked to run, understood alike by sh, bash, csh and fish as login shells. With `sudo` as root. */
export function bootstrapCommand(sudo: boolean): string {
  const shell = `/bin/sh -c '${RUN_PROGRAM}'`;
  return sudo ? `exec sudo -n -- ${shell}` : `exec ${shell}`;
}

/** The two lines that RUN_PROGRAM waits for; secrets are safe in them, since they travel on standard input. */
export function programLines(program: Program): string {
  const line = `${programText(program)}\n#end`.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `${Buffer.byteLength(line) + 1}\n${line}\n`;
}

/** The program with its values assigned in front, as a shell runs it. Throws on a NUL byte, which no shell can hold. */
export function programText({ text, values }: Program): string {
  const assignments = Object.entries(values).map(
    ([name, value]) => `in_${name}=${quote(value === undefined ? '' : String(value))}`,
  );
  return [...assignments, text].join('\n');
}

/** `text` as one shell word, whatever it contains. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new RangeError('a value for a shell contains a NUL byte');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
