import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import program from '../../../target/programs/deploy-config.sh';
import { account } from '../../support/accounts.ts';
import { configDeploy, sha256 } from '../../support/config-deploy.ts';
import { freePort, reachable } from '../../support/sshd.ts';
import { SHELLS, transact, usualValues } from '../../support/transaction.ts';

/** A folder with a configuration file, and deploys of it. */
function place(name = 'app.conf') {
  const folder = mkdtempSync('/opt/fdt-config-');
  chmodSync(folder, 0o755);
  const file = `${folder}/${name}`;
  const state = `${folder}/.${name}.deploy`;
  return {
    folder,
    file,
    state,
    text: () => readFileSync(file, 'utf8'),
    names: () => readdirSync(folder).sort(),
    deploy: configDeploy(program, file),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

describe.each(SHELLS.map((words) => [words.join(' '), words] as const))('in %s', (_, shell) => {
  it('a first file is put in place, applied and recorded', async () => {
    using here = place();
    const apply = `cp ${here.file} ${here.folder}/applied`;
    const { said } = await here.deploy('one\n', { apply_command: apply, check_command: 'grep -q one {file}' }, shell);
    expect(said).toMatchObject({ state: 'active', staged: sha256('one\n') });
    expect(here.text()).toBe('one\n');
    expect(readFileSync(`${here.folder}/applied`, 'utf8')).toBe('one\n');
    expect(readFileSync(`${here.state}/deployed`, 'utf8')).toBe('one\n');
    expect(readFileSync(`${here.state}/live`, 'utf8')).toContain(sha256('one\n'));
    expect(statSync(here.file).mode & 0o7777).toBe(0o644);
  });

  it('a file that its check refuses changes nothing, and its output is shown', async () => {
    using here = place();
    await here.deploy('one\n', {}, shell);
    const { said } = await here.deploy(
      'two\n',
      { check_command: 'echo line 7: no such word; exit 3; : {file}' },
      shell,
    );
    expect(said).toMatchObject({ gave_up: 'refused', why: 'the check refused the file (exit code 3)' });
    expect(said.check_output).toBe('line 7: no such word');
    expect(here.text()).toBe('one\n');
    expect(here.names()).toEqual(['.app.conf.deploy', 'app.conf']);
    expect(readdirSync(`${here.state}/releases`)).toEqual([]);
  });

  it('an apply that fails restores the old bytes and applies them again', async () => {
    using here = place();
    await here.deploy('one\n', {}, shell);
    // Like a daemon that refuses a reload, and goes on with what it has.
    const apply = `grep -q bad ${here.file} && { echo refused; exit 1; }; cat ${here.file} >>${here.folder}/applied`;
    const { said } = await here.deploy('bad\n', { apply_command: apply }, shell);
    expect(said).toMatchObject({
      state: 'rolled-back',
      failed: 'start',
      why: 'the apply command exited with code 1',
    });
    expect(said.apply_output).toBe('refused');
    expect(here.text()).toBe('one\n');
    expect(readFileSync(`${here.folder}/applied`, 'utf8')).toBe('one\n');
    expect(readFileSync(`${here.state}/live`, 'utf8')).toContain(sha256('one\n'));
    expect(readFileSync(`${here.state}/deployed`, 'utf8')).toBe('one\n');
  });

  it('a health that fails after it was applied restores the old bytes and applies them again', async () => {
    using here = place();
    const apply = `cat ${here.file} >>${here.folder}/applied`;
    const health = {
      apply_command: apply,
      health_command: `[ "$(tail -n 1 ${here.folder}/applied)" = one ]`,
      health_timeout_seconds: 1,
    };
    expect((await here.deploy('one\n', health, shell)).said.state).toBe('active');
    const { said } = await here.deploy('two\n', health, shell);
    expect(said).toMatchObject({ state: 'rolled-back', failed: 'health' });
    expect(said.why).toBe('not healthy within 1 s: the health command exited with code 1');
    expect(readFileSync(`${here.folder}/applied`, 'utf8')).toBe('one\ntwo\none\n');
    expect(here.text()).toBe('one\n');
  });
});

describe('the check', () => {
  it('runs in the folder of the file, under its suffix, on a name that wildcards leave out', async () => {
    using here = place();
    const check = `ls ${here.folder} >&2; ls -a ${here.folder} | grep -v deploy$; basename {file}; cat "{file}"`;
    const { lines } = await here.deploy('new\n', { check_command: check });
    expect(lines).toContain('check_output=.\\n..\\n.forgejo-deploy-app.conf\\n.forgejo-deploy-app.conf\\nnew');
    expect(here.names()).toEqual(['.app.conf.deploy', 'app.conf']);
  });

  it.each(["it's a dir", 'a b"c', '$(touch x)'])('works in a folder called %s', async (name) => {
    using here = place();
    mkdirSync(`${here.folder}/${name}`);
    const path = `${here.folder}/${name}/app.conf`;
    const values = { ...usualValues(path), size: 4, sha256: sha256('new\n'), encoding: 'plain', apply_command: '' };
    const { said } = await transact(program, {
      values: { ...values, check_command: 'cat {file}' },
      payload: Buffer.from('new\n'),
    });
    expect(said).toMatchObject({ state: 'active', check_output: 'new' });
  });

  it('that never ends is ended', async () => {
    using here = place();
    const { said } = await here.deploy('one\n', { check_command: 'sleep 60; : {file}', health_timeout_seconds: 1 });
    expect(said.why).toBe('the check did not end within 1 s');
  });

  it("has the rights of the folder's owner where that account can put another file there", async () => {
    using here = place();
    using service = account();
    chownSync(here.folder, service.uid, service.uid);
    const { said } = await here.deploy('one\n', {
      check_command: 'id -un; cat {file}',
      owner: `${service.uid}:${service.uid}`,
    });
    expect(said).toMatchObject({ state: 'active', check_output: `${service.name}\none` });
    writeFileSync(`${here.folder}/secret`, 's3cr3t', { mode: 0o600 });
    const spying = `ln -sf ${here.folder}/secret {file}.link; cat {file}.link ${here.folder}/secret`;
    const { said: spied } = await here.deploy('two\n', {
      check_command: spying,
      owner: `${service.uid}:${service.uid}`,
    });
    expect(spied.why).toBe('the check refused the file (exit code 1)');
    expect(JSON.stringify(spied)).not.toContain('s3cr3t');
  });

  it('removes what a killed run has left at its name, without following it', async () => {
    using here = place();
    writeFileSync(`${here.folder}/other`, 'mine');
    execFileSync('ln', ['-s', `${here.folder}/other`, `${here.folder}/.forgejo-deploy-app.conf`]);
    expect((await here.deploy('one\n', { check_command: 'cat {file}' })).said.check_output).toBe('one');
    expect(readFileSync(`${here.folder}/other`, 'utf8')).toBe('mine');
  });
});

it('a file without health waits for nothing', async () => {
  using here = place();
  const { said } = await here.deploy('one\n', { stable_cs: 6000 });
  expect(said.state).toBe('active');
});

it('what was unhealthy before is restored without asking it to be healthy', async () => {
  using here = place();
  const health = { health_command: 'exit 1', health_timeout_seconds: 1 };
  await here.deploy('one\n');
  expect((await here.deploy('two\n', health)).said.state).toBe('rolled-back');
  expect(here.text()).toBe('one\n');
});

it('a first file that fails is removed, and that is applied', async () => {
  using here = place();
  const apply = `[ ! -e ${here.file} ] && touch ${here.folder}/applied`;
  expect((await here.deploy('one\n', { apply_command: apply })).said).toMatchObject({
    state: 'rolled-back',
    failed: 'start',
  });
  expect(here.names()).toEqual(['.app.conf.deploy', 'applied']);
});

it('an apply that fails on the way back is a broken deploy that says so', async () => {
  using here = place();
  await here.deploy('one\n');
  const { said } = await here.deploy('two\n', { apply_command: 'exit 1' });
  expect(said).toMatchObject({
    state: 'broken',
    broken: 'the previous version was restored, but the apply command exited with code 1',
  });
  expect(here.text()).toBe('one\n');
});

it('a port counts as healthy whichever process listens on it', async () => {
  using here = place();
  const port = await freePort();
  const server = spawn('python3', [
    '-c',
    `import socket,time; s=socket.create_server(('127.0.0.1',${port})); time.sleep(60)`,
  ]);
  try {
    await reachable(port);
    expect((await here.deploy('one\n', { health_port: port })).said.state).toBe('active');
  } finally {
    server.kill('SIGKILL');
  }
  const { said } = await here.deploy('two\n', { health_port: port, health_timeout_seconds: 1 });
  expect(said).toMatchObject({ state: 'rolled-back', why: `not healthy within 1 s: nothing listens on port ${port}` });
});
