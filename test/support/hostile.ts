import { readdirSync, statSync } from 'node:fs';
import { shell, type TestTarget } from './target.ts';

/** The destination's parent, a folder of root's, and the file's name. */
export interface HostilePlace {
  root: string;
  canary: string;
  name: string;
}

/** What the service account could do while root works in its folders, over and over. */
export const SWAPS: [what: string, loop: (place: HostilePlace) => string][] = [
  [
    "its folder for a link to root's",
    ({ root, canary }) =>
      `mv ${root}/bin ${root}/away; ln -s ${canary} ${root}/bin; rm ${root}/bin; mv ${root}/away ${root}/bin`,
  ],
  [
    "the file for a link to root's",
    ({ root, canary, name }) =>
      `mv ${root}/bin/${name} ${root}/bin/b; ln -s ${canary}/secret ${root}/bin/${name}; rm ${root}/bin/${name}; mv ${root}/bin/b ${root}/bin/${name}`,
  ],
  [
    "the file for a link to root's folder",
    ({ root, canary, name }) =>
      `mv ${root}/bin/${name} ${root}/bin/b; ln -s ${canary} ${root}/bin/${name}; rm ${root}/bin/${name}; mv ${root}/bin/b ${root}/bin/${name}`,
  ],
  [
    "the state folder for a link to root's",
    ({ root, canary, name }) =>
      `mv ${root}/bin/.${name}.deploy ${root}/bin/.d; ln -s ${canary} ${root}/bin/.${name}.deploy; rm ${root}/bin/.${name}.deploy; mv ${root}/bin/.d ${root}/bin/.${name}.deploy`,
  ],
  [
    "the log for a link to root's",
    ({ root, canary }) =>
      `rm -f ${root}/logs/error.log; ln -s ${canary}/secret ${root}/logs/error.log; rm -f ${root}/logs/error.log; : >${root}/logs/error.log`,
  ],
];

/** Everything in a folder that an attack through root would change. */
export function about(folder: string): string[] {
  return ['', ...readdirSync(folder)].map((name) => {
    const { uid, gid, mode, size } = statSync(`${folder}/${name}`);
    return `${name} ${uid}:${gid} ${mode} ${size}`;
  });
}

/** Puts back what the attacker left half moved, as the account's owner would. */
export function tidy(host: TestTarget, root: string): void {
  const { name } = host;
  shell(
    `cd ${root}; [ ! -L bin ] || rm bin; [ -d bin ] || mv away bin; cd bin; for f in ${name} .${name}.deploy; do [ ! -L $f ] || rm $f; done
    [ -e ${name} ] || mv b ${name} 2>/dev/null || true; rm -rf b; [ ! -d .d ] || { rm -rf .${name}.deploy; mv .d .${name}.deploy; }
    rm -f ${root}/logs/error.log; chown ${host.service.name} ${root} ${root}/bin ${root}/logs`,
  );
}
