const LINE_LIMIT_CHARACTERS = 500;

/**
 * Text from elsewhere (a program's log, a server's answer, a commit's subject), made harmless for a job log:
 * one line, control characters shown as `\xNN`, no workflow command recognisable, at most 500 characters.
 */
export function escapeForeign(text: string): string {
  const escaped = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    .replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escapeCharacter)
    // The old command form is recognised anywhere in a line, the new one at its beginning.
    .replaceAll('##[', '##\\[')
    .replace(/^(\s*):(?=:)/, '$1\\:');
  return escaped.length > LINE_LIMIT_CHARACTERS ? `${escaped.slice(0, LINE_LIMIT_CHARACTERS)}…` : escaped;
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
}

/** The last `count` lines of `text`, trailing empty ones left out. */
export function lastLines(text: string, count: number): string[] {
  return text.replace(/\s+$/, '').split(/\r?\n/).slice(-count);
}
