/** A workflow command as a runner takes it from a line of a step's output. */
export interface WorkflowCommand {
  name: string;
  value: string;
}

/**
 * The command that one of the supported runners would find in a line, by the rules of all of them together: GitHub's skips leading
 * blanks and characters that nobody sees, and looks for `##[` anywhere; act and its descendants want both at the beginning.
 */
export function commandIn(line: string): WorkflowCommand | undefined {
  const seen = line.replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');
  for (const text of [line, seen, seen.trimStart()]) {
    const [, name, value] =
      /^::([^ :]+)(?: .*?)?::(.*)$/s.exec(text) ?? /##\[([^ \]]+)(?: [^\]]*)?\](.*)$/s.exec(text) ?? [];
    if (name !== undefined) return { name: name.toLowerCase(), value: unescaped(value ?? '') };
    const loose = /^::([^ ]+?)(?: .+?)?::([^\r\n]*)/.exec(text);
    if (loose?.[1] !== undefined) return { name: loose[1].toLowerCase(), value: unescaped(loose[2] ?? '') };
  }
  return undefined;
}

function unescaped(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
