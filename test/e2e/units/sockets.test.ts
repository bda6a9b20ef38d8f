import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { FILE, PORT, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const SOCKET = `[Socket]\nListenStream=127.0.0.1:${PORT}\n[Install]\nWantedBy=sockets.target\n`;

/** Asks again and again until `act` is done; gives how many requests were answered, and how many were refused or waited in vain. */
async function asking(act: () => Promise<unknown>): Promise<{ answered: number; refused: number }> {
  await host.system.sh(`cat >/opt/app/ask <<'END'
answered=0 refused=0
while [ ! -e /opt/app/enough ]; do
  curl -qsS -m 5 http://127.0.0.1:${PORT}/ >/dev/null 2>&1
  # 7 is a refused connection. One that the old program had accepted when it was stopped is for that program to finish.
  case $? in 0) answered=$((answered + 1)) ;; 7 | 28) refused=$((refused + 1)) ;; esac
done
echo "$answered $refused" >/opt/app/asked
END
rm -f /opt/app/enough /opt/app/asked; setsid sh /opt/app/ask </dev/null >/dev/null 2>&1 &`);
  await act();
  const told = await host.system.sh(
    'touch /opt/app/enough; for i in $(seq 100); do [ -s /opt/app/asked ] && break; sleep 0.1; done; cat /opt/app/asked',
  );
  const [answered = 0, refused = 0] = told.trim().split(' ').map(Number);
  return { answered, refused };
}

describe.each([
  ['', ''],
  [' that requires it', '[Unit]\nRequires=app.socket\n'],
])('a socket and its service%s', (_, unit) => {
  const UNITS = { 'app.socket': SOCKET, 'app.service': `${unit}[Service]\nExecStart=${FILE} --port 1\nUser=app\n` };

  test.each([
    ['active', program('v2'), 'v2'],
    ['rolled-back', program('bad', 'answers 500'), 'v1'],
  ])('no client is refused by a deploy that finishes as %s', async (state, source, version) => {
    await host.world(UNITS);
    await host.systemctl('start app.socket');
    expect(await host.version()).toBe('v1');
    let log = '';
    const asked = await asking(async () => {
      const step = await host.deploy(source, { 'health-timeout-seconds': 2 });
      log = step.log;
      expect(step.outputs.state, step.log).toBe(state);
    });
    expect(asked.refused, log).toBe(0);
    expect(asked.answered).toBeGreaterThan(10);
    expect(log).toContain('restart the unit app.service while app.socket stays as it is');
    expect(await host.version()).toBe(version);
    expect(await host.states('app.socket', 'app.service')).toEqual({ 'app.socket': 'active', 'app.service': 'active' });
  });

  test('a socket that was stopped on purpose stays stopped', async () => {
    await host.world({
      ...UNITS,
      'app.service': `[Unit]\nWants=app.socket\n[Service]\nExecStart=${FILE} --port ${PORT}\nUser=app\n`,
      'app.socket': SOCKET.replace(String(PORT), '25399'),
    });
    await host.systemctl('start --job-mode=ignore-dependencies app.service');
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('active');
    expect(await host.states('app.socket', 'app.service')).toEqual({
      'app.socket': 'inactive',
      'app.service': 'active',
    });
  });
});

test('a service that waits for its first connection is started by it, and by nothing else', async () => {
  await host.world({ 'app.socket': SOCKET, 'app.service': `[Service]\nExecStart=${FILE} --port 1\n` });
  await host.systemctl('start app.socket');
  const step = await host.deploy(program('v2'), { 'health-url': undefined });
  expect(step.outputs.state, step.log).toBe('active');
  expect(await host.states('app.socket', 'app.service')).toEqual({ 'app.socket': 'active', 'app.service': 'inactive' });
  expect(await host.version()).toBe('v2');
});

test('with Accept=yes nothing is restarted: the next connection runs the new file, the present one goes on', async () => {
  await host.world({
    'app.socket': `${SOCKET.replace('[Install]', 'Accept=yes\n[Install]')}`,
    'app@.service': `[Service]\nExecStart=${FILE} --connection\nStandardInput=socket\n`,
  });
  await host.systemctl('start app.socket');
  await host.system.sh(
    `setsid bash -c 'exec 5<>/dev/tcp/127.0.0.1/${PORT}; head -n 1 <&5 >/opt/app/first; sleep 60' </dev/null >/dev/null 2>&1 & sleep 1`,
  );
  const before = await host.system.sh('pgrep -x server');
  const step = await host.deploy(program('v2'), { 'health-url': undefined });
  expect(step.outputs.state, step.log).toBe('active');
  expect(await host.system.sh('pgrep -x server')).toBe(before);
  expect(await host.system.sh(`bash -c 'exec 5<>/dev/tcp/127.0.0.1/${PORT}; head -n 1 <&5'`)).toBe('v2\n');
  expect(await host.states('app.socket')).toEqual({ 'app.socket': 'active' });
});
