import { headerSecrets } from './health-headers.ts';

/** Shorter values are in every second word. */
const SHORTEST_SECRET_CHARACTERS = 4;
/** A piece at the beginning or end of a text that was cut must be this long to be taken for one of a secret. */
const SHORTEST_PIECE_CHARACTERS = 8;

/**
 * Gives a function that takes the step's secrets out of a text: the values of `environment` (`KEY=VALUE`), what `url` asks with and
 * the values of `headers` (`Name: value`), each as it is, as a shell, JSON, a URL or HTML write it, and what is left of it where the text was cut.
 */
export function hiding(
  environment: readonly string[],
  { url, headers = [] }: { url?: string | undefined; headers?: readonly string[] } = {},
): (text: string) => string {
  const values = [...environment.map((line) => line.slice(line.indexOf('=') + 1)), ...headerSecrets(headers)];
  const asked = url && URL.canParse(url) ? { url, shown: shownUrl(url), values: queryValues(url) } : undefined;
  const forms = [...new Set([...values, ...(asked?.values ?? [])].flatMap(formsOf))]
    .filter((form) => form.length >= SHORTEST_SECRET_CHARACTERS)
    // The longest first: one may contain another.
    .sort((a, b) => b.length - a.length);
  return (text) => {
    const told = asked && asked.url !== asked.shown ? text.replaceAll(asked.url, asked.shown) : text;
    return forms.reduce((cleaned, form) => withoutPieces(cleaned.replaceAll(form, '***'), form), told);
  };
}

/** A URL as it may be shown: without an account, with the values of its query hidden. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return '(a malformed URL)';
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(url) ?? [];
  const [beforeQuery = '', ...query] = (rest.split('#')[0] ?? '').split('?');
  const account = /^[^/]*@/;
  const asked = query.join('?');
  const names = asked
    .split('&')
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=***` : '***'));
  return `${scheme}${beforeQuery.replace(account, '')}${asked === '' ? '' : `?${names.join('&')}`}`;
}

function queryValues(url: string): string[] {
  const { search, searchParams, username, password, hash } = new URL(url);
  const decoded = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const written = search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  return [...searchParams.values(), ...written, username, password, hash.slice(1)].flatMap((one) => [
    one,
    decoded(one),
  ]);
}

function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const unicode = (pattern: RegExp, text: string) =>
    text.replace(pattern, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  // A lone half of a character can't be part of a URL.
  const valid = Buffer.from(secret).toString();
  const url = encodeURIComponent(valid);
  const lowerUrl = url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const strictUrl = url.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const written = [
    secret,
    secret.replaceAll("'", `'\\''`),
    secret.replaceAll("'", `'"'"'`),
    secret.replace(/["$`\\]/g, '\\$&'),
    secret.replace(/['\\]/g, '\\$&'),
    secret.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g, '\\$&'),
    secret.replace(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g, '\\$&'),
    // $'…' of bash, which knows only ASCII in some locales.
    octal(secret.replace(/['\\]/g, '\\$&')),
    json,
    json.replaceAll('/', '\\/'),
    // Go and others that escape for HTML, and those that write nothing but ASCII.
    unicode(/[<>&]/g, json),
    unicode(/[^\0-\x7f]/g, json),
    unicode(/[^\0-\x7f<>&]|[<>&]/g, json),
  ];
  return [
    ...written,
    // A program travels with its backslashes doubled.
    ...written.map((form) => form.replaceAll('\\', '\\\\')),
    ...[url, lowerUrl, strictUrl, encodedAsForm(url), encodedAsForm(lowerUrl), encodedAsForm(strictUrl)],
    encodeURI(valid),
    ...htmlForms(secret),
  ];
}

function octal(text: string): string {
  return text.replace(/[\u0080-\uffff]+/g, (characters) =>
    [...Buffer.from(characters)].map((byte) => `\\${byte.toString(8)}`).join(''),
  );
}

function encodedAsForm(url: string): string {
  return url.replaceAll('%20', '+');
}

function htmlForms(secret: string): string[] {
  const plain = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [
    plain,
    plain.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    plain.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
    plain.replaceAll('"', '&quot;').replaceAll("'", '&#x27;'),
  ];
}

/** A log is quoted from a certain byte on, and an answer up to one: in the middle of a secret. */
function withoutPieces(text: string, secret: string): string {
  if (text.length < SHORTEST_PIECE_CHARACTERS) return text;
  if (secret.includes(text)) return '***';
  const end = placesOf(text.slice(0, SHORTEST_PIECE_CHARACTERS), secret)
    .map((at) => secret.slice(at))
    .find((piece) => text.startsWith(piece));
  const told = end === undefined ? text : `***${text.slice(end.length)}`;
  const start = placesOf(told.slice(-SHORTEST_PIECE_CHARACTERS), secret)
    .map((at) => secret.slice(0, at + SHORTEST_PIECE_CHARACTERS))
    .findLast((piece) => told.endsWith(piece));
  return start === undefined ? told : `${told.slice(0, -start.length)}***`;
}

function placesOf(piece: string, text: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) places.push(at);
  return places;
}
