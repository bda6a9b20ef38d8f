import ssh2 from 'ssh2';
import { ConnectionError } from '../errors.ts';
import { agentKeys } from './agent-keys.ts';
import { readIfThere } from './config-files.ts';
import { fingerprint, rsaBits } from './known-hosts.ts';
import { parseKeys } from './private-keys.ts';
import type { Target } from './target.ts';

/** One key to prove who we are with. `label` says where it is from. */
export interface Identity {
  label: string;
  key: ssh2.ParsedKey;
  /** Signs for the key, where we don't have it ourselves. */
  agent: ssh2.BaseAgent | undefined;
}

export interface Identities {
  identities: Identity[];
  /** What could not be offered, and why. */
  skipped: string[];
}

/**
 * The identities to offer, best first: the keys given, and nothing else; or the config's files, the agent, the usual
 * files. Throws a ConnectionError for a given key that is unusable.
 */
export async function identitiesOf(
  { sshKey, passphrase }: { sshKey: string | undefined; passphrase: string | undefined },
  target: Target,
): Promise<Identities> {
  if (sshKey !== undefined) return { identities: givenKeys('ssh-key', sshKey, passphrase), skipped: [] };
  const skipped = [...target.notOffered];
  const fromFiles = (named: boolean): Identity[] =>
    target.identityFiles
      .filter((file) => file.named === named)
      .flatMap(({ path }) => fileKeys(path, passphrase, skipped));
  const configured = fromFiles(true);
  const usual = fromFiles(false);
  const held = await fromAgent(target, skipped);
  const all = [...configured, ...held, ...usual].filter((identity) => isLongEnough(identity, target, skipped));
  return { identities: withoutRepeats(all), skipped };
}

/** The keys that an input holds. */
export function givenKeys(input: string, text: string, passphrase: string | undefined): Identity[] {
  const keys = parseKeys(text, passphrase);
  if (typeof keys !== 'string')
    return keys.map((key, index) => ({
      label: keys.length > 1 ? `${input} (${index + 1} of ${keys.length})` : input,
      key,
      agent: undefined,
    }));
  throw new ConnectionError({
    what: `Reading ${input}`,
    why: `${keys}.`,
    remedy:
      'store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase.',
  });
}

/** The keys in the files of a config that `passphrase` opens, or that need none. */
export function keysInFiles({ identityFiles }: Target, passphrase: string): Identity[] {
  return identityFiles.flatMap(({ path }) => fileKeys(path, passphrase, []));
}

function fileKeys(path: string, passphrase: string | undefined, skipped: string[]): Identity[] {
  const [file] = readIfThere(path);
  if (!file) return [];
  if (readIfThere(`${path}-cert.pub`).length > 0)
    skipped.push(`${path}-cert.pub: the built-in client can't use certificates`);
  const keys = parseKeys(file.text, passphrase);
  if (typeof keys !== 'string') return keys.map((key) => ({ label: path, key, agent: undefined }));
  skipped.push(`${path}: ${keys}`);
  return [];
}

/** With IdentitiesOnly only those of its keys that the files name: a public one, or the one beside a private. */
async function fromAgent({ agent, identitiesOnly, identityFiles }: Target, skipped: string[]): Promise<Identity[]> {
  if (agent === undefined) return [];
  const keys = await agentKeys(agent);
  if (typeof keys === 'string') {
    skipped.push(`agent ${agent}: ${keys}`);
    return [];
  }
  const named = identitiesOnly ? identityFiles.flatMap(({ path }) => publicKeys(path)) : [];
  return keys
    .filter(({ key }) => !identitiesOnly || named.some((one) => one.equals(key.getPublicSSH())))
    .map(({ key, agent: signer }) => ({
      label: `agent ${agent}, ${key.type} ${fingerprint(key.getPublicSSH())}`,
      key,
      agent: signer,
    }));
}

function publicKeys(path: string): Buffer[] {
  return [...readIfThere(path), ...readIfThere(`${path}.pub`)]
    .flatMap(({ text }) => ssh2.utils.parseKey(text))
    .flatMap((key) => (key instanceof Error ? [] : [key.getPublicSSH()]));
}

function isLongEnough({ label, key }: Identity, { rsaBitsAtLeast }: Target, skipped: string[]): boolean {
  const bits = rsaBits(key.getPublicSSH());
  if (bits === undefined || bits >= rsaBitsAtLeast) return true;
  skipped.push(`${label}: it has ${bits} bits, and RequiredRSASize is ${rsaBitsAtLeast}`);
  return false;
}

/** A server counts each attempt. */
function withoutRepeats(identities: readonly Identity[]): Identity[] {
  const seen = new Set<string>();
  return identities.filter(({ key }) => {
    const id = key.getPublicSSH().toString('base64');
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}
