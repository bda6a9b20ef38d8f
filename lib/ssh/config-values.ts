import { LineError } from './config-line.ts';

type Read = (words: string[], rest: string) => string[] | undefined;

/**
 * The values of a followed keyword in one form: `yes` or `no`, seconds, numbers. Undefined for `none` where that leaves the
 * keyword unset. Throws a LineError for what ssh does not take.
 */
export function readValues(keyword: string, { words, rest }: { words: string[]; rest: string }): string[] | undefined {
  return (READERS[keyword] ?? one)(words, rest);
}

const one: Read = (words) => {
  const [first] = words;
  if (first === undefined || first === '') throw new LineError('the value is empty');
  if (words.length > 1) throw new LineError('there are more values than one');
  return [first];
};

const FLAGS = { yes: 'yes', true: 'yes', no: 'no', false: 'no' };

const READERS: Record<string, Read> = {
  identitiesonly: oneOf(FLAGS),
  hashknownhosts: oneOf(FLAGS),
  stricthostkeychecking: oneOf({ ...FLAGS, ask: 'ask', off: 'no', 'accept-new': 'accept-new' }),
  addressfamily: oneOf({ inet: 'inet', inet6: 'inet6', any: 'any' }),
  port: (words, rest) => {
    const [value = ''] = one(words, rest) ?? [];
    const port = value === 'ssh' ? 22 : Number(/^\d{1,5}$/.test(value) ? value : Number.NaN);
    if (!(port >= 1 && port <= 65_535)) throw new LineError(`'${value}' is not a port`);
    return [String(port)];
  },
  connecttimeout: seconds,
  serveraliveinterval: seconds,
  serveralivecountmax: wholeNumber,
  requiredrsasize: wholeNumber,
  userknownhostsfile: files,
  globalknownhostsfile: files,
  // Commands are taken as they stand, comments too.
  proxycommand: (_, rest) => [rest],
  knownhostscommand: (_, rest) => [rest],
  refuseconnection: (words) => [words.join(' ')],
  proxyjump: (_, rest) => [rest.replace(/#.*$/, '').trimEnd()],
};

function oneOf(values: Record<string, string>): Read {
  return (words, rest) => {
    const [value = ''] = one(words, rest) ?? [];
    const known = values[value.toLowerCase()];
    if (known === undefined) throw new LineError(`'${value}' is not one of ${Object.keys(values).join(', ')}`);
    return [known];
  };
}

function wholeNumber(words: string[], rest: string): string[] {
  const [value = ''] = one(words, rest) ?? [];
  if (!/^\d{1,9}$/.test(value)) throw new LineError(`'${value}' is not a number`);
  return [String(Number(value))];
}

/** A time as sshd_config(5) writes it: seconds, or `1m30s`. */
function seconds(words: string[], rest: string): string[] | undefined {
  const [value = ''] = one(words, rest) ?? [];
  if (value === 'none') return undefined;
  if (!/^(\d{1,9}[smhdw])*(\d{1,9})?$/i.test(value)) throw new LineError(`'${value}' is not a duration`);
  const parts = [...value.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)];
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit || 's'] ?? 1), 0);
  if (total > 2 ** 31 - 1) throw new LineError(`'${value}' is too long`);
  return [String(total)];
}

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function files(words: string[]): string[] {
  if (words.length === 0 || words.includes('')) throw new LineError('the value is empty');
  if (words.length > 1 && words.some((word) => word.toLowerCase() === 'none'))
    throw new LineError('`none` stands beside other files');
  return words;
}
