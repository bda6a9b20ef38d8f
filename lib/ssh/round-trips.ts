/** Questions to which a server answers at once, and their answers, as ssh2 names them. */
const QUESTIONS: readonly [asks: RegExp, answers: RegExp][] = [
  [/^Outbound: Sending KEX(EC)?DH_INIT/, /^Received DH Reply/],
  [/^Outbound: Sending SERVICE_REQUEST /, /^Inbound: Received SERVICE_ACCEPT /],
  [/^Outbound: Sending USERAUTH_REQUEST \(publickey -- check\)/, /^Inbound: Received USERAUTH_(PK_OK|FAILURE)/],
];

/**
 * The shortest round trip of a handshake, from the library's debug lines. A machine that is busy answers one of them late, seldom
 * all; and nothing is sent for it.
 */
export function timeHandshake(now: () => number = () => performance.now()) {
  let asked: { at: number; answers: RegExp } | undefined;
  let shortestMs = Number.POSITIVE_INFINITY;
  return {
    read: (line: string) => {
      const question = QUESTIONS.find(([asks]) => asks.test(line));
      if (question) asked = { at: now(), answers: question[1] };
      else if (asked?.answers.test(line)) {
        shortestMs = Math.min(shortestMs, now() - asked.at);
        asked = undefined;
      }
    },
    shortestMs: () => shortestMs,
  };
}
