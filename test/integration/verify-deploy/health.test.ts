import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { freePort, type Sshd, sshd } from '../../support/sshd.ts';
import { shell, target } from '../../support/target.ts';

/** An HTTP server that gives the same bytes to whoever asks. */
async function answering(...parts: string[]): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort();
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(parts.join('\r\n')));
  });
  await new Promise<void>((listens) => server.listen(port, '127.0.0.1', listens));
  return {
    url: `http://localhost:${port}/`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

const HTTP_CLIENTS = ['curl', 'perl', 'nc', 'wget'];

/** A host whose only HTTP client is that one, where whatever heeds the environment would ask a proxy that is not there. */
function only(client: string): Promise<Sshd> {
  const [kept = '', busybox] = client.split(' of ');
  const others = HTTP_CLIENTS.filter((name) => name !== kept && shell(`command -v ${name} || true`) !== '');
  return sshd({
    config: 'SetEnv http_proxy=http://127.0.0.1:1',
    instead: {
      ...Object.fromEntries(others.map((name) => [name, '/dev/null'])),
      ...(busybox ? { [kept]: shell('command -v busybox').trim() } : {}),
    },
  });
}

async function health(host: Sshd, inputs: Record<string, string>): Promise<string> {
  const { outputs, log } = await verified(host, inputs);
  const checks = JSON.parse(outputs.checks ?? '[]') as { name: string; found: string }[];
  return checks.find(({ name }) => name === 'health')?.found ?? log;
}

function verified(host: Sshd, inputs: Record<string, string>): Promise<Step> {
  return step('verify-deploy', {
    inputs: {
      host: `root@127.0.0.1:${host.port}`,
      'ssh-key': host.key,
      'known-hosts': host.knownHosts,
      path: '/bin/true',
      running: 'any',
      ...inputs,
    },
  });
}

describe.each(['curl', 'perl', 'wget', 'wget of busybox'])('a target whose only HTTP client is %s', (client) => {
  it('finds the text in the answer and nowhere else, as far as its 64th kilobyte', async () => {
    await using host = await only(client);
    await using ok = await answering('HTTP/1.1 200 OK', 'X-Build: OK', 'Content-Length: 0', '', '');
    expect(await health(host, { 'health-url': ok.url, 'health-contains': 'OK' })).toMatch(
      /answers 200 without 'OK': $/,
    );
    await using long = await answering('HTTP/1.1 200 OK', '', `build 7 ${'x'.repeat(200_000)}`);
    expect(await health(host, { 'health-url': long.url, 'health-contains': 'build 7' })).toBe('ok 200');
  });

  it('takes the status from the answer, whatever the text says', async () => {
    await using host = await only(client);
    await using quoting = await answering('HTTP/1.1 200 OK', '', 'last failure:', 'HTTP/1.1 500 Oops');
    expect(await health(host, { 'health-url': quoting.url })).toBe('ok 200');
    await using moved = await answering('HTTP/1.1 302 Found', 'Location: http://127.0.0.1:1/', '', 'over there');
    expect(await health(host, { 'health-url': moved.url, 'health-status': '302' })).toBe('ok 302');
  });

  it('says why there is no answer', async () => {
    await using host = await only(client);
    expect(await health(host, { 'health-url': 'http://localhost:1/' })).toMatch(
      /^http:\/\/localhost:1\/: .*(onnect|no HTTP answer)/,
    );
  });
});

it('a hint before the answer is not taken for it', async () => {
  await using host = await only('curl');
  await using hinting = await answering('HTTP/1.1 103 Early Hints', 'Link: </a>', '', 'HTTP/1.1 200 OK', '', 'fine');
  expect(await health(host, { 'health-url': hinting.url, 'health-contains': 'fine' })).toBe('ok 200');
});

/** An HTTPS server whose certificate nobody has signed; it listens when it is told to. */
function selfSigned(port: number) {
  const folder = shell('mktemp -d /tmp/fdt-tls-XXXXXX').trim();
  shell(
    `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout ${folder}/key -out ${folder}/cert 2>/dev/null`,
  );
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(`${folder}/${name}`));
  const server = createSecureServer({ key, cert }, (_, answer) => answer.end('fine'));
  return {
    url: `https://localhost:${port}/`,
    listen: () => new Promise<void>((listens) => server.listen(port, '127.0.0.1', listens)),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      shell(`rm -rf ${folder}`);
    },
  };
}

describe('a certificate that the target does not trust', () => {
  it.each(['curl', 'wget'])('is the reason that is given, by %s', async (client) => {
    await using host = await only(client);
    await using secure = selfSigned(await freePort());
    await secure.listen();
    expect(await health(host, { 'health-url': secure.url })).toMatch(
      /self[- ]signed certificate|certificate is not trusted/,
    );
  });

  it('stops a deploy before the program is stopped', async () => {
    await using host = await target();
    await using secure = selfSigned(await freePort());
    await secure.listen();
    await host.startByHand(program('v1'));
    const { pid } = (await host.health()) ?? {};
    const deploy = await host.deploy({ source: program('v2'), 'health-url': `${secure.url}?token=t0ken` });
    expect(deploy.log).toContain(`the target does not trust the certificate of ${secure.url}?token=***`);
    expect(deploy.log).not.toContain('t0ken');
    expect(deploy.outputs.state).toBe('untouched');
    expect(await host.health()).toMatchObject({ version: 'v1', pid });
  });

  it('ends the wait at once', async () => {
    await using host = await target();
    await using secure = selfSigned(await freePort());
    await host.startByHand(program('v1'));
    const began = Date.now();
    const deploy = host.startDeploy({
      source: program('v2'),
      'health-url': secure.url,
      'health-timeout-seconds': 60,
      'stop-timeout-seconds': 1,
    });
    await deploy.saw('] start ');
    await secure.listen();
    const { log } = await deploy.ended;
    expect(log).toMatch(/why: {4}not healthy: https:\S+ .*self-signed certificate/);
    expect(log).toContain('do:     use an http URL of the program itself, or add the certificate to the trusted ones');
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

/** A server that answers 200 to requests with all of these headers while `isUp`, and else says what it was sent. */
async function wanting(headers: string[], isUp = async () => true): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort();
  const server = createPlainServer(async (request, answer) => {
    const sent = request.rawHeaders.flatMap((name, index, all) => (index % 2 ? [] : [`${name}: ${all[index + 1]}`]));
    const isAllowed = headers.every((header) => sent.filter((one) => one === header).length === 1);
    answer.writeHead(isAllowed ? ((await isUp()) ? 200 : 502) : 403).end(JSON.stringify(sent));
  });
  await new Promise<void>((listens) => server.listen(port, '127.0.0.1', listens));
  return { url: `http://localhost:${port}/`, [Symbol.asyncDispose]: async () => void server.close() };
}

describe('health-headers', () => {
  const GIVEN = ['Host: app.example', 'Authorization: Bearer t0ken "of\\ health', "X-It's: $(id) % 100"];

  it.each(['curl', 'perl'])('are sent once each by %s, and stand in no log and no argument list', async (client) => {
    await using host = await only(client);
    await using guarded = await wanting([...GIVEN, 'Accept: */*']);
    const seen = shownWhile('t0ken "of');
    expect(await health(host, { 'health-url': guarded.url, 'health-headers': GIVEN.join('\n') })).toBe('ok 200');
    expect(await seen.stop()).toEqual([]);
    const some = { 'health-url': guarded.url, 'health-headers': GIVEN.slice(1).join('\n') };
    const { log, outputs } = await verified(host, some);
    expect(outputs.failed).toContain('health');
    const told = log.replace(/^::add-mask::.*$/gm, '') + JSON.stringify(outputs);
    expect(told).toContain('answers 403');
    expect(told).not.toContain('t0ken');
  });

  it('that are wrong are refused by the number of their line', async () => {
    await using host = await only('curl');
    for (const wrong of ['t0ken', 'X Y: 1', 'Content-Length: 4', '@/etc/shadow: 1', 'Host:']) {
      const inputs = { 'health-url': 'http://localhost:1/', 'health-headers': `Host: x\n${wrong}` };
      const { log } = await verified(host, inputs);
      expect(log).toContain('line 2 must be `Name: value`');
      expect(log).not.toContain(wrong);
    }
    expect((await verified(host, { 'health-headers': 'Host: x' })).log).toContain('only valid with `health-url`');
  });

  it('let a deploy ask through a proxy that answers to one name only; without a client for them it is refused', async () => {
    await using bare = await target({ instead: { curl: '/dev/null', perl: '/dev/null' } });
    await using host = await target();
    await using proxy = await wanting(['Host: app.example'], async () => (await host.health()) !== undefined);
    const inputs = { 'health-url': proxy.url, 'health-headers': 'Host: app.example' };
    const refused = await bare.deploy({ ...inputs, source: program('v1') });
    expect(refused.log).toContain('nothing on the target can send health-headers');
    expect(refused.outputs.state).toBe('untouched');
    await host.startByHand(program('v1'));
    const deploy = await host.deploy({ ...inputs, source: program('v2') });
    expect(deploy.outputs.state, deploy.log).toBe('active');
  });
});

it('a token in the URL is in no argument list when wget asks', async () => {
  await using host = await only('wget');
  await using ok = await answering('HTTP/1.1 200 OK', '', 'fine');
  const seen = shownWhile('t0ken-of-health');
  for (let tried = 0; tried < 3; tried += 1)
    expect(await health(host, { 'health-url': `${ok.url}?token=t0ken-of-health` })).toBe('ok 200');
  expect(await seen.stop()).toEqual([]);
});

/** Watches the argument lists of all processes until it is stopped; gives those that contain the text. */
function shownWhile(text: string): { stop(): Promise<string[]> } {
  const seen = new Set<string>();
  let looking = true;
  const sampler = (async () => {
    while (looking) {
      for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
        try {
          const words = readFileSync(`/proc/${name}/cmdline`, 'utf8');
          if (words.includes(text)) seen.add(words);
        } catch {
          // It ended meanwhile.
        }
      }
      await sleep(1);
    }
  })();
  return {
    stop: async () => {
      looking = false;
      await sampler;
      return [...seen];
    },
  };
}

it("busybox's wget, which would show a token, is not used for a URL that may have one", async () => {
  await using host = await only('wget of busybox');
  await using ok = await answering('HTTP/1.1 200 OK', '', 'fine');
  expect(await health(host, { 'health-url': `${ok.url}?token=x` })).not.toBe('ok 200');
});
