import * as z from 'zod/mini';
import { choice, matching, optional, splitLines, wholeNumber } from '../action/fields.ts';
import { isAccountName } from '../values.ts';
import { CONTAINERS, parseContainer } from './container.ts';

/** The connection inputs of deploy-binary and verify-deploy, under their names in action.yml. */
export const connectionFields = {
  host: z.string().check(
    z.refine((value) => hostsOf(value).length > 0 && hostsOf(value).every((host) => parseHost(host) !== undefined), {
      error: ({ input }) => `expected a host, user@host, user@host:port or alias per line, got '${input}'`,
    }),
  ),
  user: z.optional(matching((value) => isAccountName(value), 'the name of an account')),
  port: wholeNumber(1, 65_535),
  'ssh-key': optional(),
  'ssh-key-passphrase': optional(),
  'known-hosts': optional(),
  'host-key-checking': z.optional(
    z.enum(['strict', 'accept-new', 'insecure'], {
      error: ({ input }) => `expected strict, accept-new or insecure, got '${input}'`,
    }),
  ),
  'ssh-config': optional(),
  transport: choice(['auto', 'builtin', 'openssh']),
  'ssh-certificate': optional(),
  'proxy-jump': z.optional(
    matching((value) => value.split(',').every((jump) => parseHost(jump) !== undefined), 'user@host:port[,…]'),
  ),
  sudo: choice(['auto', 'always', 'never']),
  container: z.optional(matching((value) => parseContainer(value) !== undefined, CONTAINERS)),
  'connect-timeout-seconds': wholeNumber(1, 600),
  'keepalive-seconds': wholeNumber(1, 600),
};

const connectionSchema = z.object(connectionFields);

/** The connection inputs of one target, checked. */
export type ConnectionInputs = z.infer<typeof connectionSchema>;

/** One for each line of `host`; a host named twice is one target. */
export function connectionsOf<Given extends ConnectionInputs>(given: Given): Given[] {
  return hostsOf(given.host).map((host) => ({ ...given, host }));
}

/** The lines of `host`; one that is named twice is one target. */
export function hostsOf(lines: string): string[] {
  return [...new Set(splitLines(lines))];
}

/** A destination as people write it: `host`, `user@host`, `user@host:port`, `[v6]:port`, `ssh://user@host:port`. */
export interface WrittenHost {
  user: string | undefined;
  host: string;
  port: number | undefined;
}

/** Takes a written destination apart; undefined when it is none. */
export function parseHost(written: string): WrittenHost | undefined {
  const match =
    /^(?:ssh:\/\/)?(?:(?<user>[^\p{Cc}:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/iu.exec(
      written.trim(),
    );
  const bareV6 = /^(?:(?<user>[^\p{Cc}:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/iu.exec(written.trim());
  const parts = (match ?? bareV6)?.groups;
  const port = parts?.port === undefined ? undefined : Number(parts.port);
  if (!parts || port === 0 || (port ?? 1) > 65_535 || (parts.user !== undefined && !isAccountName(parts.user)))
    return undefined;
  return { user: parts.user, host: parts.v6 ?? parts.host ?? '', port };
}
