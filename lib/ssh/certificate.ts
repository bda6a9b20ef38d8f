/** What an OpenSSH certificate says (PROTOCOL.certkeys); nothing of it is verified here, the server does that. */
export interface Certificate {
  type: string;
  isForUsers: boolean;
  principals: string[];
  /** In seconds since 1970. */
  validAfter: number;
  validBefore: number;
  /** The public key that it is for, as the key's own blob. */
  key: Buffer;
}

/** Fields of the public key in a certificate, by its type. */
const KEY_FIELDS: Record<string, number> = {
  'ssh-ed25519-cert-v01@openssh.com': 1,
  'ssh-rsa-cert-v01@openssh.com': 2,
  'ssh-dss-cert-v01@openssh.com': 4,
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': 2,
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': 2,
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': 2,
  'sk-ssh-ed25519-cert-v01@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com': 3,
};

/** Reads one line, as in `id-cert.pub`; undefined when it is not a certificate. */
export function parseCertificate(line: string): Certificate | undefined {
  const [, type = '', encoded = ''] =
    /^(\S+-cert-v01@openssh\.com)\s+([A-Za-z0-9+/]+={0,2})(\s|$)/.exec(line.trim()) ?? [];
  const count = KEY_FIELDS[type];
  if (count === undefined) return undefined;
  try {
    return read(type, count, Buffer.from(encoded, 'base64'));
  } catch {
    return undefined;
  }
}

/** Throws a RangeError where it is cut off. */
function read(type: string, count: number, blob: Buffer): Certificate | undefined {
  let at = 0;
  const field = () => {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) throw new RangeError('cut off');
    const found = blob.subarray(at + 4, end);
    at = end;
    return found;
  };
  if (field().toString('latin1') !== type) return undefined;
  field();
  const keyStart = at;
  for (let index = 0; index < count; index += 1) field();
  const parameters = blob.subarray(keyStart, at);
  const plainType = Buffer.from(type.replace('-cert-v01@openssh.com', type.startsWith('sk-') ? '@openssh.com' : ''));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(plainType.length);
  // The serial number.
  at += 8;
  const isForUsers = blob.readUInt32BE(at) === 1;
  at += 4;
  field();
  const principals = namesIn(field());
  const validAfter = Number(blob.readBigUInt64BE(at));
  const validBefore = Number(blob.readBigUInt64BE(at + 8));
  return { type, isForUsers, principals, validAfter, validBefore, key: Buffer.concat([length, plainType, parameters]) };
}

function namesIn(list: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + 4 <= list.length; ) {
    const end = at + 4 + list.readUInt32BE(at);
    names.push(list.subarray(at + 4, end).toString('utf8'));
    at = end;
  }
  return names;
}

/** Why a server may refuse it for `user`, as far as the runner can see; undefined when nothing is wrong. */
export function certificateProblem(
  { isForUsers, principals, validAfter, validBefore }: Certificate,
  { user, nowSeconds }: { user: string; nowSeconds: number },
): string | undefined {
  if (!isForUsers) return 'it is a host certificate; one for users is needed';
  if (nowSeconds >= validBefore) return `it expired at ${timeText(validBefore)}`;
  if (nowSeconds < validAfter) return `it is valid from ${timeText(validAfter)} on`;
  if (principals.length > 0 && !principals.includes(user))
    return `it is for ${principals.join(', ')}, not for ${user} (AuthorizedPrincipalsFile there may map them)`;
  return undefined;
}

function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
}
