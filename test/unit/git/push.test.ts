import { expect, test } from 'vitest';
import { judgePush } from '../../../lib/git/push.ts';

test.each([
  ['!\tmain:main\t[rejected] (stale info)', 'lost race'],
  ["!\tmain:main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at a but expected b)", 'lost race'],
  ['!\tmain:main\t[remote rejected] (failed to update ref)', 'lost race'],
  ['!\tmain:main\t[remote rejected] (pre-receive hook declined)', 'refused'],
  ['fatal: Authentication failed for https://git.example.org/', 'refused'],
  ['error: The requested URL returned error: 403', 'refused'],
  ['error: The requested URL returned error: 429', 'unclear'],
  ['fatal: the remote end hung up unexpectedly', 'unclear'],
  ['error: RPC failed; curl 56 Recv failure: Connection reset by peer', 'unclear'],
  ['error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502', 'unclear'],
])('git that says "%s" means: %s', (err, verdict) => {
  expect(
    judgePush(err.startsWith('!') ? { code: 1, out: err, err: '', args: [] } : { code: 1, out: '', err, args: [] }),
  ).toBe(verdict);
});
