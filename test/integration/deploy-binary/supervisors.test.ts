import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Unpacked, unpacked } from '../../support/packages.ts';
import { program } from '../../support/programs.ts';
import { type TestTarget, target } from '../../support/target.ts';

interface Supervisor {
  packages: string[];
  /** Files of its configuration, executable ones too, by their names in its folder. */
  files(host: TestTarget, folder: string): Record<string, string>;
  /** What keeps the program running, in its folder. */
  command(folder: string, packages: Unpacked): string[];
}

/** The program as the service account, in the foreground. */
const run = ({ service, folder, name, port }: TestTarget) =>
  `cd ${folder} && exec setpriv --reuid=${service.uid} --regid=${service.uid} --clear-groups ./${name} --port ${port}`;

const service = (host: TestTarget) => ({ 'app/run': `#!/bin/sh\n${run(host)} >/dev/null 2>&1\n` });

const SUPERVISORS: Record<string, Supervisor> = {
  runsv: {
    packages: ['runit'],
    files: service,
    command: (folder) => ['runsv', `${folder}/app`],
  },
  's6-supervise': {
    packages: ['s6', 'libs6-2.11', 'libskarnet2.13', 'libexecline2.9', 'execline'],
    files: service,
    command: (folder) => ['s6-supervise', `${folder}/app`],
  },
  supervisord: {
    packages: ['supervisor', 'python3-pkg-resources'],
    files: (host, folder) => ({
      conf: [
        `[unix_http_server]\nfile=${folder}/sock`,
        '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface',
        `[supervisorctl]\nserverurl=unix://${folder}/sock`,
        `[supervisord]\nlogfile=${folder}/log\npidfile=${folder}/pid\nuser=root`,
        `[program:app]\ncommand=${host.destination} --port ${host.port}\ndirectory=${host.folder}\nuser=${host.service.name}\nstartsecs=0`,
        '[group:web]\nprograms=app\n',
      ].join('\n'),
    }),
    command: (folder, { root }) => [`${root}/usr/bin/supervisord`, '-n', '-c', `${folder}/conf`],
  },
  monit: {
    packages: ['monit'],
    files: (host, folder) => ({
      conf: [
        `set daemon 1\nset idfile ${folder}/id\nset statefile ${folder}/state\nset httpd unixsocket ${folder}/sock\n  allow root:root`,
        `check process app matching "${host.destination}"`,
        `  start program = "${folder}/start"\n  stop program = "/usr/bin/pkill -x ${host.name}"\n`,
      ].join('\n'),
      start: `#!/bin/sh\n(${run(host).replace('./', `${host.folder}/`)} </dev/null >/dev/null 2>&1) &\n`,
    }),
    command: (folder) => ['monit', '-I', '-c', `${folder}/conf`],
  },
};

interface Running extends Disposable {
  /** A command as the refusal gives it, for the programs and the configuration of this one. */
  own(command: string): string;
}

function running(kind: Supervisor, packages: Unpacked, host: TestTarget): Running {
  const folder = mkdtempSync('/opt/fdt-keeper-');
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(kind.files(host, folder))) {
    mkdirSync(dirname(`${folder}/${name}`), { recursive: true });
    writeFileSync(`${folder}/${name}`, text, { mode: name === 'conf' ? 0o600 : 0o755 });
  }
  const env = { ...process.env, ...packages.env };
  const [command = '', ...words] = kind.command(folder, packages);
  const keeper = spawn(command, words, { env, stdio: 'ignore', detached: true });
  const settings = Object.entries(packages.env).map(([name, value]) => `${name}=${value}`);
  return {
    own: (text) =>
      ['env', ...settings, text.replace(/^(supervisorctl|monit) /, (_, name) => `${name} -c ${folder}/conf `)].join(
        ' ',
      ),
    [Symbol.dispose]: () => {
      // Supervisors of one service leave it running.
      keeper.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe.each(Object.keys(SUPERVISORS))('%s', (name) => {
  it('is recognized, and its own commands deploy', async ({ skip }) => {
    const kind = SUPERVISORS[name] as Supervisor;
    const packages = unpacked(...kind.packages) ?? skip('its Debian packages can not be had here');
    await using host = await target();
    copyFileSync(program('v1'), host.destination);
    chownSync(host.destination, host.service.uid, host.service.uid);
    using keeper = running(kind, packages, host);
    await vi.waitFor(async () => expect(await host.health()).toMatchObject({ version: 'v1' }), 15_000);
    const refused = await host.deploy({ source: program('v2') });
    expect(refused.outputs.state, refused.log).toBe('untouched');
    expect(refused.log).toContain(`is kept running by ${name} (pid `);
    const [, stop = '', start = ''] = /stop-command: (.*?), start-command: (.*?)\.$/m.exec(refused.log) ?? [];
    const inputs = { restart: 'command', 'stop-command': keeper.own(stop), 'start-command': keeper.own(start) };
    const good = await host.deploy({ ...inputs, args: undefined, 'log-file': undefined, source: program('v2') });
    expect(good.outputs.state, `${refused.log}${good.log}`).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
    expect(host.pids()).toHaveLength(1);
  });
});
