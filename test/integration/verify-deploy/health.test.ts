import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';
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
  const { outputs, log } = await step('verify-deploy', {
    inputs: {
      host: `root@127.0.0.1:${host.port}`,
      'ssh-key': host.key,
      'known-hosts': host.knownHosts,
      path: '/bin/true',
      running: 'any',
      ...inputs,
    },
  });
  const checks = JSON.parse(outputs.checks ?? '[]') as { name: string; found: string }[];
  return checks.find(({ name }) => name === 'health')?.found ?? log;
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
    const deploy = await host.deploy({ source: program('v2'), 'health-url': secure.url });
    expect(deploy.log).toContain(`the target does not trust the certificate of ${secure.url}`);
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
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

it('a token in the URL is in no argument list when wget asks', async () => {
  await using host = await only('wget');
  await using ok = await answering('HTTP/1.1 200 OK', '', 'fine');
  const seen = new Set<string>();
  let looking = true;
  const sampler = (async () => {
    while (looking) {
      for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
        try {
          const words = readFileSync(`/proc/${name}/cmdline`, 'utf8');
          if (words.includes('t0ken-of-health')) seen.add(words);
        } catch {
          // It ended meanwhile.
        }
      }
      await sleep(1);
    }
  })();
  for (let tried = 0; tried < 3; tried += 1)
    expect(await health(host, { 'health-url': `${ok.url}?token=t0ken-of-health` })).toBe('ok 200');
  looking = false;
  await sampler;
  expect([...seen]).toEqual([]);
});

it("busybox's wget, which would show a token, is not used for a URL that may have one", async () => {
  await using host = await only('wget of busybox');
  await using ok = await answering('HTTP/1.1 200 OK', '', 'fine');
  expect(await health(host, { 'health-url': `${ok.url}?token=x` })).not.toBe('ok 200');
});
