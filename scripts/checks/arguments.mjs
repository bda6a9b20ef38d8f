export const TIERS = ['checks', 'unit', 'integration', 'e2e'];

export const USAGE = `npm test                          everything that this machine can run
npm test -- --only checks,unit    some of: ${TIERS.join(', ')}
npm test -- checks unit           the same
npm test -- integration           one tier
npm test -- integration 'name'    one scenario: part of a test's name, or of its file's path
npm test -- integration -t name   the same, also for a name that is a tier's
npm test -- --install             as root on Debian, first installs the packages that are missing (CI=true does too)`;

/** What `npm test` was asked for; undefined when it can't be understood. */
export function parseArguments(given) {
  const words = given.filter((word) => word !== '--install');
  const install = words.length < given.length;
  if (words.length === 0) return { tiers: TIERS, install };
  const named = words[0] === '--only' ? words.slice(1) : words;
  const end = named.findIndex((word) => !isTiers(word));
  const tiers = (end < 0 ? named : named.slice(0, end)).flatMap((word) => word.split(','));
  const rest = end < 0 ? [] : named.slice(end);
  const filter = rest[0] === '-t' ? rest.slice(1) : rest;
  const isUnderstood = tiers.length > 0 && filter.length === (rest.length > 0 ? 1 : 0) && filter[0] !== '';
  return isUnderstood ? { tiers: TIERS.filter((tier) => tiers.includes(tier)), filter: filter[0], install } : undefined;
}

function isTiers(word) {
  return word.split(',').every((tier) => TIERS.includes(tier));
}
