/** What the built-in client asks with, unless the user says otherwise. */
const DEFAULTS = { 'User-Agent': 'health', Accept: '*/*' };
/** They decide where a request ends, or whether the connection does. */
const NOT_ALLOWED = ['connection', 'content-length', 'expect', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
/** Names whose values are not secret; masked, a host name would make the log unreadable. */
const NOT_SECRET = ['host', 'accept', 'user-agent'];
const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\s\p{Cc}][^\p{Cc}]*)$/u;

/** Whether a line of `health-headers` is `Name: value`, and not a header that says where the request ends. */
export function isHeader(line: string): boolean {
  const [, name = ''] = HEADER.exec(line) ?? [];
  return name !== '' && !NOT_ALLOWED.includes(name.toLowerCase());
}

/** The secret parts of the headers: the values, and what follows the scheme of `Authorization`. */
export function headerSecrets(headers: readonly string[]): string[] {
  return parsed(headers)
    .filter(([name]) => !NOT_SECRET.includes(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^[A-Za-z][A-Za-z0-9-]* +/, '')]);
}

/** The headers as the programs on a target take them: a line each with the usual ones for the built-in client, and lines of curl's config. */
export function headerValues(url: string | undefined, headers: readonly string[]) {
  if (!url) return { health_headers: '', health_curl: '' };
  const given = parsed(headers);
  const usual = Object.entries({ Host: new URL(url).host, ...DEFAULTS }).filter(
    ([name]) => !given.some(([other]) => other.toLowerCase() === name.toLowerCase()),
  );
  const lines = [...usual, ...given].map(([name, value]) => `${name}: ${value}`);
  return {
    health_headers: [...lines, 'Connection: close'].join('\n'),
    health_curl: given.map(([name, value]) => `header = "${escaped(`${name}: ${value}`)}"`).join('\n'),
  };
}

function parsed(headers: readonly string[]): [name: string, value: string][] {
  return headers.map((line) => {
    const [, name = '', value = ''] = HEADER.exec(line) ?? [];
    return [name, value.trim()];
  });
}

function escaped(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
