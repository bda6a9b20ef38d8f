import { shownUrl } from '../../lib/secrets.ts';
import { sameCapabilities, short } from '../../lib/values.ts';
import type { VerifyInputs } from './inputs.ts';
import type { Found } from './inspect.ts';

/** One expectation: what, expected, found, and whether it holds. A check that could not be made does not hold. */
export interface Check {
  name: string;
  expected: string;
  found: string;
  ok: boolean;
}

/** What a Date can hold. */
const LATEST_SECONDS = 8.64e12;
const UNSEARCHED = 'not searched: grep (-a -o -F -f) or awk failed on the target';

/** Pure: what is expected and what was found give one line per expectation; none hides another. */
export function verdict(inputs: VerifyInputs, expectedSha256: string | undefined, found: Found): Check[] {
  if (found.otherKernel) {
    return [check('system', 'Linux', `${found.otherKernel}; only Linux is supported`, false)];
  }
  return [
    ...fileChecks(inputs, found, expectedSha256),
    ...stringChecks(inputs, found),
    ...runningChecks(inputs, found),
    ...serviceChecks(inputs, found),
    ...portChecks(inputs, found),
    ...healthChecks(inputs, found),
    ...stableChecks(inputs, found),
    ...logChecks(inputs, found),
    ...deployChecks(found),
  ];
}

function check(name: string, expected: string, found: string, ok: boolean): Check {
  return { name, expected, found, ok };
}

/** Why this account could not inspect something, and what would allow it. */
function blind({ user, sudoError, sudoRemedy }: Found): string {
  if (user === 'root') return "can't be inspected as root: start the container with `--cap-add SYS_PTRACE`";
  const sudo =
    sudoError === undefined
      ? 'allow sudo (`sudo: auto`)'
      : `allow sudo without a password (${sudoError}${sudoRemedy ? `; ${sudoRemedy}` : ''})`;
  return `can't be inspected as ${user}: ${sudo}, or log in as root or as its account`;
}

function fileChecks(inputs: VerifyInputs, found: Found, expectedSha256: string | undefined): Check[] {
  const { file, fileProblem } = found;
  if (!file) {
    const seen = found.unreadable ? blind(found) : (fileProblem ?? 'nothing');
    return [check('file', 'a regular file', seen, false)];
  }
  const list = [check('file', 'a regular file', `${file.bytes} bytes`, true)];
  if (expectedSha256) {
    const seen = found.unreadable ? blind(found) : short(found.sha256);
    list.push(check('sha256', short(expectedSha256), seen, found.sha256 === expectedSha256));
  }
  if (inputs.owner) {
    // Each half may be a name or a number.
    const [names, ids] = [file.owner.split(':'), file.ids.split(':')];
    const holds = inputs.owner.split(':').every((half, index) => half === names[index] || half === ids[index]);
    list.push(check('owner', inputs.owner, file.owner, holds));
  }
  if (inputs.mode) list.push(check('mode', inputs.mode, file.mode, file.mode === inputs.mode));
  if (inputs.capabilities !== undefined) {
    const { capabilities } = found;
    const holds = capabilities !== undefined && sameCapabilities(inputs.capabilities, capabilities);
    list.push(
      check(
        'capabilities',
        inputs.capabilities,
        capabilities === undefined ? 'unknown: install getcap (libcap) on the target' : capabilities || 'none',
        holds,
      ),
    );
  }
  if (inputs.modifiedAfter !== undefined) {
    list.push(
      check('modified-after', time(inputs.modifiedAfter), time(file.modified), file.modified > inputs.modifiedAfter),
    );
  }
  return list;
}

function stringChecks({ strings, absentStrings }: VerifyInputs, found: Found): Check[] {
  const list: Check[] = [];
  const unmade = whyNotSearched(found);
  if (strings.length > 0) {
    const missing = strings.filter((text) => !found.strings.has(text));
    const seen = unmade ?? (missing.length > 0 ? `missing: ${missing.join(' · ')}` : 'all');
    list.push(check('strings', `all ${strings.length}`, seen, unmade === undefined && missing.length === 0));
  }
  if (absentStrings.length > 0) {
    const present = absentStrings.filter((text) => found.strings.has(text));
    const seen = unmade ?? (present.length > 0 ? `present: ${present.join(' · ')}` : 'none');
    list.push(
      check('absent-strings', `none of ${absentStrings.length}`, seen, unmade === undefined && present.length === 0),
    );
  }
  return list;
}

function whyNotSearched(found: Found): string | undefined {
  if (found.unreadable) return blind(found);
  if (!found.file) return 'not searched: there is no file';
  return found.searchFailed ? UNSEARCHED : undefined;
}

function runningChecks(inputs: VerifyInputs, found: Found): Check[] {
  const { processes, strangers, unseen, hidden } = found;
  const hiding = hidden ? `processes of other accounts are hidden (hidepid) and ${blind(found)}` : undefined;
  const maybe = unseen ? `pid ${unseen} may be running it, but ${blind(found)}` : hiding;
  if (inputs.running === 'any') return [];
  if (inputs.running === 'no') {
    const all = [...processes, ...strangers];
    const seen = all.length > 0 ? pids(all) : (maybe ?? 'no process');
    return [check('running', 'no process', seen, all.length === 0 && !unseen && !hidden)];
  }
  const stale = processes.find(({ live, sha256 }) => !live && sha256 !== found.sha256);
  const replaced = processes.find(({ live }) => !live);
  const seen = stale
    ? `pid ${stale.pid} runs ${stale.sha256 ? short(stale.sha256) : 'a deleted image'}, the file is ${short(found.sha256) || 'gone'}`
    : replaced
      ? `pid ${replaced.pid} runs a deleted image with the same sha256 ${short(replaced.sha256)}`
      : processes.length > 0
        ? pids(processes)
        : strangers.length > 0
          ? `only ${pids(strangers)}, which is neither its owner nor root; set \`run-as\` if the program runs as that account`
          : (maybe ?? 'no process runs it');
  const list = [
    check(
      'running',
      `a process that runs this file${found.sha256 ? ` (${short(found.sha256)})` : ''}`,
      seen,
      processes.length > 0 && !replaced,
    ),
  ];
  if (inputs.runAs) {
    const started = processes.filter(({ worker }) => !worker);
    const others = started.filter(({ user, uid }) => user !== inputs.runAs && uid !== inputs.runAs);
    const users = [...new Set(started.map(({ user }) => user))].join(', ') || 'no process';
    list.push(check('run-as', inputs.runAs, users, started.length > 0 && others.length === 0));
  }
  if (inputs.startedAfter !== undefined) {
    const first = Math.min(...processes.map(({ started }) => started));
    list.push(
      check(
        'started-after',
        time(inputs.startedAfter),
        processes.length > 0 ? time(first) : 'no process',
        processes.length > 0 && first > inputs.startedAfter,
      ),
    );
  }
  return list;
}

function pids(processes: readonly { pid: number; user: string }[]): string {
  return processes.map(({ pid, user }) => `pid ${pid} (${user})`).join(', ');
}

function serviceChecks({ service }: VerifyInputs, found: Found): Check[] {
  if (!service) return [];
  const expected = `${service} runs it`;
  if (!found.service)
    return [
      check('service', expected, `could not be queried: ${found.serviceError ?? 'systemd does not answer'}`, false),
    ];
  const { load, active, sub, main = '0', result, restarts, pids: listed = '' } = found.service;
  if (load !== 'loaded') return [check('service', expected, `the unit is ${load}`, false)];
  const managed = listed.split(',');
  const own = found.processes.some(({ pid }) => String(pid) === main || managed.includes(String(pid)));
  const seen = `${active} (${sub}), main pid ${main}, ${restarts} restarts${active === 'failed' ? `, ${result}` : ''}${own ? '' : '; none of its processes runs the file'}`;
  return [check('service', expected, seen, own && active === 'active')];
}

function portChecks({ listenPort }: VerifyInputs, found: Found): Check[] {
  if (listenPort === undefined) return [];
  const [seen = 'closed'] = found.port;
  const words: Record<string, string> = {
    ours: 'it listens',
    closed: 'nothing listens',
    unseen: `port is in use; its owner ${blind(found)}`,
  };
  return [
    check(
      'port',
      `the process listens on ${listenPort}`,
      (Object.hasOwn(words, seen) && words[seen]) || found.port.join(', '),
      seen === 'ours',
    ),
  ];
}

function healthChecks({ health }: VerifyInputs, found: Found): Check[] {
  if (!health.url) return [];
  const expected = `${shownUrl(health.url)} answers ${health.status}${health.contains ? ` with '${health.contains}'` : ''}`;
  const seen =
    found.health ??
    `not requested: the target has no HTTP client (curl, perl, nc${health.headers[0] ? '' : ' or wget'})`;
  return [check('health', expected, seen, seen.startsWith('ok '))];
}

function stableChecks({ stableSeconds, running }: VerifyInputs, found: Found): Check[] {
  if (stableSeconds === 0 || running === 'no') return [];
  const seen = found.unstable.join(', ') || (found.processes.length > 0 ? 'unchanged' : 'no process runs it');
  return [
    check(
      'stable',
      `the same process for ${stableSeconds} s`,
      seen,
      found.processes.length > 0 && found.unstable.length === 0,
    ),
  ];
}

function logChecks({ logFile, logAbsentStrings }: VerifyInputs, found: Found): Check[] {
  if (!logFile || logAbsentStrings.length === 0) return [];
  const known = found.log?.startsWith('from yes');
  const expected = `none of ${logAbsentStrings.length} texts in ${logFile} ${known ? 'since the start' : '(whole file: the start of this run was not recorded)'}`;
  if (found.log === 'missing') return [check('log', expected, 'the file does not exist', false)];
  if (found.log === 'unreadable') {
    const unread = `not readable by ${found.logReader}, the account of the program`;
    return [check('log', expected, found.user === 'root' ? unread : blind(found), false)];
  }
  if (found.log?.startsWith('is a ')) return [check('log', expected, `it ${found.log}, not a regular file`, false)];
  if (found.log === 'unsearched') return [check('log', expected, UNSEARCHED, false)];
  return [check('log', expected, found.logLines ?? 'none', found.logLines === undefined)];
}

function deployChecks(found: Found): Check[] {
  const result = (seen: string, ok = false) => [check('deploy', 'no unfinished deploy', seen, ok)];
  if (found.stateUnreadable) return result(blind(found));
  if (found.stateRefused !== undefined) return result(found.stateRefused);
  if (found.deploying !== undefined) return result(`in progress: ${found.deploying}`);
  if (!found.unfinished)
    return result(found.history ? `last deploy: ${found.history.replace(/\b[0-9a-f]{64}\b/g, short)}` : 'none', true);
  const { phase, run } = found.unfinished;
  return result(`${run} was interrupted during \`${phase}\`; re-run deploy-binary`);
}

function time(epochSeconds: number): string {
  // A target may answer any number.
  if (!(Math.abs(epochSeconds) <= LATEST_SECONDS)) return 'an unknown time';
  return new Date(epochSeconds * 1000).toISOString().replace('.000', '');
}
