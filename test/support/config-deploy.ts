import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type Answered, type Sent, seenOf, transact, usualValues } from './transaction.ts';

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Deploys of one text file by `program`, the transaction of a configuration or a unit; `usual` are its values. */
export function configDeploy(program: string, file: string, usual: Sent['values'] = {}) {
  const state = file.replace(/([^/]*)$/, '.$1.deploy');
  return (text: string, given: Sent['values'] = {}, shell?: readonly string[]): Promise<Answered> => {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    const journal = existsSync(`${state}/journal`) ? '\nphase=end' : '';
    const old = before === undefined ? {} : { old_sha: sha256(before), old_about: '0:0 644' };
    const values = {
      ...usualValues(file, before === undefined ? `none${journal}` : seenOf(file, journal)),
      ...{
        size: Buffer.byteLength(text),
        sha256: sha256(text),
        encoding: 'plain',
        check_command: '',
        apply_command: '',
      },
      ...{ ...old, ...usual, ...given },
    };
    return transact(program, { values, payload: Buffer.from(text), ...(shell ? { shell } : {}) });
  };
}
