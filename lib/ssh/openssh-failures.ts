import { oneLine } from '../foreign.ts';
import {
  type Circumstances,
  changed,
  closed,
  hostKeyOf,
  late,
  lower,
  nameOf,
  type OpenSshFailure,
  place,
  placeOf,
  refused,
  revoked,
  tooManyKeys,
  unknown,
} from './openssh-reasons.ts';

type Row = [pattern: RegExp, failure: (found: string[], at: Circumstances) => OpenSshFailure];

/** The first row that fits what ssh printed says why; otherwise its last sentence does. */
export function whyNotConnected(at: Circumstances): OpenSshFailure {
  const text = at.log.sentences.join('\n');
  for (const [pattern, failure] of ROWS) {
    const found = pattern.exec(text);
    if (found)
      return failure(
        found.map((part) => oneLine(part ?? '')),
        at,
      );
  }
  if (at.isLate) return late(at);
  return {
    why: `ssh ended: ${oneLine(at.log.sentences.at(-1) ?? 'it printed nothing')}`.replace(/\.?$/, '.'),
    remedy: 'run `ssh -v` with that host in a shell of the runner, and correct what it reports.',
  };
}

const CONFIG_REMEDY = 'correct the SSH config of the runner, or give another one with ssh-config.';

const ROWS: readonly Row[] = [
  [
    /No user exists for uid (\d+)/,
    ([, uid]) => ({
      why: `the account of the runner (uid ${uid}) has no name, and OpenSSH needs one.`,
      remedy: 'add the account to /etc/passwd where the job runs, or set `transport: builtin`.',
    }),
  ],
  [
    /^(?:.*?: )?Bad owner or permissions on (.*)$/m,
    ([, path]) => ({
      why: `${path} may be written by others than its owner, or has another owner; ssh refuses it.`,
      remedy: `give it to the account that runs the job, and run: chmod go-w ${path}`,
    }),
  ],
  [
    /^(.*?):? line (\d+): (.*)$/m,
    ([, path, line, text]) => ({ why: `${path}:${line}: ${text}`.replace(/\.?$/, '.'), remedy: CONFIG_REMEDY }),
  ],
  [
    /Could not resolve hostname (\S+?): (.*)/,
    ([, host, text]) => ({
      why: `the name ${host} can't be resolved.`,
      remedy: 'correct host, or add it to the SSH config or DNS of the runner.',
      code: /temporary failure/i.test(text ?? '') ? 'EAI_AGAIN' : 'ENOTFOUND',
    }),
  ],
  [
    /open failed: connect failed: (.*)/,
    ([, text], at) => ({
      why: `the jump host ${nameOf(at.log.stages[0])} can't reach the next one: ${lower(text)}.`,
      remedy: 'check the address from the jump host, and AllowTcpForwarding there.',
    }),
  ],
  [
    /open failed: administratively prohibited/,
    (_, at) => ({
      why: `the jump host ${nameOf(at.log.stages[0])} does not let connections through.`,
      remedy: 'allow AllowTcpForwarding and PermitOpen for this account there.',
    }),
  ],
  [
    /connect to (?:host|address) (\S+) port (\d+): Connection refused/,
    ([, host, port]) => ({
      why: `${place(host, port)} refused the connection.`,
      remedy: 'check that sshd is running there and listens on that port.',
      code: 'ECONNREFUSED',
    }),
  ],
  [
    /connect to (?:host|address) (\S+) port (\d+): (?:No route to host|Network is unreachable)/,
    ([, host, port]) => ({
      why: `there is no route to ${place(host, port)}.`,
      remedy: 'check the address and the network of the runner.',
      code: 'EHOSTUNREACH',
    }),
  ],
  [/(?:Connection|Operation) timed out|Timeout, server .* not responding/, (_, at) => late(at)],
  [/REVOKED HOST KEY DETECTED|revoked host key|Host key .* was revoked|marked as revoked/i, (_, at) => revoked(at)],
  [
    /Certificate invalid: (.*)/,
    ([, text], at) => ({
      why: `its host certificate is not valid: ${text}; it offers ${hostKeyOf(at)}.`,
      remedy: 'sign the host key anew with the right names and time (ssh-keygen -s CA -h -n NAME -V +52w KEY.pub).',
    }),
  ],
  [/HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/, (_, at) => changed(at)],
  [/Host key verification failed|No \S+ host key is known for/, (_, at) => unknown(at)],
  [/Too many authentication failures/, (_, at) => tooManyKeys(at)],
  [/Permission denied \(([^)]*)\)/, ([, methods = ''], at) => refused(methods.split(','), at)],
  [
    /no matching (.*?) found\. Their offer: (.*)/,
    ([, kind, offer = '']) => ({
      why: `no algorithm in common: ${`no matching ${kind}`}.${` The server offers only ${offer.replaceAll(',', ', ')}.`}`,
      remedy: 'allow further algorithms in sshd_config there, or update the server; outdated ones are not used.',
    }),
  ],
  [
    /banner exchange: .*invalid format|banner line|Protocol major versions differ|Bad remote protocol version/,
    ([found], at) => ({
      why: `${placeOf(at)} does not speak SSH as expected: ${found}.`,
      remedy: 'check that an SSH server listens on that port.',
    }),
  ],
  [
    /closed by UNKNOWN port 65535|kex_exchange_identification: Connection closed by remote host/,
    (_, at) =>
      at.log.isProxied
        ? {
            why: 'the ProxyCommand, or the jump host, ended before the connection was there.',
            remedy: 'read what it printed below, and try it in a shell of the runner.',
            code: 'ECONNRESET',
          }
        : closed(at),
  ],
  [/Connection (?:closed|reset) by|Broken pipe|Connection reset/, (_, at) => closed(at)],
  [
    /path ".*" too long for Unix domain socket|ControlPath .* too long/,
    () => ({
      why: 'the folder for temporary files has too long a path for a socket.',
      remedy: 'set TMPDIR to a short one.',
    }),
  ],
];
