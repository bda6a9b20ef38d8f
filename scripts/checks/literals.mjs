/**
 * The string and template literals of a TypeScript or JavaScript source, in order: text with … for each value, line, and the
 * code in front. Comments and regular expressions are skipped.
 */
export function literalsOf(source) {
  const found = [];
  scan(source, 0, found, undefined);
  return found.sort((one, other) => one.at - other.at);
}

/** Reads code from `at` up to the unpaired `}` that ends a template's value, or to the end; gives where it stopped. */
function scan(source, start, found, closing) {
  let depth = 0;
  for (let at = start; at < source.length; at += 1) {
    const character = source[at];
    if (character === '{') depth += 1;
    if (character === '}' && closing === '}' && depth === 0) return at;
    if (character === '}') depth -= 1;
    const end = endOfToken(source, at, found);
    if (end !== undefined) at = end;
  }
  return source.length;
}

/** Where the comment, literal or regular expression at `at` ends; undefined where there is none. */
function endOfToken(source, at, found) {
  if (source.startsWith('//', at)) return endAfter(source, '\n', at);
  if (source.startsWith('/*', at)) return endAfter(source, '*/', at + 2);
  if (source[at] === "'" || source[at] === '"') return quoted(source, at, found);
  if (source[at] === '`') return template(source, at, found);
  return source[at] === '/' && startsExpression(source, at) ? endOfRegExp(source, at) : undefined;
}

function quoted(source, start, found) {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start]) at += source[at] === '\\' ? 2 : 1;
  add(found, source, start, source.slice(start + 1, at));
  return at;
}

function template(source, start, found) {
  let text = '';
  let at = start + 1;
  while (at < source.length && source[at] !== '`') {
    if (source.startsWith('${', at)) {
      at = scan(source, at + 2, found, '}') + 1;
      text += '…';
      continue;
    }
    const length = source[at] === '\\' ? 2 : 1;
    text += source.slice(at, at + length);
    at += length;
  }
  add(found, source, start, text);
  return at;
}

function add(found, source, at, text) {
  const before = source.slice(Math.max(0, at - 40), at);
  found.push({ text, at, line: source.slice(0, at).split('\n').length, before });
}

/** A slash divides after a value, and begins a regular expression elsewhere. */
function startsExpression(source, at) {
  const before = source.slice(Math.max(0, at - 20), at).trimEnd();
  return before === '' || /[=(,:[!&|?{};>+]$|\b(return|typeof|case)$/.test(before);
}

function endOfRegExp(source, start) {
  let inClass = false;
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '[') inClass = true;
    else if (source[at] === ']') inClass = false;
    else if (source[at] === '\n' || (source[at] === '/' && !inClass)) return at;
  }
  return source.length;
}

function endAfter(source, text, from) {
  const at = source.indexOf(text, from);
  return at < 0 ? source.length : at + text.length - 1;
}
