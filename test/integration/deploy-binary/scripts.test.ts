import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { shell, type TestTarget, target } from '../../support/target.ts';

describe('a script', () => {
  /** Serves on the port; its process executes the interpreter. */
  const script = (host: TestTarget, version: string) => {
    const file = `${host.sshd.folder}/${version}`;
    const serve = `IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => ${host.port}, Listen => 5, ReuseAddr => 1)`;
    const answer = `HTTP/1.0 ${version === 'bad' ? 500 : 200} OK\\r\\n\\r\\n{"version":"${version}"}`;
    writeFileSync(
      file,
      `#!/usr/bin/perl\nuse IO::Socket::INET;\nmy $s = ${serve} or die;\nwhile (my $c = $s->accept) { $c->recv(my $asked, 4096); print $c "${answer.replaceAll('"', '\\"')}"; close $c }\n`,
    );
    return file;
  };
  /** Starts and stops it, and remembers its pid, as a service manager does. */
  const manager = (host: TestTarget) => ({
    start: `cd ${host.folder} && { setsid setpriv --reuid=${host.service.uid} --regid=${host.service.uid} --clear-groups ./${host.name} </dev/null >/dev/null 2>&1 9>&- & echo $! >${host.folder}/pid; }`,
    stop: `[ ! -s ${host.folder}/pid ] || kill $(cat ${host.folder}/pid); rm -f ${host.folder}/pid`,
  });

  it('that commands start and stop is checked by its health, and rolled back', async () => {
    await using host = await target();
    const { start, stop } = manager(host);
    const inputs = {
      restart: 'command',
      'start-command': start,
      'stop-command': stop,
      owner: host.service.name,
      args: undefined,
      'log-file': undefined,
      'health-timeout-seconds': 2,
    };
    try {
      expect((await host.deploy({ ...inputs, source: script(host, 'v1') })).log).toContain('state     active');
      expect((await host.deploy({ ...inputs, source: script(host, 'v2') })).log).toContain('state     active');
      expect((await host.deploy({ ...inputs, source: script(host, 'bad') })).outputs.state).toBe('rolled-back');
      expect(await host.health()).toEqual({ version: 'v2' });
      const blind = await host.deploy({ ...inputs, source: script(host, 'v3'), 'health-url': undefined });
      expect(blind.log).toContain('its process and port cannot be identified after the start command.');
    } finally {
      shell(stop);
    }
  });
});
