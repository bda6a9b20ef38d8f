import { describe, expect, it } from 'vitest';
import { lockOrder, participants, previousDigests } from '../../../actions/deploy-release/plan.ts';

const needing = (...needs: number[][]) => needs.map((one) => ({ needs: one }));

describe('the parts that take part in a release', () => {
  it.each([
    ['are those that change', needing([], [], []), [true, false, true], [0, 2]],
    ['and those that need one of them', needing([], [0], []), [true, false, false], [0, 1]],
    ['also through another one', needing([], [0], [1]), [true, false, false], [0, 1, 2]],
    ['but none whose needs stay as they are', needing([], [0], []), [false, false, true], [2]],
    ['and none where nothing changes', needing([], [0]), [false, false], []],
  ] as const)('%s', (_, parts, changes, expected) => {
    expect(participants(parts, changes)).toEqual(expected);
  });
});

describe('the order of the locks', () => {
  it('is that of the paths, whatever the order of the parts', () => {
    const paths = ['/opt/b', '/opt/a', '/opt/c'].map((path, index) => ({ index, path }));
    // The second part is the first to lock, then the first, then the third.
    expect(lockOrder(paths)).toEqual([2, undefined, 1]);
    expect(lockOrder(paths.toReversed())).toEqual([3, undefined, 2]);
  });

  it('is the same for two releases that share only some parts', () => {
    const order = (paths: string[]) => {
      const before = lockOrder(paths.map((path, index) => ({ index, path })));
      return paths.map((path, at) => [path, before[at] === undefined ? undefined : paths[(before[at] as number) - 1]]);
    };
    expect(Object.fromEntries(order(['/x/2', '/x/1', '/x/3']))).toMatchObject({ '/x/2': '/x/1', '/x/3': '/x/2' });
    expect(Object.fromEntries(order(['/x/3', '/x/2']))).toMatchObject({ '/x/3': '/x/2' });
  });
});

describe('what the last release has replaced', () => {
  const last = (id: string, seconds: number, sha256?: string) => ({ id, seconds, sha256 });

  it('is the digest before it in the parts that it changed, and the present one in the others', () => {
    const parts = [
      { last: last('r2', 20, 'old-server'), live: 'server' },
      { last: last('r1', 10, 'older-ui'), live: 'ui' },
      { last: last('r2', 21, 'old-worker'), live: 'worker' },
    ];
    expect(previousDigests(parts)).toEqual(['old-server', 'ui', 'old-worker']);
  });

  it('is nothing for a part that was new then, and for all where no release is known', () => {
    expect(previousDigests([{ last: last('r1', 10), live: 'server' }])).toEqual([undefined]);
    expect(previousDigests([{ last: undefined, live: 'server' }])).toEqual([undefined]);
  });
});
