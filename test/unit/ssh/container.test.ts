import { expect, test } from 'vitest';
import { containerName, parseContainer } from '../../../lib/ssh/container.ts';

test.each([
  ['lxd:alm-ci', { kind: 'lxd', name: 'alm-ci' }],
  ['docker:app_1.web', { kind: 'docker', name: 'app_1.web' }],
  ['podman:x', { kind: 'podman', name: 'x' }],
  ['incus:a', { kind: 'incus', name: 'a' }],
  ['incus:prod/web', { kind: 'incus', project: 'prod', name: 'web' }],
  ['incus:far:web', { kind: 'incus', remote: 'far', name: 'web' }],
  ['incus:far:user-1000/web', { kind: 'incus', remote: 'far', project: 'user-1000', name: 'web' }],
  ['lxd:far.example.org:prod/web', { kind: 'lxd', remote: 'far.example.org', project: 'prod', name: 'web' }],
])('%j is a container, and is shown as it was written', (written, container) => {
  expect(parseContainer(` ${written} `)).toEqual(container);
  expect(containerName(parseContainer(written) ?? { kind: 'lxd', name: '' })).toBe(written);
});

test.each([
  ...['', 'lxd', 'lxd:', 'lxc:a', 'lxd:-T', 'lxd:a b', 'lxd:a;id', 'lxd:a\nb', 'LXD:a', `lxd:${'a'.repeat(129)}`],
  ...['incus:far:', 'incus::a', 'incus:/a', 'incus:prod/', 'incus:a/b/c', 'incus:a:b:c', 'incus:prod/far:a'],
  ...['incus:-p/a', 'incus:--project:a', 'incus:../a', 'incus:a b/c', 'docker:prod/web', 'podman:far:web'],
])('%j is not a container', (written) => {
  expect(parseContainer(written)).toBeUndefined();
});
