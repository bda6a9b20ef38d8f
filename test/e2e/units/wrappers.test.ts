import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, PORT, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const RUN = `printf '#!/bin/sh\\n${FILE} --port ${PORT}\\n' >/opt/app/run.sh; chmod 755 /opt/app/run.sh`;
const SYSV = `cat >/etc/init.d/app <<'END'
#!/bin/sh
case $1 in
  start) setsid ${FILE} --port ${PORT} >/dev/null 2>&1 </dev/null & ;;
  stop) pkill -x server ;;
esac
END
chmod 755 /etc/init.d/app`;

describe.each([
  ['a script that does not exec it', 'ExecStart=/opt/app/run.sh\nUser=app', RUN],
  ['sh -c', `ExecStart=/bin/sh -c '${FILE} --port ${PORT}; exit $?'\nUser=app`, ''],
  ['sudo -u', `ExecStart=/usr/bin/sudo -u app ${FILE} --port ${PORT}`, ''],
  ['su -, whose login takes it out of the unit', `ExecStart=/bin/su - app -c "exec ${FILE} --port ${PORT}"`, ''],
  [
    'a sysv script, without a main process',
    'Type=forking\nGuessMainPID=no\nRemainAfterExit=yes\nExecStart=/etc/init.d/app start\nExecStop=/etc/init.d/app stop',
    SYSV,
  ],
  [
    'a oneshot unit that remains',
    'Type=oneshot\nRemainAfterExit=yes\nUser=app\nExecStart=/bin/sh -c "/opt/app/run.sh >/dev/null 2>&1 &"',
    RUN,
  ],
])('a unit that starts the program by %s', (_, lines, prepare) => {
  test('runs the new version, its process in the unit; and the old one when the new one fails', async () => {
    await host.world({ 'app.service': `[Service]\n${lines}\nRestartSec=100ms\n` });
    await host.system.sh(`${prepare}\ntrue`);
    await host.systemctl('start app');
    await answers(host);

    const good = await host.deploy(program('v2'));
    expect(good.outputs.state, good.log).toBe('active');
    expect(good.log).toContain('stop the unit app.service');
    expect(await host.version()).toBe('v2');
    const verdict = await host.verify({ service: 'app', 'stable-seconds': 1 });
    expect(verdict.outputs.verified, verdict.log).toBe('true');

    const bad = await host.deploy(program('bad', 'exits after 900 ms'));
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(await host.version()).toBe('v2');
    expect(await host.states('app.service')).toEqual({ 'app.service': 'active' });
    expect(await host.system.sh('pgrep -xc server')).toBe('1\n');
  });
});

test('a script has no process that executes it: it is the main process of its unit', async () => {
  const folder = mkdtempSync('/tmp/fdt-script-');
  const script = (version: string) => {
    writeFileSync(`${folder}/${version}`, `#!/bin/sh\n# ${version}\nwhile :; do sleep 1; done\n`, { mode: 0o755 });
    return `${folder}/${version}`;
  };
  await host.world({ 'app.service': `[Service]\nExecStart=${FILE}\nUser=app\n` }, script('v1'));
  await host.systemctl('start app');
  const before = await host.systemctl('show -P MainPID app');
  const step = await host.deploy(script('v2'), { 'health-url': undefined });
  rmSync(folder, { recursive: true });
  expect(step.outputs.state, step.log).toBe('active');
  const now = await host.systemctl('show -P MainPID app');
  expect(now).toBe(`${step.outputs.pid}\n`);
  expect(now).not.toBe(before);
});
