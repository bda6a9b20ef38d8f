import { createPrivateKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { ConnectionError } from '../errors.ts';
import { readIfThere } from './config-files.ts';
import type { Target } from './target.ts';

/** One way to prove who we are. */
export type Identity =
  | { kind: 'key'; label: string; key: ssh2.ParsedKey }
  | { kind: 'agent'; label: string; agent: string | ssh2.BaseAgent };

const DEFAULT_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * The identities to offer, best first: the key given, and nothing else; or the config's files, the agent, the usual
 * files. `skipped` says of each file why it is not among them. Throws a ConnectionError for a given key that is unusable.
 */
export function identitiesOf(
  { sshKey, passphrase }: { sshKey: string | undefined; passphrase: string | undefined },
  target: Target,
  home: string,
): { identities: Identity[]; skipped: string[] } {
  if (sshKey !== undefined) return { identities: [givenKey(sshKey, passphrase)], skipped: [] };
  const skipped: string[] = [];
  const fromFiles = (files: readonly string[]): Identity[] =>
    files.flatMap((path) => {
      const [file] = readIfThere(path);
      if (!file) return [];
      const key = parseKey(file.text, passphrase);
      if (typeof key !== 'string') return [{ kind: 'key' as const, label: path, key }];
      skipped.push(`${path}: ${key}`);
      return [];
    });
  const usualFiles = target.identityFiles.length > 0 ? [] : DEFAULT_FILES.map((name) => `${home}/.ssh/${name}`);
  const configured = fromFiles(target.identityFiles);
  const agent = agentOf(target, [...target.identityFiles, ...usualFiles]);
  return { identities: [...configured, ...agent, ...fromFiles(usualFiles)], skipped };
}

/** The agent; with IdentitiesOnly only those of its keys that the files name: a public one, or the one beside a private. */
function agentOf({ agent, identitiesOnly }: Target, files: readonly string[]): Identity[] {
  if (agent === undefined) return [];
  if (!identitiesOnly) return [{ kind: 'agent', label: `agent ${agent}`, agent }];
  const named = files
    .flatMap((path) => [...readIfThere(path), ...readIfThere(`${path}.pub`)])
    .flatMap(({ text }) => ssh2.utils.parseKey(text))
    .flatMap((key) => (key instanceof Error ? [] : [key.getPublicSSH()]));
  return named.length === 0 ? [] : [{ kind: 'agent', label: `agent ${agent}`, agent: new PartOfAgent(agent, named) }];
}

/** An agent of which only some keys are offered. */
class PartOfAgent extends ssh2.OpenSSHAgent {
  readonly #named: readonly Buffer[];

  constructor(socket: string, named: readonly Buffer[]) {
    super(socket);
    this.#named = named;
  }

  override getIdentities(done: Parameters<ssh2.OpenSSHAgent['getIdentities']>[0]): void {
    super.getIdentities((error, keys) =>
      done(
        error,
        keys?.filter((key) => this.#isNamed(key)),
      ),
    );
  }

  #isNamed(key: ssh2.ParsedKey | ssh2.PublicKeyEntry): boolean {
    return 'getPublicSSH' in key && this.#named.some((one) => one.equals(key.getPublicSSH()));
  }
}

function givenKey(text: string, passphrase: string | undefined): Identity {
  const key = parseKey(text, passphrase);
  if (typeof key !== 'string') return { kind: 'key', label: 'ssh-key', key };
  throw new ConnectionError({
    what: 'Reading ssh-key',
    why: `${key}.`,
    remedy:
      'store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase.',
  });
}

/** The private key in `text`, or why it can't be used. */
export function parseKey(text: string, passphrase: string | undefined): ssh2.ParsedKey | string {
  const repaired = `${text
    .replaceAll('\r', '')
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim()}\n`;
  if (repaired.startsWith('PuTTY-User-Key-File')) return 'it is a PuTTY key: export it as an OpenSSH key first';
  const parsed = ssh2.utils.parseKey(fromPkcs8(repaired, passphrase), passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return 'it holds no key';
  if (key instanceof Error) return unusable(key.message, passphrase);
  return key.isPrivateKey() ? key : 'it is a public key; the private one is needed';
}

/** ssh2 reads OpenSSH's and the old PEM formats; Node.js turns PKCS #8 into the latter, where there is one. */
function fromPkcs8(text: string, passphrase: string | undefined): string {
  if (!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return text;
  try {
    const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
    if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
    if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  } catch {
    // What is wrong with it is told by the parser that comes next.
  }
  return text;
}

function unusable(message: string, passphrase: string | undefined): string {
  if (/no passphrase given/i.test(message)) return 'it is encrypted, and no passphrase is given (ssh-key-passphrase)';
  if (/integrity|bad passphrase|bad decrypt|decrypt/i.test(message) && passphrase !== undefined)
    return 'its passphrase is wrong';
  if (/unsupported key format/i.test(message)) return 'it is no private key in a known format (OpenSSH, PEM)';
  return `it can't be read: ${message}`;
}
