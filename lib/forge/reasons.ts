/** What was observed, and one thing to do about it. */
export type Reason = readonly [why: string, remedy: string];

/** An answer of a forge that is none of those expected. */
export interface Refusal {
  status: number;
  location: string;
  retryAfterSeconds: number | undefined;
  /** Whether it says that the requests of this hour are used up. */
  isLimited: boolean;
}

/** The reason of a refusal; `known` has those that an operation knows better than the status alone says. */
export function reasonOf(refusal: Refusal, known: Readonly<Record<number, Reason>> = {}): Reason {
  const { status, location, isLimited, retryAfterSeconds } = refusal;
  if (status === 429 || isLimited) {
    const when = retryAfterSeconds === undefined ? 'later' : `in ${retryAfterSeconds} s`;
    return [`the forge is limiting the rate of requests (${status}).`, `re-run the job ${when}.`];
  }
  const reason = known[status] ?? REASONS[status];
  if (reason) return reason;
  if (status >= 300 && status < 400)
    return [
      `the forge redirects to ${location || 'another address'} (${status}), where no token is sent.`,
      'set `repository` to its new address.',
    ];
  if (status >= 500)
    return known[500] ?? [`the forge failed (${status}).`, 'read its answer below, then re-run the job.'];
  if (status < 300)
    return [
      `the answer (${status}) is not JSON; a proxy may have answered instead of the forge.`,
      'check the address, and any proxy in front of it.',
    ];
  return [`the forge refused the request (${status}).`, 'read its answer below.'];
}

const REASONS: Readonly<Record<number, Reason>> = {
  401: ['the token is refused (401).', 'create a new token, and store it as the secret that `token` uses.'],
  403: [
    'the token lacks permission (403).',
    "set `token` to that of a user with write access (scope write:repository); the run's automatic token is limited to its own repository.",
  ],
  404: [
    'not found, or not visible to this token (404).',
    "correct the name, or set another `token`: the run's automatic token is limited to its own repository.",
  ],
};

const CERTIFICATE =
  'if the forge has its own certificate authority, give the file of it to Node.js in the runner (NODE_EXTRA_CA_CERTS); otherwise renew the certificate there.';

/** Codes of Node.js and OpenSSL for a connection that failed. */
const CONNECTION: Readonly<Record<string, Reason>> = {
  ENOTFOUND: ['no such host is known.', 'check the name in the address, and the DNS of the runner.'],
  EAI_AGAIN: ['the name of the host could not be resolved.', 'check the DNS of the runner, then re-run the job.'],
  ECONNREFUSED: ['nothing listens at that address.', 'check the address and its port, and that the forge is running.'],
  CERT_HAS_EXPIRED: ['its certificate has expired.', 'renew the certificate there.'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet.', 'check the clock of the runner and of the forge.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another host name.',
    'give the address with the name that is in the certificate.',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed.', CERTIFICATE],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate comes from an authority that the runner does not know.', CERTIFICATE],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'its certificate comes from an authority that the runner does not know.',
    CERTIFICATE,
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'its certificate comes without those in between it and an authority that the runner knows.',
    CERTIFICATE,
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'it does not answer in TLS: that port speaks http, or another protocol.',
    'check the port, and whether the address is one with http: or https:.',
  ],
};

/** Why a forge could not be asked at all. */
export function unreachableReason(error: unknown, limitSeconds: number): Reason {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const again = 'check the address and the network, then re-run the job.';
  if (name === 'TimeoutError') return [`the forge did not answer within ${limitSeconds} s.`, again];
  const [why, remedy] = CONNECTION[cause?.code ?? ''] ?? [];
  if (why && remedy) return [`the forge can't be reached: ${why.replace(/\.$/, '')} (${cause?.code}).`, remedy];
  return [`the forge can't be reached: ${cause?.code ?? cause?.message ?? message}.`, again];
}
