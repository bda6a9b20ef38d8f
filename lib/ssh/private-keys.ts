import { createPrivateKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { lengthFirst } from './wire.ts';

/** The private keys in `text`, in order; or why one of them can't be used. Repairs what pasting does to keys. */
export function parseKeys(text: string, passphrase: string | undefined): ssh2.ParsedKey[] | string {
  const whole = repaired(text);
  if (whole.includes('PuTTY-User-Key-File')) return 'it is a PuTTY key: export it as an OpenSSH key first';
  const blocks = [...whole.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)];
  if (blocks.length === 0) return whyNoBlock(whole);
  const keys: ssh2.ParsedKey[] = [];
  for (const [index, [, label = '', body = '']] of blocks.entries()) {
    const key = parseBlock(label, body, passphrase);
    if (typeof key === 'string') return blocks.length > 1 ? `key ${index + 1} of ${blocks.length}: ${key}` : key;
    keys.push(key);
  }
  return keys;
}

/** Undoes quotes around it, `\n` for line ends, and base64 of the whole file. */
function repaired(text: string): string {
  const unquoted = text
    .replace(/^\uFEFF/, '')
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replaceAll(/\\r|\r/g, '')
    .replaceAll('\\n', '\n');
  if (unquoted.includes('-----') || !/^[A-Za-z0-9+/=\s]+$/.test(unquoted)) return unquoted;
  const decoded = Buffer.from(unquoted, 'base64').toString('latin1');
  if (decoded.includes('-----BEGIN ')) return decoded.replaceAll('\r', '');
  // Its first and last line are missing.
  return decoded.startsWith('openssh-key-v1\0') ? block('OPENSSH PRIVATE KEY', unquoted) : unquoted;
}

function whyNoBlock(text: string): string {
  if (/^(ssh-|ecdsa-|sk-)[\w@.-]*-cert-v01@/.test(text)) return 'it is a certificate; the private key is needed';
  if (/^(ssh-|ecdsa-|sk-)/.test(text)) return 'it is a public key; the private one is needed';
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return 'it is cut off: its last line (-----END …-----) is missing';
  if (/-----END [A-Z0-9 ]+-----/.test(text)) return 'its first line (-----BEGIN …-----) is missing';
  return 'it is not a private key in a known format (OpenSSH, PEM)';
}

function parseBlock(label: string, body: string, passphrase: string | undefined): ssh2.ParsedKey | string {
  if (label.endsWith('PUBLIC KEY')) return 'it is a public key; the private one is needed';
  if (label.includes('CERTIFICATE')) return 'it is a certificate; the private key is needed';
  const pem = block(label, body);
  if (label === 'OPENSSH PRIVATE KEY' && isForSecurityKey(pem))
    return 'it belongs to a security key (FIDO), which somebody would have to touch; use a key without one';
  const text =
    label.endsWith('PRIVATE KEY') && /^(ENCRYPTED )?PRIVATE KEY$/.test(label) ? fromPkcs8(pem, passphrase) : pem;
  const parsed = ssh2.utils.parseKey(text, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return 'it holds no key';
  if (key instanceof Error) return unusable(key.message, passphrase);
  return key.isPrivateKey() ? key : 'it is a public key; the private one is needed';
}

/** A block in its own lines, whatever its line ends became. */
function block(label: string, body: string): string {
  const headers = [...body.matchAll(/(Proc-Type|DEK-Info): *(\S+)/g)].map(([header]) => header);
  const encoded = body.replace(/(Proc-Type|DEK-Info): *\S+/g, '').replace(/\s+/g, '');
  const lines = [...(headers.length > 0 ? [...headers, ''] : []), ...(encoded.match(/.{1,64}/g) ?? [])];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Whether a private key file is only the handle of one in a security key. */
export function isForSecurityKey(text: string): boolean {
  const [, body = ''] = /-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END/s.exec(text) ?? [];
  const start = Buffer.from(body.replace(/\s+/g, ''), 'base64').subarray(0, 300).toString('latin1');
  return /sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.test(start);
}

/** ssh2 reads OpenSSH's and the old PEM formats; Node.js turns PKCS #8 into one of them. */
function fromPkcs8(text: string, passphrase: string | undefined): string {
  try {
    const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
    if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
    if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
    if (key.asymmetricKeyType === 'ed25519') {
      const { x = '', d = '' } = key.export({ format: 'jwk' });
      return openSshEd25519(Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url'));
    }
  } catch {
    // What is wrong with it is told by the parser that comes next.
  }
  return text;
}

/** The format of PROTOCOL.key, not encrypted. */
function openSshEd25519(publicKey: Buffer, seed: Buffer): string {
  const type = lengthFirst('ssh-ed25519');
  const check = Buffer.alloc(8);
  const secret = Buffer.concat([
    check,
    type,
    lengthFirst(publicKey),
    lengthFirst(Buffer.concat([seed, publicKey])),
    lengthFirst(''),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const none = lengthFirst('none');
  const one = Buffer.from([0, 0, 0, 1]);
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    none,
    none,
    lengthFirst(''),
    one,
    lengthFirst(Buffer.concat([type, lengthFirst(publicKey)])),
    lengthFirst(Buffer.concat([secret, padding])),
  ]);
  return block('OPENSSH PRIVATE KEY', blob.toString('base64'));
}

function unusable(message: string, passphrase: string | undefined): string {
  if (/no passphrase given|passphrase required/i.test(message))
    return 'it is encrypted, and no passphrase is given (ssh-key-passphrase)';
  if (/integrity|bad passphrase|bad decrypt|decrypt/i.test(message) && passphrase !== undefined)
    return 'its passphrase is wrong';
  if (/unsupported key format/i.test(message)) return 'it is not a private key in a known format (OpenSSH, PEM)';
  return `it can't be read: ${message}`;
}
