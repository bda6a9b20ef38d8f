/**
 * Splits `text` into arguments as a POSIX shell would (quotes, backslashes, blanks, newlines), but evaluates nothing:
 * `$`, backquotes, globs and operators are plain characters. Throws RangeError on an unclosed quote.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote === "'") {
      if (character === "'") quote = '';
      else word += character;
    } else if (character === '\\') {
      at += 1;
      const next = text.charAt(at);
      if (next === '') throw new RangeError('a backslash ends it');
      if (next === '\n') continue;
      // Within double quotes a backslash is itself before anything that needs none.
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      if (character === '"') quote = '';
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (' \t\n'.includes(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote) throw new RangeError(`the quote ${quote} is never closed`);
  if (word !== undefined) words.push(word);
  return words;
}
