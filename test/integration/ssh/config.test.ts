import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConfigError, resolveConfig } from '../../../lib/ssh/config.ts';
import { configFiles, includedFiles } from '../../../lib/ssh/config-files.ts';
import { resolveTarget } from '../../../lib/ssh/target.ts';
import { TokenError } from '../../../lib/ssh/tokens.ts';
import { pick, type Random, randomOf } from '../../support/random.ts';

const COUNT = 400;
const REFUSALS = /is not supported|are not supported|is not known/;

/** An unknown keyword in a part that does not apply: a newer ssh may know it. */
const ONLY_SSH_REFUSES = /Bad configuration option: fancy/i;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync('/tmp/fdt-config-');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(`${COUNT} generated SSH configs lead where ssh itself goes, as whom it goes, and trust the files that it trusts`, () => {
  const different: unknown[] = [];
  let followed = 0;
  let refused = 0;
  for (let seed = 1; seed <= COUNT; seed += 1) {
    const { config, host, user } = world(seed);
    const asked = sshSays(config, host, user);
    const found = weSay(config, host, user);
    if (typeof found === 'string' && typeof asked !== 'string') {
      // What is not claimed is refused, by its name.
      if (REFUSALS.test(found)) refused += 1;
      else different.push({ seed, found });
    } else if (typeof asked === 'string') {
      if (typeof found !== 'string' && !ONLY_SSH_REFUSES.test(asked)) different.push({ seed, asked });
    } else {
      followed += 1;
      const parts = Object.keys(asked).filter(
        (key) => !isDeepStrictEqual(asked[key as 'port'], (found as Seen)[key as 'port']),
      );
      for (const part of parts)
        different.push({ seed, host, part, asked: asked[part as 'port'], found: (found as Seen)[part as 'port'] });
    }
  }
  expect(different).toEqual([]);
  expect(followed).toBeGreaterThan(COUNT * 0.6);
  expect(refused).toBeGreaterThan(COUNT * 0.02);
}, 180_000);

interface Seen {
  hostname: string;
  port: string;
  user: string;
  identityfile: string[];
  identitiesonly: string;
  identityagent: string;
  proxyjump: string;
  userknownhostsfile: string[];
  globalknownhostsfile: string[];
  hostkeyalias: string;
  stricthostkeychecking: string;
  connecttimeout: string;
  serveraliveinterval: string;
  serveralivecountmax: string;
  addressfamily: string;
  bindaddress: string;
  hashknownhosts: string;
  requiredrsasize: string;
}

/** What `ssh -G` answers, or its complaint. */
function sshSays(config: string, host: string, user: string | undefined): Seen | string {
  const login = user === undefined ? [] : ['-l', user];
  const { stdout, stderr, status } = spawnSync('ssh', ['-G', '-F', config, ...login, '--', host], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, FDT_KEYS: '/keys' },
  });
  if (status !== 0) return stderr.trim() || 'an error';
  const all = stdout
    .trimEnd()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
  const one = (name: string, otherwise = '') => all.find(([key]) => key === name)?.[1] ?? otherwise;
  const identityFiles = all.filter(([key]) => key === 'identityfile').map(([, value]) => value);
  return {
    hostname: one('hostname'),
    port: one('port'),
    user: one('user'),
    // Where none is set it lists the usual ones.
    identityfile: identityFiles.includes('~/.ssh/id_xmss') ? [] : identityFiles,
    identitiesonly: one('identitiesonly'),
    identityagent: one('identityagent'),
    proxyjump: one('proxyjump', 'none'),
    userknownhostsfile: filesIn(one('userknownhostsfile')),
    globalknownhostsfile: filesIn(one('globalknownhostsfile')),
    hostkeyalias: one('hostkeyalias'),
    stricthostkeychecking: { true: 'yes', false: 'no' }[one('stricthostkeychecking')] ?? one('stricthostkeychecking'),
    connecttimeout: one('connecttimeout'),
    serveraliveinterval: one('serveraliveinterval'),
    serveralivecountmax: one('serveralivecountmax'),
    addressfamily: one('addressfamily'),
    bindaddress: one('bindaddress'),
    hashknownhosts: one('hashknownhosts'),
    requiredrsasize: one('requiredrsasize'),
  };
}

/** The one file name with a blank is not quoted there. */
function filesIn(line: string): string[] {
  return line === '/k 1' ? [line] : line.split(' ');
}

/** The same of our own reading, with the words and defaults of `ssh -G`. */
function weSay(config: string, host: string, user: string | undefined): Seen | string {
  const { homedir, username, uid } = userInfo();
  const runner = {
    localUser: username,
    homes: [homedir],
    homeOf: () => undefined,
    hostname: hostname(),
    uid,
    env: (name: string) => ({ FDT_KEYS: '/keys' })[name],
  };
  const inputs = {
    user,
    port: undefined,
    proxyJump: undefined,
    connectTimeoutSeconds: undefined,
    keepaliveSeconds: undefined,
    container: undefined,
  };
  try {
    const read = resolveConfig(configFiles(config, [homedir]), { ...runner, host, user, include: includedFiles });
    const target = resolveTarget({ user: undefined, host, port: undefined }, read, { runner, inputs });
    const named = (files: string[]) => (files.length > 0 ? files : ['none']);
    const given = read.values.get('userknownhostsfile');
    const users = given?.[0]?.toLowerCase() === 'none' ? 0 : (given?.length ?? 2);
    const value = (name: string, otherwise = '') => read.values.get(name)?.[0] ?? otherwise;
    return {
      hostname: target.host,
      port: String(target.port),
      user: target.user,
      identityfile: [...(read.values.get('identityfile') ?? [])],
      identitiesonly: value('identitiesonly', 'no'),
      identityagent: value('identityagent') && (target.agent ?? value('identityagent')),
      proxyjump: target.jumps.join(',') || 'none',
      userknownhostsfile: named(target.knownHostsFiles.slice(0, users)),
      globalknownhostsfile: named(target.knownHostsFiles.slice(users)),
      hostkeyalias: target.hostKeyAlias ?? '',
      stricthostkeychecking: value('stricthostkeychecking', 'ask'),
      connecttimeout: value('connecttimeout', 'none'),
      serveraliveinterval: value('serveraliveinterval', '0'),
      serveralivecountmax: value('serveralivecountmax', '3'),
      addressfamily: { 4: 'inet', 6: 'inet6' }[target.addressFamily as number] ?? 'any',
      bindaddress: target.bindAddress ?? '',
      hashknownhosts: value('hashknownhosts', 'no'),
      requiredrsasize: String(target.rsaBitsAtLeast),
    };
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TokenError) return error.message;
    throw error;
  }
}

const HOSTS = ['web', 'WEB', 'Web-1.example', 'db.internal', '10.1.2.3', '127.1', '2001:DB8::1', 'a.b.c'];
const USERS = [undefined, undefined, 'ada', 'root', 'CORP\\ada'];
const PATTERNS = [
  'web',
  'WEB',
  'web*',
  '*',
  '!web',
  '!WEB',
  '?eb',
  '*.example',
  'db.*',
  '10.1.?.3',
  '!db.internal',
  '[w]eb',
  '"web"',
  'a.b.c,web',
  '127.*',
];
const PREDICATES = [
  'host web',
  'host WEB*,!web-1.example',
  'Host "*.example"',
  'host=web',
  '!host web',
  'originalhost WEB',
  'originalhost web,10.*',
  'user ada',
  'user ADA',
  '!user root',
  'user deploy,ada',
  'localuser root',
  '!localuser r?ot',
  'final',
  'canonical',
  '!canonical',
  'host 192.0.2.*',
  'exec "true"',
  'exec false',
  'host nowhere exec "exit 1"',
];
const SETTINGS: Record<string, string[]> = {
  HostName: [
    '%h.example',
    '192.0.2.7',
    'REAL.Example',
    '127.1',
    '%h',
    '%%h',
    '"quoted.example"',
    '%n',
    '2001:DB8:0:0::1',
  ],
  Port: ['22', '2222', '"2200"', '022', '70000', 'x'],
  User: ['deploy', '"ada lovelace"', 'CORP\\\\ada', "'quoted'", 'a\\ b'],
  IdentityFile: ['~/.ssh/a', '/keys/%h', '"/with blank/key"', 'none', 'relative', '/keys/#1', '/keys/a # comment'],
  IdentitiesOnly: ['yes', 'TRUE', 'no', 'maybe'],
  IdentityAgent: ['none', '/run/agent', 'SSH_AUTH_SOCK', '/run/%u/agent', '$' + '{FDT_KEYS}/agent'],
  ProxyJump: ['none', 'bastion', 'ada@bastion:22,inner', 'bastion # through'],
  ProxyCommand: ['none', 'nc %h %p'],
  UserKnownHostsFile: [
    '/k1',
    '/k1 /k2',
    '~/k',
    '"/k 1"',
    'none',
    '/k/%h-%p-%r-%u-%n-%L-%i-%k',
    '$' + '{FDT_KEYS}/k',
    '/k/%q',
    '/a none',
  ],
  GlobalKnownHostsFile: ['/g', 'none', '/g1 /g2'],
  HostKeyAlias: ['alias', 'ALIAS'],
  StrictHostKeyChecking: ['yes', 'accept-new', 'no', 'off', 'ask', 'TRUE'],
  ConnectTimeout: ['10', '1m', '1m30', 'none', '2h1s', 'soon'],
  ServerAliveInterval: ['5', '1M', '0'],
  ServerAliveCountMax: ['2', '7'],
  AddressFamily: ['inet', 'INET6', 'any'],
  BindAddress: ['127.0.0.1'],
  HashKnownHosts: ['yes', 'no'],
  RequiredRSASize: ['2048'],
  CanonicalizeHostname: ['no', 'no # x', 'yes'],
  RevokedHostKeys: ['none', '/revoked'],
  CheckHostIP: ['no', 'yes'],
  KnownHostsCommand: ['none', '/bin/true'],
  // Without effect on where we go.
  Compression: ['yes'],
  ForwardAgent: ['no'],
  SendEnv: ['LANG LC_*'],
  LocalForward: ['8080 localhost:80'],
  ControlPath: ['~/.ssh/%C'],
  LogLevel: ['ERROR'],
  Ciphers: ['aes128-ctr'],
  Fancy: ['x'],
};
const RARE = ['Fancy', 'ProxyCommand', 'CanonicalizeHostname', 'RevokedHostKeys', 'CheckHostIP', 'KnownHostsCommand'];

/** A config file with others that it includes, and whom to ask for. */
function world(seed: number) {
  const random = randomOf(seed);
  const place = `${folder}/${seed}`;
  mkdirSync(`${place}/conf.d`, { recursive: true });
  for (const name of ['a1.conf', 'b2.conf', 'c3.conf', 'B9.conf', '.hidden.conf', 'a-b.conf'])
    if (random() < 0.5) writeFileSync(`${place}/conf.d/${name}`, text(random, undefined));
  writeFileSync(`${place}/config`, text(random, place), { mode: 0o600 });
  return { config: `${place}/config`, host: pick(random, HOSTS), user: pick(random, USERS) };
}

function text(random: Random, place: string | undefined): string {
  const lines = Array.from({ length: 3 + Math.floor(random() * 10) }, () => line(random, place));
  return `${lines.join(random() < 0.1 ? '\r\n' : '\n')}${random() < 0.8 ? '\n' : ''}`;
}

function line(random: Random, place: string | undefined): string {
  const chance = random();
  const indent = pick(random, ['', '  ', '\t']);
  if (chance < 0.18) return `${spelled(random, 'Host')} ${several(random, PATTERNS, 3).join(' ')}`;
  if (chance < 0.32)
    return `${spelled(random, 'Match')} ${random() < 0.1 ? 'all' : several(random, PREDICATES, 2).join(' ')}`;
  if (chance < 0.4 && place) return `${indent}Include ${pick(random, globs(place))}`;
  if (chance < 0.43) return pick(random, ['', '# a comment', '   ', '#Host web', '\t# Port 1']);
  if (chance < 0.45) return `${indent}IgnoreUnknown Fan*,Other`;
  const names = Object.keys(SETTINGS).filter((name) => random() < 0.08 || !RARE.includes(name));
  const name = pick(random, names);
  const values = SETTINGS[name] ?? [];
  // What no ssh takes is rare, or nothing else would be left.
  const usual = values.filter((value) => !['70000', 'x', 'maybe', 'soon', '/a none', '/k/%q', '%n'].includes(value));
  const value = pick(random, random() < 0.97 && usual.length > 0 ? usual : values);
  const word = spelled(random, name);
  // After a quote `=` is a value.
  const between = word.startsWith('"') ? ' ' : pick(random, [' ', ' ', ' ', '=', ' = ', '\t', '  ']);
  return `${indent}${word}${between}${value}${pick(random, ['', '', ' '])}`;
}

function globs(place: string): string[] {
  const folder = `${place}/conf.d`;
  return [
    '*',
    '*.conf',
    '[ab]*',
    '[!a]*',
    '[A-Z]*.conf',
    '??.conf',
    '[[:lower:]][0-9].conf',
    '{a,b}*',
    '[]a]*',
    'none',
    '.*',
    'a\\1.conf',
  ]
    .map((pattern) => `${folder}/${pattern}`)
    .concat(`"${folder}/a1.conf" ${folder}/b2.conf`, `${place}/*.d/[a-c]*`);
}

function spelled(random: Random, name: string): string {
  return pick(random, [name, name, name.toLowerCase(), name.toUpperCase(), `"${name}"`]);
}

function several(random: Random, from: readonly string[], most: number): string[] {
  return Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(random, from));
}
