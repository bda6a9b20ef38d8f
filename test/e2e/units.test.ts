import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { healthOf, healthy, type Production, production, startByHand } from '../support/production.ts';
import { program } from '../support/programs.ts';

let here: Production;
beforeAll(async () => {
  here = await production();
  const { system, ci } = here;
  await system.sh(`mkdir -p /etc/systemd/logind.conf.d
    printf '[Login]\\nKillUserProcesses=yes\\n' >/etc/systemd/logind.conf.d/kill.conf
    systemctl restart systemd-logind`);
  await system.account('gbuser', await ci.sh('cat /home/runner/.ssh/id_ed25519.pub'));
});
afterAll(() => here[Symbol.asyncDispose]());

const UNIT = `[Service]
WorkingDirectory=/opt/gbo/bin
ExecStart=/opt/gbo/bin/botserver --noconsole
Restart=always
RestartSec=50ms
`;

describe('a system unit that restarts on its own', () => {
  beforeEach(() => startUnit(`${UNIT}User=gbuser\n`));
  afterAll(stopUnit);

  test('is really stopped, swapped and started; its own process runs the new image', async () => {
    const { system, build, deploy } = here;
    const step = await deploy({ source: await build(program('v2')) }).ended;
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('stop the unit botserver.service');
    expect(await mainPid()).toBe(step.outputs.pid);
    expect(await healthOf(system)).toMatchObject({ version: 'v2', pid: Number(step.outputs.pid) });
    expect(await system.sh('systemctl is-enabled botserver; systemctl is-active botserver')).toBe('static\nactive\n');
  });

  test('runs the old version again when the new one keeps crashing', async () => {
    const { system, build, deploy } = here;
    const step = await deploy({ source: await build(program('bad', 'exits after 900 ms')) }).ended;
    expect(step.code).toBe(1);
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toContain('fatal: out of cheese');
    expect(await healthOf(system)).toMatchObject({ version: 'v1', pid: Number(step.outputs.pid) });
    expect(await mainPid()).toBe(step.outputs.pid);
  });
});

describe('a system unit with folders of its own (PrivateTmp, ProtectSystem)', () => {
  beforeEach(() => startUnit(`${UNIT}User=gbuser\nPrivateTmp=yes\nProtectSystem=strict\nProtectHome=yes\n`));
  afterAll(stopUnit);

  test('is found by what it executes though nobody named it', async () => {
    const { system, build, deploy } = here;
    const step = await deploy({ source: await build(program('v2')) }).ended;
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('unit botserver.service');
    expect(await healthOf(system)).toMatchObject({ version: 'v2', pid: Number(await mainPid()) });
  });
});

describe('where logind ends what a login leaves behind (KillUserProcesses), with a login that is not root', () => {
  test('a user unit of an account that lingers is replaced', async () => {
    const { system, build, deploy } = here;
    await begin();
    await system.sh(
      `loginctl enable-linger gbuser
      mkdir -p /home/gbuser/.config/systemd/user && cat >/home/gbuser/.config/systemd/user/botserver.service
      chown -R gbuser:gbuser /home/gbuser/.config
      manager=/run/user/$(id -u gbuser)/systemd/private
      for tried in $(seq 100); do [ -S $manager ] && break; sleep 0.1; done`,
      UNIT,
    );
    await asGbuser('systemctl --user daemon-reload && systemctl --user start botserver');
    await healthy(system);
    const step = await deploy({ user: 'gbuser', service: 'user:botserver', source: await build(program('v2')) }).ended;
    expect(step.outputs.state, step.log).toBe('active');
    expect(await healthOf(system)).toMatchObject({ version: 'v2', pid: Number(step.outputs.pid) });
    expect(await asGbuser('systemctl --user show -p MainPID --value botserver')).toBe(`${step.outputs.pid}\n`);
    await asGbuser('systemctl --user stop botserver; rm -r ~/.config/systemd');
  });

  test('a program started by hand outlives the login of the deploy when the account lingers', async () => {
    const { system, build, deploy } = here;
    await system.sh('loginctl enable-linger gbuser');
    await startByHand(system, program('v1'));
    const step = await deploy({ user: 'gbuser', source: await build(program('v2')) }).ended;
    expect(step.outputs.state, step.log).toBe('active');
    await noLogin('gbuser');
    expect(await healthOf(system), step.log).toMatchObject({ version: 'v2', pid: Number(step.outputs.pid) });
  });

  test('a deploy through sudo outlives its login too', async () => {
    const { system, ci, build, deploy } = here;
    await system.account('deployer', await ci.sh('cat /home/runner/.ssh/id_ed25519.pub'));
    await system.sh(
      `echo 'deployer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deployer && chmod 440 /etc/sudoers.d/deployer`,
    );
    await startByHand(system, program('v1'));
    const step = await deploy({ user: 'deployer', source: await build(program('v2')) }).ended;
    expect(step.outputs.state, step.log).toBe('active');
    await noLogin('deployer');
    expect(await healthOf(system), step.log).toMatchObject({ version: 'v2', pid: Number(step.outputs.pid) });
  });

  test('a program that would end with the login is never called active', async () => {
    const { system, build, deploy } = here;
    await system.sh('loginctl disable-linger gbuser');
    await startByHand(system, program('v1'));
    const step = await deploy({ user: 'gbuser', source: await build(program('v2')) }).ended;
    await noLogin('gbuser');
    const version = (await healthOf(system))?.version;
    expect({ state: step.outputs.state, version }, step.log).toEqual(
      step.code === 0 ? { state: 'active', version: 'v2' } : { state: 'untouched', version: 'v1' },
    );
  });
});

async function startUnit(text: string): Promise<void> {
  await begin();
  await here.system.sh(
    'cat >/etc/systemd/system/botserver.service && systemctl daemon-reload && systemctl start botserver',
    text,
  );
  await healthy(here.system);
}

async function stopUnit(): Promise<void> {
  await here.system.sh('systemctl stop botserver; rm /etc/systemd/system/botserver.service; systemctl daemon-reload');
}

/** The old version at its place, nothing running. */
async function begin(): Promise<void> {
  const { system } = here;
  await system.sh(
    'systemctl stop botserver 2>/dev/null; pkill -KILL -x botserver; rm -rf /opt/gbo/bin/.botserver.deploy',
  );
  await system.push(program('v1'), '/opt/gbo/bin/botserver');
  await system.sh('chown gbuser:gbuser /opt/gbo/bin/botserver');
}

async function mainPid(): Promise<string> {
  return (await here.system.sh('systemctl show -p MainPID --value botserver')).trim();
}

function asGbuser(command: string): Promise<string> {
  return here.system.sh(`setpriv --reuid=gbuser --regid=gbuser --init-groups \\
    env HOME=/home/gbuser XDG_RUNTIME_DIR=/run/user/$(id -u gbuser) sh -c '${command}'`);
}

/** Waits until logind has ended the account's sessions, and what it ends with them. */
async function noLogin(account: string): Promise<void> {
  await here.system.sh(`for try in $(seq 100); do
      loginctl list-sessions --no-legend | grep -qw ${account} || break; sleep 0.1
    done; sleep 1`);
}
