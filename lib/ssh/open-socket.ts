import { lookup } from 'node:dns/promises';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import type { Target } from './target.ts';

type Address = { address: string; family: number };

/** Opens a TCP connection to a target: its addresses one after the other, each with a fair part of the limit. */
export async function openSocket(target: Target): Promise<Socket> {
  const { host, port, addressFamily, bindAddress, connectTimeoutSeconds } = target;
  const limitMs = connectTimeoutSeconds * 1000;
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { level: 'client-timeout' })), limitMs);
  });
  const opened = async () => {
    const addresses = await lookup(host, { all: true, family: addressFamily });
    socket = connectTcp({
      host,
      port,
      // Nagle's delay would hold back the rest of each packet of the handshake until the server acknowledges its beginning.
      noDelay: true,
      lookup: answerWith(addresses),
      ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
      autoSelectFamily: addresses.length > 1,
      autoSelectFamilyAttemptTimeout: Math.max(10, Math.floor(limitMs / addresses.length)),
    });
    const connecting = socket;
    await new Promise<void>((resolve, reject) => {
      connecting.once('connect', resolve).once('error', (error) => reject(mostTelling(error)));
    });
    return connecting;
  };
  const opening = opened();
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    opening.catch(() => undefined);
    socket?.on('error', () => undefined).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function answerWith(addresses: Address[]): LookupFunction {
  return (_, options, done) => {
    if (options.all) done(null, addresses);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
}

/** Of the failures of several addresses the one that came nearest to an answer. */
function mostTelling(error: Error): Error {
  const errors = error instanceof AggregateError ? (error.errors as (Error & { code?: string })[]) : [];
  for (const code of ['ECONNREFUSED', 'ETIMEDOUT']) for (const one of errors) if (one.code === code) return one;
  return errors[0] ?? error;
}
