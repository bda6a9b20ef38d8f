export const TIERS = ['checks', 'unit', 'integration', 'e2e'];

export const USAGE = `npm test                          everything that this machine can run
npm test -- --only checks,unit    some of: ${TIERS.join(', ')}
npm test -- integration           one tier
npm test -- integration 'name'    one scenario: part of a test's name, or of its file's path`;

/** What `npm test` was asked for; undefined when it can't be understood. */
export function parseArguments(words) {
  const [first, ...rest] = words[0] === '--only' ? words.slice(1) : words;
  if (first === undefined) return words.length === 0 ? { tiers: TIERS } : undefined;
  const tiers = first.split(',');
  if (tiers.some((tier) => !TIERS.includes(tier)) || rest.length > 1) return undefined;
  return { tiers: TIERS.filter((tier) => tiers.includes(tier)), filter: rest[0] };
}
