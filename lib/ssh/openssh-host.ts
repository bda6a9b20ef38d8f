import type { ChildProcessByStdio } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { type Channel, type Host, isLoopback, NEAR_MS } from './host.ts';
import { sessionWords } from './openssh-arguments.ts';
import type { SshLog } from './openssh-log.ts';
import { type Master, startSession } from './openssh-process.ts';
import { SlowSessionError, sessionsOver } from './sessions.ts';
import type { Target } from './target.ts';

interface Opened {
  master: Master;
  log: SshLog;
  socket: string;
  env: Record<string, string>;
  firstSessionSeconds: number;
  /** Ends the connection, and removes what it has on the runner. */
  release: () => Promise<void>;
}

/** The connection that `master` holds: each command is an ssh of its own, whose bytes go to the master directly. */
export function openSshHost(target: Target, opened: Opened): Host {
  const { master, log, socket, env, firstSessionSeconds } = opened;
  let disposed = false;
  let cause: Error | undefined;
  let openMs = Number.POSITIVE_INFINITY;
  const lost = master.ended.then(() => {
    if (disposed) return undefined;
    cause = new Error(log.sentences.at(-1)?.replace(/\.$/, '') ?? 'the connection was closed');
    return cause;
  });
  const open = async (command: string, { isFirst }: { isFirst: boolean }) => {
    if (cause || disposed) throw cause ?? new Error('the connection is closed');
    const session = startSession(sessionWords(socket, command), env);
    const limitSeconds = isFirst ? firstSessionSeconds : undefined;
    const { channel, ms } = await accepted(session, limitSeconds);
    openMs = Math.min(openMs, ms);
    return channel;
  };
  const roundTripMs = () => Math.min(log.shortestMs, openMs);
  return {
    ...sessionsOver({
      target,
      open,
      gone: () => cause ?? (disposed ? new Error('the connection is closed') : undefined),
    }),
    target,
    // A tunnel's end has a loopback address too, but the answers take their time.
    isNear: () => !log.isProxied && isLoopback(log.address?.ip ?? '') && roundTripMs() < NEAR_MS,
    roundTripMs,
    lost,
    [Symbol.asyncDispose]: async () => {
      disposed = true;
      await opened.release();
    },
  };
}

const OPENED = /^debug1: mux_client_request_session: master session id: \d+$/;
const OWN_LINE = /^(debug1: |OpenSSH_)/;
const REFUSAL_CHARACTERS_AT_MOST = 4000;

type Session = ChildProcessByStdio<Writable, Readable, Readable>;

/** Resolves when the server has opened the session; until then standard error is ssh's own, then the command's. */
function accepted(session: Session, limitSeconds: number | undefined): Promise<{ channel: Channel; ms: number }> {
  const errors = new PassThrough();
  let isOpen = false;
  let askedAt = performance.now();
  let own = '';
  const closed = new Promise<number | null>((resolve) => {
    session.once('close', (code) => {
      errors.end();
      // What ssh ends with for a killed command and for a lost connection.
      resolve(code === 255 ? null : code);
    });
  });
  for (const stream of [session.stdin, session.stdout, session.stderr]) stream.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(limit);
      session.kill('SIGKILL');
      reject(error);
    };
    const limit =
      limitSeconds === undefined
        ? undefined
        : setTimeout(() => {
            const why = `the login was accepted, but no session was opened within ${limitSeconds} s`;
            fail(new SlowSessionError(why));
          }, limitSeconds * 1000);
    session.once('error', fail);
    closed.then(() => fail(new Error(refusalIn(own))));
    session.stderr.on('data', (block: Buffer) => {
      if (isOpen) return void errors.write(block);
      own = (own + block.toString('latin1')).slice(-REFUSAL_CHARACTERS_AT_MOST);
      const lines = own.split('\n');
      const at = lines.findIndex((line) => OPENED.test(line.trimEnd()));
      if (at < 0) {
        // The first line comes when ssh has started: what follows is the round trip.
        if (lines.length <= 2) askedAt = performance.now();
        return;
      }
      isOpen = true;
      clearTimeout(limit);
      errors.write(Buffer.from(lines.slice(at + 1).join('\n'), 'latin1'));
      const { stdin: input, stdout: output } = session;
      const destroy = () => {
        for (const stream of [input, output, errors]) stream.destroy();
        session.kill('SIGTERM');
      };
      resolve({ channel: { input, output, errors, closed, destroy }, ms: performance.now() - askedAt });
    });
  });
}

/** What a session that was not opened is refused with, by ssh's own lines. */
function refusalIn(text: string): string {
  const [, refused] = /session request failed: (.*)/.exec(text) ?? [];
  if (refused !== undefined) return refused.trim().replace(/^Session open refused by peer$/, 'open failed');
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !OWN_LINE.test(line)).at(-1) ?? 'ssh ended without a word';
}
