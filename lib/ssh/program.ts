/** One `.sh` program (text imported from its file) and its values: `{ path: '/x' }` is `$in_path` in the program. */
export interface Program {
  text: string;
  values: Readonly<Record<string, string | number | boolean | undefined>>;
}

/**
 * What an exec channel is asked to run: a shell that reads one line, the encoded program, and runs it. Understood alike
 * by sh, bash, csh and fish as login shells. `read` takes no byte beyond the line's end, so a payload may follow it;
 * a line cut short runs nothing. Before anything secret is in its memory it leaves no core dump any more; what the
 * program starts gets back the limit that was found. With `sudo` the same as root.
 */
export function bootstrapCommand(sudo: boolean): string {
  const shell = `/bin/sh -c 'core_limit=$(ulimit -S -c); ulimit -S -c 0; IFS= read -r line && eval "$(printf %b "$line")"'`;
  return sudo ? `exec sudo -n -- ${shell}` : `exec ${shell}`;
}

/** The line that `bootstrapCommand` waits for; secrets are safe in it, since it travels on standard input. */
export function programLine(program: Program): string {
  return `${programText(program).replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
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
