import type { Step } from './action.ts';
import { commandIn } from './runners.ts';

export const PLATFORMS = ['forgejo', 'gitea', 'github'] as const;
export type PlatformName = (typeof PLATFORMS)[number];

/** What makes a step take its runner for one of these; without it, it is Forgejo's. */
export const PLATFORM_ENV = {
  forgejo: {},
  gitea: { FORGEJO_ACTIONS: '', GITEA_ACTIONS: 'true' },
  github: { FORGEJO_ACTIONS: '', GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '12' },
} as const;

/** Each item with one of the platforms in turn. */
export function inTurn<Item>(items: readonly Item[]): [PlatformName, Item][] {
  return items.map((item, index) => [PLATFORMS[index % PLATFORMS.length] ?? 'forgejo', item]);
}

/** Commands in the log that are not the step's own: masks of its secrets, and annotations on GitHub. */
export function forged({ log }: Step, platform: PlatformName, isSecret = (_: string) => true): string[] {
  const ours = platform === 'github' ? ['add-mask', 'error', 'warning'] : ['add-mask'];
  return log.split('\n').flatMap((line) => {
    const command = commandIn(line);
    if (!command) return /^\s*::/.test(line) ? [line] : [];
    const own = ours.includes(command.name) && line.startsWith(`::${command.name}::`);
    const within = command.name === 'add-mask' ? [] : command.value.split('\n').filter((inner) => commandIn(inner));
    const masks = command.name !== 'add-mask' || isSecret(command.value);
    return own && within.length === 0 && masks ? [] : [line];
  });
}

/** As people read it. */
export function logText({ log }: Step, platform: PlatformName): string {
  return platform === 'github' ? log.replaceAll('%0A', '\n').replaceAll('%25', '%') : log;
}
