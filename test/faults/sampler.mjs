import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

// Prints, one JSON a line, every process whose words or environment hold something that looks like a secret of these runs;
// until its standard input ends.
const LOOKS_SECRET = /fdt-secret-|PRIVATE KEY/;
const PAUSE_MS = 3;

const seen = new Set();
/** The words of each process as last seen: an environment comes with a program, and so do new words. */
let known = new Map();
process.stdin.on('end', () => process.exit(0)).resume();
look();

function look() {
  const now = new Map();
  for (const pid of readdirSync('/proc')) {
    if (/^\d+$/.test(pid)) now.set(pid, lookAt(pid));
  }
  known = now;
  setTimeout(look, PAUSE_MS);
}

function lookAt(pid) {
  const words = textOf(`/proc/${pid}/cmdline`);
  // The kernel's own have none.
  if (words === '' || known.get(pid) === words) return words;
  const environment = textOf(`/proc/${pid}/environ`);
  const program = linkOf(`/proc/${pid}/exe`);
  tell({ pid, where: 'words', text: words, words, program });
  // Else it has become another program between two of these reads, and is told by the next look.
  if (textOf(`/proc/${pid}/cmdline`) === words) tell({ pid, where: 'environment', text: environment, words, program });
  return words;
}

function tell({ pid, where, text, words, program }) {
  if (!LOOKS_SECRET.test(text)) return;
  const key = [pid, where, program, words].join('\0');
  if (seen.has(key)) return;
  seen.add(key);
  const told = { where, pid: Number(pid), program, words: words.replaceAll('\0', ' ').slice(0, 300), text };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
