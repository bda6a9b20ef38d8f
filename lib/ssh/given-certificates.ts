import { ConnectionError } from '../errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { Identity } from './identities.ts';
import { fingerprint } from './known-hosts.ts';

/** A certificate that the input holds, and the line that it stands on. */
export interface Certified {
  line: string;
  certificate: Certificate;
}

/** The certificates of `ssh-certificate`; throws a ConnectionError for one that is unusable. */
export function certificatesOf(text: string | undefined, keys: readonly Identity[]): Certified[] {
  const lines = (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.map((line) => {
    const certificate = parseCertificate(line);
    const fail = (why: string, remedy: string) => new ConnectionError({ what: 'Reading ssh-certificate', why, remedy });
    if (!certificate)
      throw fail(
        'it is not an OpenSSH certificate.',
        'give the one line of the file that ends in -cert.pub (ssh-ed25519-cert-v01@openssh.com AAAA…).',
      );
    if (keys.length > 0 && !keys.some(({ key }) => key.getPublicSSH().equals(certificate.key)))
      throw fail(
        `it is for the key ${fingerprint(certificate.key)}, which is not one of ssh-key.`,
        'give the private key that was signed as ssh-key.',
      );
    return { line, certificate };
  });
}
