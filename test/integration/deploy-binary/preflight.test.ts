import { chownSync, copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { account } from '../../support/accounts.ts';
import { program, sha256 } from '../../support/programs.ts';
import { shell, type TestTarget, target, textOf } from '../../support/target.ts';

/** The refusal must be red, name its cause and remedy, and leave everything as it was. */
async function refused(
  host: TestTarget,
  inputs: Parameters<TestTarget['deploy']>[0],
  why: string | RegExp,
): Promise<string> {
  const before = host.pids();
  const step = await host.deploy(inputs);
  expect(step.log).toMatch(why);
  expect(step.code).toBe(1);
  expect(step.log).toContain('  state:  untouched.');
  expect(step.outputs).toMatchObject({ state: 'untouched', changed: 'false', 'bytes-sent': '0', 'downtime-ms': '0' });
  expect(host.pids()).toEqual(before);
  expect(host.stateFiles()).toEqual([]);
  return step.log;
}

describe('nothing is stopped or sent when', () => {
  it('the source is missing, empty or lacks an expected string', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await refused(host, { source: '/nowhere/botserver' }, 'why:    the file does not exist on the runner.');
    writeFileSync(`${host.sshd.folder}/empty`, '');
    await refused(host, { source: `${host.sshd.folder}/empty` }, 'why:    it is empty.');
    await refused(
      host,
      { source: program('v2'), 'expect-strings': 'listens on\nnew feature' },
      "it does not contain 'new feature' (expect-strings)",
    );
  });

  it('the source is built for another machine or needs a loader that is not there', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const arm = `${host.sshd.folder}/arm`;
    shell(`cp ${program('v2')} ${arm} && printf '\\267\\000' | dd of=${arm} bs=1 seek=18 conv=notrunc status=none`);
    await refused(host, { source: arm }, /why: {4}\S+ is built for aarch64, but the target is x86_64\./);
    const musl = `${host.sshd.folder}/musl`;
    shell(`printf 'int main(){return 0;}' | gcc -x c -o ${musl} - -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1`);
    await refused(host, { source: musl }, 'needs the loader /lib/ld-musl-x86_64.so.1, which the target does not have.');
  });

  it('the source is a script that could not be found by what it executes', async () => {
    await using host = await target();
    const script = `${host.sshd.folder}/script`;
    writeFileSync(script, '#!/bin/sh\nsleep 100\n');
    await refused(host, { source: script }, "is not an ELF binary, so the process that runs it can't be identified.");
  });

  it('the owner or group does not exist', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const log = await refused(
      host,
      { source: program('v2'), owner: 'nobodyhere:nogrouphere' },
      'there is no user nobodyhere on the target.',
    );
    expect(log).toContain('there is no group nogrouphere on the target.');
    // Nor what an account that is not there can't do.
    expect(log).not.toContain("can't write");
  });

  it('the destination is a folder, a symbolic link, or its folder is missing', async () => {
    await using host = await target();
    mkdirSync(`${host.folder}/somewhere`);
    await refused(
      host,
      { source: program('v2'), destination: `${host.folder}/somewhere` },
      `${host.folder}/somewhere is a folder.`,
    );
    symlinkSync('/bin/true', `${host.folder}/link`);
    await refused(
      host,
      { source: program('v2'), destination: `${host.folder}/link` },
      `${host.folder}/link is a symbolic link to /bin/true.`,
    );
    await refused(
      host,
      { source: program('v2'), destination: `${host.folder}/missing/botserver` },
      `${host.folder}/missing is not a folder.`,
    );
  });

  it('there is no room for the file', async () => {
    await using host = await target();
    const disk = `${host.folder}/disk`;
    mkdirSync(disk);
    shell(`mount -t tmpfs -o size=2m tmpfs ${disk}`);
    try {
      const log = await refused(
        host,
        { source: program('v2', 'healthy', 5e6), destination: `${disk}/botserver`, owner: host.service.name },
        /5\.0 MB needed, 2\.1 MB free on/,
      );
      expect(log).toContain('do:     free some space there, or use `strategy: in-place`.');
    } finally {
      shell(`umount ${disk}`);
    }
  });

  it('the file system is read-only or noexec', async () => {
    await using host = await target();
    const disk = `${host.folder}/disk`;
    mkdirSync(disk);
    shell(`mount -t tmpfs -o size=20m,noexec tmpfs ${disk}`);
    try {
      await refused(host, { source: program('v2'), destination: `${disk}/botserver` }, `${disk} is mounted noexec`);
      shell(`mount -o remount,ro ${disk}`);
      await refused(host, { source: program('v2'), destination: `${disk}/botserver` }, `${disk} is mounted read-only.`);
    } finally {
      shell(`umount ${disk}`);
    }
  });

  it('the file is immutable', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    shell(`chattr +i ${host.destination}`);
    try {
      await refused(host, { source: program('v2') }, 'why:    the file is immutable or append-only.');
    } finally {
      shell(`chattr -i ${host.destination}`);
    }
  });

  it('the unit does not exist', async () => {
    await using host = await target();
    await refused(host, { source: program('v2'), service: 'nothing-here' }, 'nothing-here.service');
  });

  it("the program's account can't write its log or enter its working directory", async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    mkdirSync(`${host.folder}/closed`, { mode: 0o700 });
    const log = await refused(
      host,
      { source: program('v2'), 'working-directory': `${host.folder}/closed`, 'log-file': '/root/error.log' },
      "why:    the account that the program runs as can't write to /root.",
    );
    expect(log).toContain(`${host.service.name} cannot enter the working directory ${host.folder}/closed.`);
    await refused(
      host,
      { source: program('v2'), 'working-directory': '/nowhere' },
      `why:    ${host.service.name} cannot enter the working directory /nowhere.`,
    );
  });

  it('another program holds the port that is to prove the new one', async () => {
    await using host = await target();
    const squatter = await host.startSquatter(program('squatter'));
    await refused(
      host,
      { source: program('v2'), 'health-port': host.port, owner: host.service.name },
      `port ${host.port} is held by another process (pid ${squatter}), which does not run the file.`,
    );
  });

  it('an older run comes after a newer one', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') }, { GITHUB_RUN_NUMBER: '12' });
    const older = await host.deploy({ source: program('v3') }, { GITHUB_RUN_NUMBER: '11' });
    expect(older.log).toContain(
      'why:    run 12 of this workflow is already deployed (https://forge.example/team/service/actions/runs/12); this is the older run 11.',
    );
    expect(await host.health()).toMatchObject({ version: 'v2' });
    const allowed = await host.deploy({ source: program('v3'), 'allow-older': true }, { GITHUB_RUN_NUMBER: '11' });
    expect(allowed.outputs.state).toBe('active');
  });

  it('an older run comes, and not a lower number of another server or another workflow file', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const run = (source: string, number: string, env: Record<string, string>) =>
      host.deploy({ source }, { GITHUB_RUN_NUMBER: number, ...env });
    const file = (name: string) => ({ GITHUB_WORKFLOW_REF: `team/service/.forgejo/workflows/${name}@refs/heads/main` });
    expect((await run(program('v2'), '12', file('deploy.yml'))).outputs.state).toBe('active');
    const older = await run(program('v3'), '3', file('deploy.yml'));
    expect(older.log).toContain('or if the run numbers of this workflow restarted');
    const renamed = await run(program('v3'), '3', file('ship.yml'));
    expect(renamed.outputs.state, renamed.log).toBe('active');
    const moved = await run(program('v2'), '1', { ...file('ship.yml'), GITHUB_SERVER_URL: 'https://new.example' });
    expect(moved.outputs.state, moved.log).toBe('active');
  });

  it('an older run comes, and only then: one that was rolled back does not count', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const run = (source: string, number: number) => host.deploy({ source }, { GITHUB_RUN_NUMBER: String(number) });
    await run(program('v2'), 5);
    expect((await run(program('bad', 'exits at once'), 9)).outputs.state).toBe('rolled-back');
    expect((await run(program('v3'), 4)).log).toContain('run 5 of this workflow is already deployed');
    expect((await run(program('v3'), 8)).log).toContain('state     active');
  });

  it('dry-run is set', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [pid] = host.pids();
    const step = await host.deploy({ source: program('v2'), 'dry-run': true });
    expect(step.code).toBe(0);
    expect(step.log).toContain(`  - stop pid ${pid} (TERM, then KILL after 10 s): it runs the file being replaced`);
    expect(step.log).toContain('dry-run is set: nothing was changed.');
    expect(host.pids()).toEqual([pid]);
    expect(host.stateFiles()).toEqual([]);
  });
});

describe('wrong inputs', () => {
  it('are all reported at once, each on its own line', async () => {
    await using host = await target();
    const step = await host.deploy({
      source: program('v2'),
      destination: 'relative',
      port: 99999,
      'stable-seconds': 'soon',
      helth: 'x',
      'health-url': 'ftp://x',
      environment: 'KEY=-----BEGIN KEY-----\ns3cr3t/+=s3cr3t',
    });
    for (const line of [
      "Unknown input 'helth'",
      "Input 'destination': expected an absolute path without \"..\" or control characters, got 'relative'.",
      "Input 'port': expected a whole number from 1 to 65535, got '99999'.",
      "Input 'stable-seconds': expected a number from 0 to 3600, got 'soon'.",
      "Input 'health-url': expected an http or https URL without a user in it, got 'ftp://x'.",
      "Input 'environment': line 2 must be KEY=VALUE with a name a shell can export.",
    ]) {
      expect(step.log).toContain(line);
    }
    expect(step.log).not.toContain('s3cr3t');
    expect(step.outputs).toMatchObject({ state: 'untouched', changed: 'false', report: '[]' });
    expect(host.sshd.logins()).toBe(0);
  });
});

describe('inputs', () => {
  it('that are missing, unknown choices or contradictory are reported with the others, each on one line', async () => {
    await using host = await target();
    const step = await host.deploy({
      host: undefined,
      destination: 'two\nlines',
      strategy: 'fast',
      restart: 'none',
      'start-command': 'true',
    });
    expect(step.log).toContain(`Error: Reading the inputs failed.
  why:    Input 'destination': expected an absolute path without ".." or control characters, got 'two\\x0alines'.
          Input 'strategy': expected staged, in-place, got 'fast'.
          Input 'host': required, but not set.
          Input 'source': required, unless \`rollback-to\` is set.
          Input 'start-command': only valid with \`restart: command\`.
          Input 'health-url': has no effect with \`restart: none\`, which starts nothing.
  do:     correct the \`with:\` block of this step.`);
    const typo = await host.deploy({ source: program('v2'), restart: 'comand', 'start-command': 'true' });
    expect(typo.log).not.toContain('only valid with');
  });

  it('may end in a line end, as a block of YAML or a pasted secret does', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const inputs = {
      destination: `${host.destination}\n`,
      mode: '0755\n',
      'health-url': `${host.usual['health-url']}\n`,
    };
    expect((await host.deploy({ source: `${program('v2')}\r\n`, ...inputs })).outputs.state).toBe('active');
  });
});

describe('a login that is not root', () => {
  it('deploys its own service without sudo', async () => {
    // Of root's other programs of that name, those of other tests, it could not tell that they are none of its own.
    await using host = await target({ name: 'service-of-its-own' });
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2'), host: `${host.service.name}@127.0.0.1:${host.sshd.port}` });
    expect(step.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
  });

  it('uses sudo when the service belongs to another account, and says why', async () => {
    await using host = await target();
    using deployer = account({ sudo: true });
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2'), host: `${deployer.name}@127.0.0.1:${host.sshd.port}` });
    expect(step.outputs.state).toBe('active');
    expect(step.log).toContain(`Using sudo, because ${deployer.name} can't write to ${host.folder}`);
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
  });

  it('uses sudo to carry over the file capabilities of its own program', async () => {
    await using host = await target();
    using deployer = account({ sudo: true });
    copyFileSync(program('v1'), host.destination);
    for (const path of [host.folder, host.destination, `${host.folder}/../logs`])
      chownSync(path, deployer.uid, deployer.uid);
    shell(`setcap cap_net_bind_service=ep ${host.destination}`);
    const step = await host.deploy({ source: program('v2'), host: `${deployer.name}@127.0.0.1:${host.sshd.port}` });
    expect(step.log).toContain('Using sudo, because its file capabilities are to be carried over');
    expect(step.outputs.state).toBe('active');
    expect(shell(`getcap ${host.destination}`)).toContain('cap_net_bind_service=ep');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: deployer.uid });
    for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
  });

  it('that is refused by the host leaves a state and a report too', async () => {
    await using host = await target();
    const step = await host.deploy({ source: program('v2'), 'known-hosts': '# none' });
    expect(step.log).toContain('  state:  untouched. Nothing on the target was changed.');
    expect(JSON.parse(step.outputs.report ?? '')).toMatchObject([
      { target: `root@127.0.0.1:${host.sshd.port}`, state: 'untouched', why: expect.stringContaining('host key') },
    ]);
    expect(Number(step.outputs['duration-ms'])).toBeGreaterThan(0);
  });

  it('without sudo is refused with exactly what is missing', async () => {
    await using host = await target();
    using deployer = account();
    await host.startByHand(program('v1'));
    await refused(
      host,
      { source: program('v2'), host: `${deployer.name}@127.0.0.1:${host.sshd.port}` },
      new RegExp(
        `root is needed, because ${deployer.name} can't write to ${host.folder}, and sudo refuses: sudo: a password is required`,
      ),
    );
  });
});

describe('accounts', () => {
  it('may be given by number, and are the same as by name', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const { uid, name } = host.service;
    const first = await host.deploy({ source: program('v2'), owner: uid, 'run-as': uid });
    expect(first.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid });
    for (const given of [{ owner: `${uid}:${uid}` }, { owner: `${name}:${uid}`, 'run-as': name }])
      expect((await host.deploy({ source: program('v2'), ...given })).outputs.state).toBe('unchanged');
    const itself = `${name}@127.0.0.1:${host.sshd.port}`;
    shell(`rm -r ${host.folder}/.botserver.deploy`);
    const own = await host.deploy({ source: program('v3'), host: itself, owner: uid });
    expect(own.log).toContain('state     active');
  });

  it('that have no name there keep their file and their program, forth and back', async () => {
    await using host = await target();
    copyFileSync(program('v1'), host.destination);
    for (const path of [host.destination, host.folder, `${host.folder}/../logs`]) chownSync(path, 54_321, 54_321);
    shell(
      `cd ${host.folder} && setsid setpriv --reuid=54321 --regid=54321 --clear-groups ./botserver --port ${host.port} </dev/null >/dev/null 2>&1 &`,
    );
    const bad = await host.deploy({ source: program('bad', 'exits at once') });
    expect(bad.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1', uid: 54_321 });
    const good = await host.deploy({ source: program('v2') });
    expect(good.log).toContain('54321:54321 0755');
    expect(good.outputs.state).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: 54_321 });
    expect((await host.deploy({ source: program('v2') })).outputs.state).toBe('unchanged');
  });
});

describe('what root must not do for the service account', () => {
  it('follow a folder on the way that it turned into a link', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const root = host.folder.replace(/\/bin$/, '');
    chownSync(root, host.service.uid, host.service.uid);
    renameSync(host.folder, `${root}/bin.real`);
    shell(`su -s /bin/sh ${host.service.name} -c 'ln -s /usr/local/bin ${root}/bin'`);
    const step = await host.deploy({ source: program('v2') });
    expect(step.log).toContain(`${root}/bin is a symbolic link of another account, and root does not follow it.`);
    expect(textOf('/usr/local/bin/botserver')).toBe('');
    for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
    shell(`pkill -KILL -u ${host.service.name} || true; rm ${root}/bin; mv ${root}/bin.real ${root}/bin`);
  });

  it('use a state folder that the account made', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    shell(`su -s /bin/sh ${host.service.name} -c 'mkdir -p ${host.folder}/.botserver.deploy/releases'`);
    const step = await host.deploy({ source: program('v2') });
    expect(step.log).toContain(
      `${host.folder}/.botserver.deploy is owned by another account, not by root, which deploys.`,
    );
    const [, cure = ''] = /where a recursive chown of \S+ caused this, run `(.*?)` on the target/.exec(step.log) ?? [];
    shell(cure);
    expect((await host.deploy({ source: program('v2'), 'dry-run': true })).log).toContain('dry-run is set');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('execute a file as root that the account can replace', async () => {
    await using host = await target();
    for (const root of ['root', 0]) {
      const step = await host.deploy({ source: program('v2'), owner: root });
      expect(step.log).toContain(`root would run a file from ${host.folder}, which ${host.service.name} can replace.`);
    }
  });

  it('execute a file as root from a folder that the account can move away, nor write its log where it can put a link', async () => {
    await using host = await target();
    const { name } = host.service;
    const above = host.folder.replace(/\/bin$/, '');
    const deploy = () => host.deploy({ source: program('v2'), owner: 'root:root', mode: '0755' });
    shell(`chown ${name} ${above}; chown root:root ${host.folder}`);
    const moved = await deploy();
    expect(moved.outputs.state, moved.log).toBe('untouched');
    expect(moved.log).toContain(`root would run a file from ${above}, which ${name} can replace.`);
    expect(moved.log).toContain(`root would write to a log in ${above}, where ${name} can link it to another file.`);
    shell(`chown root:root ${above} ${above}/logs; chgrp ${name} ${host.folder}; chmod 775 ${host.folder}`);
    expect((await deploy()).log).toContain(`${host.folder}, which the group ${name} can replace.`);
    shell(`chmod 755 ${host.folder}`);
    const well = await deploy();
    expect(well.outputs.state, well.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: 0 });
  });
});

describe('odd names', () => {
  it.each(["it's $(id) `x` *.txt", '-rf', 'botsërver %s \\n'])('%s works', async (name) => {
    await using host = await target();
    const destination = `${host.folder}/${name}`;
    const first = await host.deploy({ source: program('v1'), destination, owner: host.service.name });
    expect(first.log).toContain('state     active');
    copyFileSync(program('v1'), `${host.folder}/bystander`);
    const second = await host.deploy({ source: program('v2'), destination });
    expect(second.outputs.state).toBe('active');
    expect(sha256(destination)).toBe(sha256(program('v2')));
    expect(await host.health()).toMatchObject({ version: 'v2' });
    shell(`pkill -KILL -u ${host.service.name} || true`);
  });
});
