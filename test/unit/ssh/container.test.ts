import { expect, test } from 'vitest';
import { parseContainer } from '../../../lib/ssh/container.ts';

test.each([
  ['lxd:alm-ci', { kind: 'lxd', name: 'alm-ci' }],
  ['docker:app_1.web', { kind: 'docker', name: 'app_1.web' }],
  [' podman:x ', { kind: 'podman', name: 'x' }],
  ['incus:a', { kind: 'incus', name: 'a' }],
])('%j is a container', (written, container) => {
  expect(parseContainer(written)).toEqual(container);
});

test.each(['', 'lxd', 'lxd:', 'lxc:a', 'lxd:-T', 'lxd:a b', 'lxd:a;id', 'lxd:a\nb', 'LXD:a', `lxd:${'a'.repeat(129)}`])(
  '%j is none',
  (written) => {
    expect(parseContainer(written)).toBeUndefined();
  },
);
