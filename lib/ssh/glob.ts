import { existsSync, readdirSync } from 'node:fs';

const MAGIC = /[*?[\\]/;

/** The paths that a pattern names, in order, as ssh finds them: `*`, `?`, `[a-z]`, `[!a]`, `[[:digit:]]` and backslashes. */
export function globPaths(pattern: string): string[] {
  if (!MAGIC.test(pattern)) return existsSync(pattern) ? [pattern] : [];
  const parts = pattern.split('/').filter((part) => part !== '');
  let found = [pattern.startsWith('/') ? '' : '.'];
  for (const part of parts) found = found.flatMap((folder) => entriesOf(folder, part));
  return found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function entriesOf(folder: string, part: string): string[] {
  if (!MAGIC.test(part)) return existsSync(`${folder}/${part}`) ? [`${folder}/${part}`] : [];
  const pattern = patternOf(part);
  try {
    const names = readdirSync(`${folder}/`).filter((name) => pattern.test(name));
    // A leading dot is matched by a dot only.
    return names.filter((name) => !name.startsWith('.') || part.startsWith('.')).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function patternOf(part: string): RegExp {
  let source = '';
  for (let at = 0; at < part.length; at += 1) {
    const character = part[at] ?? '';
    const set = character === '[' ? setAt(part, at) : undefined;
    if (set) {
      source += set.source;
      at = set.end;
    } else if (character === '*') source += '[^]*';
    else if (character === '?') source += '[^]';
    else if (character === '\\' && at + 1 < part.length) {
      at += 1;
      source += literal(part[at] ?? '');
    } else source += literal(character);
  }
  return new RegExp(`^${source}$`, 'u');
}

/** `[…]` at a place; undefined where it is never closed, and so a character like others. */
function setAt(part: string, start: number): { source: string; end: number } | undefined {
  const found = /^\[(!?)((?:\]|\[:\w+:\]|[^\]])(?:\[:\w+:\]|[^\]])*)\]/u.exec(part.slice(start));
  if (!found) return undefined;
  const [whole, negated, members = ''] = found;
  const source = [...members.matchAll(/\[:(\w+):\]|(.)-(.)|(.)/gsu)].map(([, name, from, to, one]) => {
    if (name !== undefined) return CLASSES[name] ?? '';
    if (one !== undefined) return literal(one);
    return (from ?? '') <= (to ?? '') ? `${literal(from ?? '')}-${literal(to ?? '')}` : '';
  });
  const inside = source.join('');
  const none = negated ? '[^]' : '[^\\s\\S]';
  return { source: inside === '' ? none : `[${negated ? '^' : ''}${inside}]`, end: start + whole.length - 1 };
}

const CLASSES: Record<string, string> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\s',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
}
