const QUOTE_LIMIT_CHARACTERS = 500;

/**
 * Untrusted text (a program's log, a server's answer, a commit's subject) as one line of plain text: control characters and
 * characters that nobody sees are shown as `\xNN`, tabs excepted. What it gives is not changed by a second call.
 */
export function oneLine(text: string): string {
  return text.replace(PRESENTATION, '').replace(UNSEEN, escapeCharacter);
}

/** Asks for the coloured or the plain form of a symbol, and is nothing by itself. */
const PRESENTATION = /[\ufe0e\ufe0f]/g;
// Some runners compare by rules that skip what nobody sees: `##<zero-width space>[` would be `##[` to them.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A line in which no runner finds a workflow command. */
export function defused(line: string): string {
  // GitHub's runner knows the old form anywhere in a line, and the new one after leading blanks; those that descend from act
  // know both at the beginning of a line.
  return line.replaceAll('##[', '##\\[').replace(/^(\s*):(?=:)/, '$1\\:');
}

/** Untrusted text made harmless for a job log: one line without workflow commands, at most 500 characters. */
export function escapeForeign(text: string): string {
  return shortened(defused(oneLine(text)), QUOTE_LIMIT_CHARACTERS);
}

/** At most so many characters; the cut is shown. */
export function shortened(text: string, limitCharacters: number): string {
  if (text.length <= limitCharacters) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(limitCharacters - 1)) ? limitCharacters - 1 : limitCharacters;
  return `${text.slice(0, end)}…`;
}

function escapeCharacter(character: string): string {
  if (character === '\t') return character;
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xffff) return `\\u{${code.toString(16)}}`;
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The last `count` lines of `text`, trailing empty ones left out. */
export function lastLines(text: string, count: number): string[] {
  return linesOf(text.trimEnd()).slice(-count);
}

/** The lines of `text`, whichever line ends it has. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n/);
}
