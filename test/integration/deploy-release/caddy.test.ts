import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import program from '../../../target/programs/deploy-config.sh';
import { configDeploy } from '../../support/config-deploy.ts';
import { freePort, reachable } from '../../support/sshd.ts';

const SITES = Array.from({ length: 25 }, (_, at) => `site${at}.example`);

/** A caddy that serves 25 sites by their names, each with a snippet that is imported by a relative path. */
async function caddy() {
  const folder = mkdtempSync('/opt/fdt-caddy-');
  chmodSync(folder, 0o755);
  mkdirSync(`${folder}/snippets`);
  mkdirSync(`${folder}/home`);
  const [port, admin] = [await freePort(), await freePort()];
  const file = `${folder}/Caddyfile`;
  writeFileSync(`${folder}/snippets/plain.caddy`, 'header X-Snippet yes\n');
  const head = `{\n  admin localhost:${admin}\n  auto_https off\n}\n`;
  const site = (name: string, text = name) =>
    `http://${name}:${port} {\n  import snippets/*.caddy\n  respond "${text}"\n}\n`;
  const whole = (text?: string) => head + SITES.map((name) => site(name, text)).join('');
  writeFileSync(file, whole());
  const env = {
    PATH: process.env.PATH,
    HOME: `${folder}/home`,
    XDG_DATA_HOME: `${folder}/home`,
    XDG_CONFIG_HOME: `${folder}/home`,
  };
  const daemon: ChildProcess = spawn('caddy', ['run', '--config', file], { stdio: 'ignore', env });
  await reachable(port);
  const ask = (name: string) =>
    new Promise<string>((answer) => {
      get({ host: '127.0.0.1', port, headers: { host: name }, agent: false }, async (response) => {
        const body = (await response.setEncoding('utf8').toArray()).join('');
        answer(`${response.statusCode} ${body} ${response.headers['x-snippet']}`);
      }).on('error', ({ message }) => answer(message));
    });
  return {
    folder,
    file,
    whole,
    few: () =>
      head +
      SITES.slice(0, 2)
        .map((name) => site(name))
        .join(''),
    ask,
    url: `http://localhost:${port}/`,
    isAlive: () => daemon.exitCode === null,
    /** Which sites are served, each with its snippet. */
    served: async () => {
      const answers = await Promise.all(SITES.map(ask));
      return SITES.filter((name, at) => answers[at] === `200 ${name} yes`).length;
    },
    deploy: configDeploy(program, file, {
      check_command: 'caddy validate --adapter caddyfile --config {file}',
      apply_command: `HOME=${folder}/home caddy reload --adapter caddyfile --address localhost:${admin} --config ${file}`,
      health_url: `http://localhost:${port}/`,
      health_status: '200-404',
    }),
    [Symbol.asyncDispose]: async () => {
      daemon.kill('SIGKILL');
      for (let tried = 0; tried < 50 && daemon.exitCode === null && daemon.signalCode === null; tried += 1)
        await sleep(20);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

it('a configuration with a syntax error is refused before anything reads it', async () => {
  await using proxy = await caddy();
  const { said } = await proxy.deploy(`${proxy.whole()}\nhttp://new.example {\n  respnd "x"\n}\n`);
  expect(said).toMatchObject({ gave_up: 'refused', why: 'the check refused the file (exit code 1)' });
  expect(said.check_output).toContain('respnd');
  expect(readFileSync(proxy.file, 'utf8')).toBe(proxy.whole());
  expect(readdirSync(proxy.folder)).not.toContain('.forgejo-deploy-Caddyfile');
  expect(await proxy.served()).toBe(25);
});

it('a configuration whose reload is refused is restored, and the daemon and the file agree again', async () => {
  await using proxy = await caddy();
  expect((await proxy.deploy(proxy.whole())).said.state).toBe('active');
  // Valid as a text; but the address belongs to no interface of this host.
  const unusable = `${proxy.whole()}\nhttp://new.example:8080 {\n  bind 203.0.113.7\n}\n`;
  const { said, lines } = await proxy.deploy(unusable);
  expect(said).toMatchObject({
    state: 'rolled-back',
    failed: 'start',
    why: 'the apply command exited with code 1',
  });
  expect(lines.find((line) => line.startsWith('apply_output='))).toContain('cannot assign requested address');
  expect(readFileSync(proxy.file, 'utf8')).toBe(proxy.whole());
  expect(proxy.isAlive()).toBe(true);
  expect(await proxy.served()).toBe(25);
});

it('a configuration that the daemon takes and that serves something else is restored, and applied again', async () => {
  await using proxy = await caddy();
  await proxy.deploy(proxy.whole());
  const health = {
    health_command: `wget -q -O - --header 'Host: site7.example' ${proxy.url} | grep -q site7`,
    health_timeout_seconds: 1,
  };
  expect((await proxy.deploy(proxy.whole('maintenance'), health)).said).toMatchObject({
    state: 'rolled-back',
    failed: 'health',
  });
  expect(readFileSync(proxy.file, 'utf8')).toBe(proxy.whole());
  expect(await proxy.served()).toBe(25);
});

it('a new configuration with relative imports is checked, applied and served', async () => {
  await using proxy = await caddy();
  const { said } = await proxy.deploy(proxy.whole('moved'));
  expect(said.state).toBe('active');
  expect(await proxy.ask('site3.example')).toBe('200 moved yes');
});
