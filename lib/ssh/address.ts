/**
 * The name that ssh goes on with: names in lower case, addresses in their usual form (`127.1` is 127.0.0.1). Those of a family
 * that AddressFamily leaves out stay as they are.
 */
export function canonicalHost(host: string, family: string | undefined): string {
  const v4 = family === 'inet6' ? undefined : v4Of(host);
  if (v4 !== undefined) return v4;
  if (host.includes(':') && family !== 'inet') {
    const canonical = v6Of(host);
    return canonical.toLowerCase() === host.toLowerCase() ? host : canonical;
  }
  return /[%:]/.test(host) || /^[\d.]*$/.test(host) ? host : host.toLowerCase();
}

/** As inet_aton reads it: one to four parts, decimal, octal or hexadecimal; the last one fills the rest. */
function v4Of(host: string): string | undefined {
  const parts = host.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(part))) return undefined;
  const numbers = parts.map((part) => (/^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part)));
  const last = numbers.pop() ?? 0;
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return undefined;
  const rest = Array.from(
    { length: 4 - numbers.length },
    (_, index) => Math.floor(last / 256 ** index) % 256,
  ).reverse();
  return [...numbers, ...rest].join('.');
}

function v6Of(host: string): string {
  if (!URL.canParse(`http://[${host}]`)) return host;
  const short = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `::ffff:${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}
