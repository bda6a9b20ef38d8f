import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, PORT, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

/** A supervisor by its name, as the kernel has it: it keeps the program running until it is told not to. */
const supervisor = (name: string) => `cat >/opt/app/${name} <<'END'
#!/bin/sh
while :; do [ -e /opt/app/down ] || ${FILE} --port ${PORT}; sleep 0.05; done
END
chmod 755 /opt/app/${name}`;

test.each([
  ['supervisord', 'supervisorctl'],
  ['runsv', 'sv'],
  ['s6-supervise', 's6-svc'],
  ['monit', 'monit'],
])('%s as a unit: refused, with its own command; with that the deploy works and rolls back', async (name, command) => {
  await host.world({ 'keeper.service': `[Service]\nExecStart=/opt/app/${name}\n` });
  await host.system.sh(supervisor(name));
  await host.systemctl('start keeper');
  await answers(host);
  const keeper = await host.systemctl('show -P MainPID keeper');
  const step = await host.deploy(program('v2'));
  expect(step.outputs.state, step.log).toBe('untouched');
  expect(step.log).toContain(`is kept running by ${name}`);
  expect(step.log).toContain(`stop-command: ${command} `);

  const commands = {
    restart: 'command',
    'stop-command': 'touch /opt/app/down; pkill -x server',
    'start-command': 'rm /opt/app/down',
  };
  const good = await host.deploy(program('v2'), commands);
  expect(good.outputs.state, good.log).toBe('active');
  expect(await host.version()).toBe('v2');
  if (name === 'runsv') {
    const bad = await host.deploy(program('bad', 'exits after 900 ms'), commands);
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(await host.version()).toBe('v2');
  }
  expect(await host.systemctl('show -P MainPID keeper')).toBe(keeper);
});
