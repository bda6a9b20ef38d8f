import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Account, account } from '../../support/accounts.ts';
import { program } from '../../support/programs.ts';
import { shell, type TestTarget, target } from '../../support/target.ts';

const PAGE = readFileSync(new URL('../../../docs/RIGHTS.md', import.meta.url), 'utf8');

/** The blocks of the page in one language, for that login. */
function blocks(language: string, login: string): string[] {
  const all = [...PAGE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language);
  return all.map(([, , text = '']) => text.replace(/\bdeploy\b/g, login));
}

/** The lines that allow no more than to restart the unit. */
function toRestart(language: string, login: Account): string {
  return blocks(language, login.name).find((text) => text.includes('systemctl')) ?? '';
}

/** The inputs of a block of YAML. */
function inputsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(/: (.*)/s).slice(0, 2)),
  );
}

function allow(login: Account, text: string): void {
  writeFileSync(`/etc/sudoers.d/${login.name}`, text, { mode: 0o440 });
}

/** doas has one file for all. */
function allowByDoas(text: string): Disposable {
  const before = existsSync('/etc/doas.conf') ? readFileSync('/etc/doas.conf', 'utf8') : undefined;
  writeFileSync('/etc/doas.conf', `${before ?? ''}${text}`, { mode: 0o400 });
  return {
    [Symbol.dispose]: () => {
      if (before === undefined) rmSync('/etc/doas.conf');
      else writeFileSync('/etc/doas.conf', before);
    },
  };
}

/** A host whose program belongs to the login, with a stand-in for systemctl that knows one unit, whose processes run as `runs`. */
async function withUnit(login: Account, { runs = login, without = [] as string[] } = {}) {
  const folder = mkdtempSync('/opt/fdt-systemctl-');
  shell(`chmod 755 ${folder}`);
  const systemctl = `${folder}/systemctl`;
  writeFileSync(systemctl, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const none = Object.fromEntries(without.map((name) => [name, '/dev/null']));
  // A name of its own: a process of that name that the login can't inspect may be the program.
  const host = await target({ name: `app-${login.name.slice(3)}`, instead: { systemctl, ...none } });
  for (const path of [host.folder, host.folder.replace(/bin$/, 'logs')]) chownSync(path, login.uid, login.uid);
  const ids = `--reuid=${runs.uid} --regid=${runs.uid} --clear-groups`;
  const start = `cd ${host.folder} && exec setsid setpriv ${ids} ./${host.name} --port ${host.port} </dev/null >/dev/null 2>&1 &`;
  const stop = `pkill -x -U ${runs.uid} ${host.name}; while pgrep -x -U ${runs.uid} ${host.name} >/dev/null; do sleep 0.01; done`;
  const lines = [
    '#!/bin/sh',
    '[ "$(id -u)" = 0 ] && [ "$2" = app.service ] || exit 1',
    `case $1 in stop) ${stop} ;; start) ${start}`,
  ];
  writeFileSync(systemctl, `${lines.join('\n')}\nesac\nexit 0\n`);
  return {
    host,
    [Symbol.asyncDispose]: async () => {
      await host[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

const AS_COMMAND = { restart: 'command', args: undefined, 'log-file': undefined };
const asLogin = (login: Account, host: TestTarget) => ({ host: `${login.name}@127.0.0.1:${host.sshd.port}` });

describe('the page about rights', () => {
  it('holds lines that visudo and doas accept', () => {
    expect(blocks('sudoers', 'deploy')).toHaveLength(3);
    for (const text of blocks('sudoers', 'deploy'))
      execFileSync('visudo', ['-c', '-f', '-'], { input: text, stdio: 'pipe' });
    expect(blocks('doas', 'root')).toHaveLength(2);
    const file = `${mkdtempSync('/tmp/fdt-doas-')}/doas.conf`;
    for (const text of blocks('doas', 'root')) {
      writeFileSync(file, text, { mode: 0o400 });
      execFileSync('doas', ['-C', file], { stdio: 'pipe' });
      rmSync(file);
    }
  });

  it('holds a rule of polkit for that unit and that account alone', () => {
    const rules: ((action: object, subject: object) => string | undefined)[] = [];
    const polkit = { addRule: (rule: (typeof rules)[number]) => rules.push(rule), Result: { YES: 'yes' } };
    new Function('polkit', blocks('js', 'ada').join('\n'))(polkit);
    const asked = (id: string, unit: string, user: string) =>
      rules.map((rule) => rule({ id, lookup: () => unit }, { user }));
    const units = 'org.freedesktop.systemd1.manage-units';
    expect(asked(units, 'app.service', 'ada')).toEqual(['yes']);
    expect(asked(units, 'sshd.service', 'ada')).toEqual([undefined]);
    expect(asked(units, 'app.service', 'bob')).toEqual([undefined]);
    expect(asked('org.freedesktop.login1.reboot', 'app.service', 'ada')).toEqual([undefined]);
  });

  it.each(['sudo', 'doas'])('gives an account full rights by %s', async (tool) => {
    await using host = await target({ instead: tool === 'doas' ? { sudo: '/dev/null' } : {} });
    using login = account();
    await host.startByHand(program('v1'));
    const refused = await host.deploy({ ...asLogin(login, host), source: program('v2') });
    const [text = ''] = blocks(tool === 'sudo' ? 'sudoers' : 'doas', login.name);
    expect(refused.log).toContain(`: ${text.trim()};`);
    expect(refused.outputs.state).toBe('untouched');
    using _allowed = tool === 'doas' ? allowByDoas(text) : undefined;
    if (tool === 'sudo') allow(login, text);
    const deploy = await host.deploy({ ...asLogin(login, host), source: program('v2') });
    expect(deploy.outputs.state, deploy.log).toBe('active');
    expect(deploy.log).toContain(`Using ${tool}, because ${login.name} can't write to ${host.folder}`);
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
  });

  it.each(['sudo', 'doas'])(
    'lets an account restart its unit, and no more, by %s',
    async (tool) => {
      using login = account();
      await using unit = await withUnit(login, { without: tool === 'doas' ? ['sudo'] : [] });
      const { host } = unit;
      const text = toRestart(tool === 'sudo' ? 'sudoers' : 'doas', login);
      using _allowed = tool === 'doas' ? allowByDoas(text) : undefined;
      if (tool === 'sudo') allow(login, text);
      const commands = inputsOf((blocks('yaml', login.name)[0] ?? '').replaceAll('sudo -n', `${tool} -n`));
      const inputs = { ...asLogin(login, host), ...AS_COMMAND, ...commands, 'health-url': host.usual['health-url'] };
      for (const version of ['v1', 'v2']) {
        const deploy = await host.deploy({ ...inputs, source: program(version) });
        expect(deploy.outputs.state, deploy.log).toBe('active');
        expect(await host.health()).toMatchObject({ version, uid: login.uid });
      }
      const bad = await host.deploy({
        ...inputs,
        source: program('bad', 'exits at once'),
        'health-timeout-seconds': 1,
      });
      expect(bad.outputs.state, bad.log).toBe('rolled-back');
      expect(await host.health()).toMatchObject({ version: 'v2', uid: login.uid });
      const more = `setpriv --reuid=${login.uid} --regid=${login.uid} --clear-groups ${tool} -n`;
      for (const words of ['/usr/bin/systemctl stop other.service', '/bin/sh -c id'])
        expect(spawnSync('/bin/sh', ['-c', `${more} ${words}`]).status).not.toBe(0);
    },
    60_000,
  );

  it('says that a sudo that needs a password is not enough, and touches nothing', async () => {
    await using host = await target();
    using login = account();
    allow(login, `${login.name} ALL=(ALL) ALL\n`);
    await host.startByHand(program('v1'));
    const refused = await host.deploy({ ...asLogin(login, host), source: program('v2') });
    expect(refused.log).toContain('sudo refuses: sudo: a password is required');
    expect(refused.log).toContain(`add to sudoers (visudo): ${blocks('sudoers', login.name)[0]?.trim()};`);
    expect(refused.outputs.state).toBe('untouched');
  });

  it('lets the owner of everything deploy without sudo', async () => {
    await using host = await target({ instead: { sudo: '/dev/null', doas: '/dev/null' } });
    await host.startByHand(program('v1'));
    const inputs = { ...asLogin(host.service, host), sudo: 'never' };
    expect((await host.deploy({ ...inputs, source: program('v2') })).outputs.state).toBe('active');
    expect((await host.deploy({ ...inputs, source: program('bad', 'exits at once') })).outputs.state).toBe(
      'rolled-back',
    );
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
    const other = await host.deploy({ ...inputs, sudo: 'auto', owner: 'root', source: program('v3') });
    expect(other.log).toContain('and there is neither sudo nor doas');
    expect(other.log).toContain('install sudo there, and add to sudoers');
    expect(other.outputs.state).toBe('untouched');
  });
});

describe('a unit that runs as another account than the login', () => {
  it('is refused before the stop while it runs, and ends the wait at once where it is started first', async () => {
    using login = account();
    using other = account();
    await using unit = await withUnit(login, { runs: other });
    const { host } = unit;
    allow(login, toRestart('sudoers', login));
    const commands = inputsOf(blocks('yaml', login.name)[0] ?? '');
    const inputs = { ...asLogin(login, host), ...AS_COMMAND, ...commands, 'health-url': host.usual['health-url'] };
    const began = Date.now();
    const first = await host.deploy({ ...inputs, source: program('v1'), 'health-timeout-seconds': 60 });
    expect(first.outputs.state, first.log).toBe('rolled-back');
    expect(first.log).toContain(`but ${login.name} can't see what that executes; log in as its account, or allow sudo`);
    expect(Date.now() - began).toBeLessThan(30_000);
    shell(`install -o ${login.name} -m 755 ${program('v1')} ${host.destination}`);
    spawnSync(
      'setpriv',
      [`--reuid=${other.uid}`, '--clear-groups', '/bin/sh', '-c', `${host.destination} --port ${host.port} &`],
      { stdio: 'ignore' },
    );
    const refused = await host.deploy({ ...inputs, source: program('v2') });
    expect(refused.log).toContain('may run the file, and');
    expect(refused.outputs.state, refused.log).toBe('untouched');
  });
});
