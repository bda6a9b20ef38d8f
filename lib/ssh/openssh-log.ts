/** One host on the way, the target last, as far as ssh got with it. */
export interface SshStage {
  host: string;
  port: number;
  user: string;
  /** `ssh-ed25519 SHA256:…` of the host key that was offered. */
  hostKey: string | undefined;
  /** Labels of the keys that were offered, in order. */
  offered: string[];
  /** The last one that the server accepted, and its fingerprint. */
  accepted: { label: string; fingerprint: string } | undefined;
  /** Methods that the server would take, as it said last. */
  methods: string[];
  partial: boolean;
  isIn: boolean;
}

/** What ssh reported of a connection. */
export interface SshLog {
  stages: SshStage[];
  /** What was connected to last: by ssh itself, or by that of a hop. */
  address: { ip: string; port: number } | undefined;
  /** Whether something stands between ssh and the target. */
  isProxied: boolean;
  isAlmostReady: boolean;
  /** Commands can be run through it. */
  isReady: boolean;
  /** `[host]:port (ED25519)` of keys that were new and are remembered. */
  newKeys: string[];
  /** The shortest time between a question and its answer. */
  shortestMs: number;
  /** Its sentences, without what it reports at LogLevel DEBUG1. */
  sentences: string[];
}

const SENTENCES_AT_MOST = 60;
const LINE_CHARACTERS_AT_MOST = 2000;

/** Reads standard error of ssh at LogLevel DEBUG1. */
export function readSshLog(now: () => number = () => performance.now()): { push(text: string): void; log: SshLog } {
  const log: SshLog = {
    stages: [],
    address: undefined,
    isProxied: false,
    isAlmostReady: false,
    isReady: false,
    newKeys: [],
    shortestMs: Number.POSITIVE_INFINITY,
    sentences: [],
  };
  let rest = '';
  let askedAt: number | undefined;
  const read = (line: string) => {
    if (askedAt !== undefined && ANSWERS.test(line)) {
      log.shortestMs = Math.min(log.shortestMs, now() - askedAt);
      askedAt = undefined;
    }
    if (ASKS.test(line)) askedAt = now();
    for (const [pattern, take] of LINES) {
      const found = pattern.exec(line);
      if (found)
        take(
          log,
          found.slice(1).map((part) => part ?? ''),
        );
    }
    if (line === '' || /^debug1: |^OpenSSH_|^Authenticated to /.test(line)) return;
    log.sentences = [...log.sentences, line].slice(-SENTENCES_AT_MOST);
  };
  return {
    log,
    push: (text) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, LINE_CHARACTERS_AT_MOST);
      for (const line of lines) read(line.replace(/\r$/, '').slice(0, LINE_CHARACTERS_AT_MOST));
    },
  };
}

/** After these lines ssh asks the server something, and these report the answer. */
const ASKS =
  /^debug1: (expecting SSH2_MSG_KEX\w+_REPLY|SSH2_MSG_(NEWKEYS|SERVICE_ACCEPT) received|Offering public key: .*)$/;
const ANSWERS =
  /^debug1: (SSH2_MSG_(KEX\w+_REPLY|SERVICE_ACCEPT) received|Server accepts key: .*|Authentications that can continue: .*)$/;

const LINES: readonly [pattern: RegExp, take: (log: SshLog, parts: string[]) => void][] = [
  [
    /^debug1: Connecting to \S+ \[([^\]]+)\] port (\d+)\.$/,
    (log, [ip = '', port]) => {
      log.address = { ip, port: Number(port) };
    },
  ],
  [
    /^debug1: Executing proxy command: /,
    (log) => {
      log.isProxied = true;
    },
  ],
  [
    /^debug1: Authenticating to (\S+):(\d+) as '(.*)'$/,
    ({ stages }, [host = '', port, user = '']) => {
      const nothing = {
        hostKey: undefined,
        offered: [],
        accepted: undefined,
        methods: [],
        partial: false,
        isIn: false,
      };
      stages.push({ host, port: Number(port), user, ...nothing });
    },
  ],
  [
    /^debug1: Server host (?:key|certificate): (\S+ SHA256:\S+)/,
    ({ stages }, [key]) => {
      const stage = stages.at(-1);
      if (stage) stage.hostKey = key;
    },
  ],
  [
    /^debug1: Offering public key: (.*)$/,
    ({ stages }, [key = '']) => {
      stages.at(-1)?.offered.push(keyOf(key).label);
    },
  ],
  [
    /^debug1: Server accepts key: (.*)$/,
    ({ stages }, [key = '']) => {
      const stage = stages.at(-1);
      if (stage) stage.accepted = keyOf(key);
    },
  ],
  [
    /^debug1: Authentications that can continue: (.*)$/,
    ({ stages }, [methods = '']) => {
      const stage = stages.at(-1);
      if (stage) stage.methods = methods.split(',');
    },
  ],
  [
    /^Authenticated using "[^"]*" with partial success\.$/,
    ({ stages }) => {
      const stage = stages.at(-1);
      if (stage) stage.partial = true;
    },
  ],
  [
    /^Warning: Permanently added '?([^' ]+)'?(.*) to the list of known hosts\.$/,
    ({ newKeys }, [name = '', type = '']) => {
      newKeys.push(`${name}${type}`);
    },
  ],
  [
    /^Authenticated to /,
    ({ stages }) => {
      const stage = stages.at(-1);
      if (stage) stage.isIn = true;
    },
  ],
  [
    // The ssh of a hop sets up none.
    /^debug1: setting up multiplex master socket$/,
    (log) => {
      log.isAlmostReady = true;
    },
  ],
  [
    /^debug1: Entering interactive session\.$/,
    (log) => {
      log.isReady = log.isAlmostReady;
    },
  ],
];

/** `/home/ada/.ssh/id ED25519 SHA256:… explicit agent`, as ssh names a key. */
function keyOf(text: string): { label: string; fingerprint: string } {
  const [, label = text, type = '', fingerprint = ''] =
    /^(.*) (\S+) (SHA256:\S+)(?: explicit| token| authenticator| agent)*$/.exec(text) ?? [];
  const certificate = type.endsWith('-CERT') ? ' (certificate)' : '';
  return { label: `${label || fingerprint}${certificate}`, fingerprint };
}
