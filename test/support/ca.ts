import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A throwaway certificate authority in `folder`. */
export interface Authority {
  /** `ssh-ed25519 AAAA…` */
  publicKey: string;
  publicKeyFile: string;
  /** Signs the public key `file.pub`; gives the path of the certificate. */
  sign(file: string, given: { principals: string; valid?: string; host?: boolean }): string;
}

export function authority(folder: string): Authority {
  const key = `${folder}/ca`;
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ca', '-f', key]);
  return {
    publicKey: readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' '),
    publicKeyFile: `${key}.pub`,
    sign: (file, { principals, valid = '-5m:+1h', host = false }) => {
      const words = ['-q', '-s', key, '-I', 'test', '-n', principals, '-V', valid, ...(host ? ['-h'] : [])];
      execFileSync('ssh-keygen', [...words, `${file}.pub`]);
      return `${file}-cert.pub`;
    },
  };
}
