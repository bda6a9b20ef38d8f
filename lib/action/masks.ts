import { STATES } from '../errors.ts';

const SHORTEST_SECRET_CHARACTERS = 4;
const SHORTEST_VALUE_CHARACTERS = 8;

/** What people write as a value that is no secret; masked, it would make every log unreadable and cost GitHub's outputs. */
const COMMON_WORDS = new Set<string>([
  ...STATES,
  ...[
    'database',
    'debugging',
    'development',
    'disabled',
    'external',
    'hostname',
    'information',
    'internal',
    'localhost',
  ],
  ...['optional', 'password', 'postgres', 'postgresql', 'production', 'rabbitmq', 'readonly', 'required', 'standalone'],
  ...['standard', 'undefined', 'unlimited', 'username', 'warnings'],
]);

/**
 * The lines of a secret that a runner can hide: its masks are literal and cover one line. A line of fewer than 4 characters is in
 * every second word, and one with control characters is never printed as it is.
 */
export function hideableLines(secret: string): string[] {
  return secret
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_SECRET_CHARACTERS && !line.startsWith('-----') && !/\p{Cc}/u.test(line));
}

/** Whether a value that may be anything is worth a mask: at least 8 characters, and neither a number nor a common word. */
export function isWorthHiding(value: string): boolean {
  return (
    value.length >= SHORTEST_VALUE_CHARACTERS && !/^[\d.,:+-]+$/.test(value) && !COMMON_WORDS.has(value.toLowerCase())
  );
}
