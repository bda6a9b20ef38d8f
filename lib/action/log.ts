import { EOL } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Platform } from './run.ts';

/** The job's log: plain lines, whatever the platform makes of them. */
export interface Log {
  line(text: string): void;
  /** A line that tells a phase, with the time since the step began. */
  phase(name: string, text: string): void;
  /** A line that must be seen though the step goes on. */
  warning(text: string): void;
  /** The last words of a red step. */
  failure(text: string): void;
  /** Hides `secret` in everything the job prints from now on. */
  mask(secret: string | undefined): void;
  /** Waits until all is written; before a red end also until the runner has read it. */
  drain(red: boolean): Promise<void>;
}

/** The same log, each line headed by whom it is about, for several at once. */
export function prefixed(log: Log, name: string): Log {
  const each = (text: string) =>
    text
      .split('\n')
      .map((line) => `${name} | ${line}`)
      .join('\n');
  return {
    ...log,
    line: (text) => log.line(each(text)),
    phase: (phase, text) => log.phase(phase, `${name} | ${text}`),
    warning: (text) => log.warning(each(text)),
  };
}

const SHORTEST_MASK_CHARACTERS = 4;

/** Opens the log of this step on standard output. */
export function openLog(platform: Platform): Log {
  const write = (text: string) => void process.stdout.write(`${text}${EOL}`);
  // Forgejo and Gitea show workflow commands undecoded, and an error twice.
  const annotated = (kind: string, text: string) =>
    platform === 'github' ? `::${kind}::${escapeCommand(text)}` : `${kind === 'error' ? 'Error' : 'Warning'}: ${text}`;
  const startedAt = performance.now();
  const masked = new Set<string>();
  return {
    line: write,
    phase: (name, text) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      write(`[${seconds.padStart(5)} s] ${name.padEnd(15)} ${text}`);
    },
    warning: (text) => write(annotated('warning', text)),
    failure: (text) => write(annotated('error', text)),
    mask: (secret) => {
      for (const line of maskable(secret ?? '').filter((line) => !masked.has(line))) {
        masked.add(line);
        write(`::add-mask::${platform === 'github' ? escapeCommand(line) : line}`);
      }
    },
    drain: async (red) => {
      await new Promise((written) => process.stdout.write('', written));
      // A step that fails fast after much output lost its last 30 lines on the Forgejo runner; this cures it.
      if (red) await sleep(500);
    },
  };
}

/** The lines of a secret that a runner can hide: its masks are literal and cover one line. */
function maskable(secret: string): string[] {
  return secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_MASK_CHARACTERS && !line.startsWith('-----'));
}

function escapeCommand(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
