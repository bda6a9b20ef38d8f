/** Why a line can't be read. */
export class LineError extends Error {}

/**
 * A line of an SSH config as OpenSSH takes it apart: the keyword in lower case, the rest as it stands, and the rest in words.
 * Undefined for a blank line or a comment.
 */
export function readLine(line: string): { keyword: string; rest: string; words: string[] } | undefined {
  let [keyword, rest] = nextToken(line.replace(/[ \t\r\n\f]+$/, ''));
  if (keyword === '' && rest !== undefined) [keyword, rest] = nextToken(rest);
  if (keyword === undefined || keyword === '' || keyword.startsWith('#')) return undefined;
  rest = (rest ?? '').replace(/^[ \t\r\n]+/, '');
  if (rest === '') throw new LineError(`${keyword} has no value`);
  return { keyword: keyword.toLowerCase(), rest, words: splitWords(rest) };
}

/** The text up to a blank, a quote or `=`, and what follows it; undefined for what is not there. */
export function nextToken(text: string): [token: string | undefined, rest: string | undefined] {
  const at = text.search(/[ \t\r\n"=]/);
  if (at < 0) return [text, undefined];
  if (text[at] === '"') {
    const close = text.indexOf('"', at + 1);
    if (close < 0) throw new LineError('a quote is never closed');
    return [text.slice(0, at) + text.slice(at + 1, close), text.slice(close + 1).replace(/^[ \t\r\n]+/, '')];
  }
  const rest = text.slice(at + 1).replace(/^[ \t\r\n]+/, '');
  // One `=` only, with blanks around it.
  return [
    text.slice(0, at),
    text[at] !== '=' && rest.startsWith('=') ? rest.slice(1).replace(/^[ \t\r\n]+/, '') : rest,
  ];
}

/** Words with single and double quotes and backslashes; a `#` at the beginning of a word ends the line. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === ' ' || text[at] === '\t') {
      at += 1;
      continue;
    }
    if (text[at] === '#') break;
    const { word, end } = readWord(text, at);
    words.push(word);
    at = end;
  }
  return words;
}

function readWord(text: string, start: number): { word: string; end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at += 1) {
    const character = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (character === '\\' && next !== '' && (`'"\\`.includes(next) || (quote === '' && next === ' '))) {
      word += next;
      at += 1;
    } else if (quote === '' && (character === ' ' || character === '\t')) break;
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
    else word += character;
  }
  if (quote !== '') throw new LineError('a quote is never closed');
  return { word, end: at };
}
