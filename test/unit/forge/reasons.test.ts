import { expect, test } from 'vitest';
import { reasonOf, unreachableReason } from '../../../lib/forge/reasons.ts';

const REFUSAL = { status: 403, location: '', retryAfterSeconds: undefined, isLimited: false };

test.each([
  [{}, 'the token lacks permission (403).'],
  [{ isLimited: true }, 'the forge is limiting the rate of requests (403).'],
  [{ status: 429 }, 'the forge is limiting the rate of requests (429).'],
  [
    { status: 301, location: 'https://x.example' },
    'the forge redirects to https://x.example (301), where no token is sent.',
  ],
  [{ status: 304 }, 'the forge redirects to another address (304), where no token is sent.'],
  [{ status: 503 }, 'the forge failed (503).'],
  [{ status: 200 }, 'the answer (200) is not JSON; a proxy may have answered instead of the forge.'],
  [{ status: 451 }, 'the forge refused the request (451).'],
])('%j: %s', (refusal, why) => {
  expect(reasonOf({ ...REFUSAL, ...refusal })[0]).toBe(why);
});

test('an operation knows some refusals better, but not a limit of requests', () => {
  const known = { 403: ['because', 'do'], 500: ['failed', 'do'] } as const;
  expect(reasonOf(REFUSAL, known)[0]).toBe('because');
  expect(reasonOf({ ...REFUSAL, status: 502 }, known)[0]).toBe('failed');
  expect(reasonOf({ ...REFUSAL, isLimited: true, retryAfterSeconds: 5 }, known)[1]).toBe('re-run the job in 5 s.');
});

test.each([
  [new DOMException('x', 'TimeoutError'), 'the forge did not answer within 30 s.'],
  [failed({ code: 'ENOTFOUND' }), "the forge can't be reached: no such host is known (ENOTFOUND)."],
  [failed({ code: 'CERT_HAS_EXPIRED' }), "the forge can't be reached: its certificate has expired (CERT_HAS_EXPIRED)."],
  [failed({ code: 'EPROTO' }), "the forge can't be reached: EPROTO."],
  [failed({ message: 'other side closed' }), "the forge can't be reached: other side closed."],
  [new Error('its answer is longer than 8 bytes'), "the forge can't be reached: its answer is longer than 8 bytes."],
])('a forge that could not be asked: %s', (error, why) => {
  expect(unreachableReason(error, 30)[0]).toBe(why);
});

function failed(cause: { code?: string; message?: string }): Error {
  return new TypeError('fetch failed', { cause });
}
