import { expect, it } from 'vitest';
import { timeHandshake } from '../../../lib/ssh/round-trips.ts';

it('the shortest answer of a handshake counts, because a busy machine is late with some', () => {
  let now = 0;
  const { read, shortestMs } = timeHandshake(() => now);
  expect(shortestMs()).toBe(Number.POSITIVE_INFINITY);
  const says = (at: number, line: string) => {
    now = at;
    read(line);
  };
  says(0, 'Outbound: Sending KEXECDH_INIT');
  says(80, 'Received DH Reply');
  says(90, 'Outbound: Sending SERVICE_REQUEST (ssh-userauth)');
  says(91, 'Inbound: Received EXT_INFO');
  says(94, 'Inbound: Received SERVICE_ACCEPT (ssh-userauth)');
  says(100, 'Outbound: Sending USERAUTH_REQUEST (publickey -- check)');
  says(160, 'Inbound: Received USERAUTH_PK_OK');
  expect(shortestMs()).toBe(4);
});
