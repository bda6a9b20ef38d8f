import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runWorkflow, type WorkflowOptions } from '../support/act.ts';
import { authority } from '../support/ca.ts';
import { forge } from '../support/forge.ts';
import { gitServer } from '../support/git-server.ts';
import { newKey } from '../support/login.ts';
import { type Container, container } from '../support/lxd.ts';
import { program, sha256 } from '../support/programs.ts';
import { project } from '../support/project.ts';
import { keyPair } from '../support/small.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;
const TOKEN = 'user-token-0123456789';

describe('the examples for a host', () => {
  const key = keyPair();
  const built = project();
  let hosts: Container[];
  beforeAll(async () => {
    hosts = await Promise.all(['web-1', 'web-2'].map((name) => container('busybox', name)));
    for (const host of hosts) {
      await host.account('root', key.public);
      await host.account('app', key.public);
      await host.sh('mkdir -p /opt/app/bin /opt/app/logs && chown -R app:app /opt/app');
    }
  });
  afterAll(async () => {
    built[Symbol.dispose]();
    await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
  });

  /** Both hosts as the runner's SSH config knows them; the first one has three names. */
  function run(example: string, options: WorkflowOptions = {}) {
    const names = ['web-1 production staging', 'web-2'];
    const config = hosts.map(({ address }, at) => `Host ${names[at]}\n  HostName ${address}\n  User root\n`);
    return runWorkflow(`${EXAMPLES}${example}`, {
      repository: built.folder,
      home: {
        '.ssh/config': config.join(''),
        '.ssh/id_ed25519': key.private,
        '.ssh/known_hosts': `${hosts.map(({ knownHosts }) => knownHosts).join('\n')}\n`,
      },
      ...options,
    });
  }

  async function serves(): Promise<(string | undefined)[]> {
    const answers = await Promise.all(hosts.map((host) => host.tried('wget -qO- http://127.0.0.1:8080/health')));
    return answers.map(({ output }) => /"version":"(\w+)"/.exec(output)?.[1]);
  }

  test('deploy.yml builds, deploys and verifies', async () => {
    built.build(program('v1'));
    const { code, log } = await run('deploy.yml');
    expect(code, log).toBe(0);
    expect(log).toContain('All checks passed.');
    expect(await serves()).toEqual(['v1', undefined]);
  });

  test('deploy-by-hand.yml shows the plan in a dry run, and deploys without it', async () => {
    built.build(program('v2'));
    const event = 'workflow_dispatch' as const;
    const shown = await run('deploy-by-hand.yml', { event, inputs: { target: 'production', 'dry-run': 'true' } });
    expect(shown.code, shown.log).toBe(0);
    expect(shown.log).toContain('dry-run is set: nothing was changed.');
    expect(await serves()).toEqual(['v1', undefined]);
    const done = await run('deploy-by-hand.yml', { event, inputs: { target: 'production', 'dry-run': 'false' } });
    expect(done.code, done.log).toBe(0);
    expect(await serves()).toEqual(['v2', undefined]);
  });

  test('roll-back.yml activates the previous release, or one by its digest', async () => {
    const event = 'workflow_dispatch' as const;
    const back = await run('roll-back.yml', { event, inputs: { release: 'previous', 'dry-run': 'false' } });
    expect(back.code, back.log).toBe(0);
    expect(await serves()).toEqual(['v1', undefined]);
    const release = sha256(program('v2')).slice(0, 12);
    const forth = await run('roll-back.yml', { event, inputs: { release, 'dry-run': 'false' } });
    expect(forth.code, forth.log).toBe(0);
    expect(await serves()).toEqual(['v2', undefined]);
  });

  test('deploy-several.yml deploys everywhere; a host that fails gives the others their version back', async () => {
    built.build(program('v3'));
    const { code, log } = await run('deploy-several.yml');
    expect(code, log).toBe(0);
    expect(await serves()).toEqual(['v3', 'v3']);
    built.build(program('v4'));
    await hosts[1]?.sh('chmod 000 /opt/app/logs; mv /opt/app/bin/server /opt/app/bin/away');
    const failed = await run('deploy-several.yml');
    await hosts[1]?.sh('mv /opt/app/bin/away /opt/app/bin/server; chmod 755 /opt/app/logs');
    expect(failed.code, failed.log).toBe(1);
    expect(await serves()).toEqual(['v3', 'v3']);
  });

  test('promote.yml deploys to production what ran on staging, and refuses other bytes', async () => {
    const kept = mkdtempSync('/tmp/fdt-promote-');
    const action = (name: string, command: string) => {
      mkdirSync(`${kept}/${name}`);
      const step = `{shell: bash, run: '${command}'}`;
      const text = `name: ${name}\ninputs: {name: {}, path: {}}\nruns:\n  using: composite\n  steps:\n    - ${step}\n`;
      writeFileSync(`${kept}/${name}/action.yml`, text);
      return `${kept}/${name}`;
    };
    const actions = {
      'forgejo/upload-artifact@v4': action('upload', `cp server ${kept}/server`),
      'forgejo/download-artifact@v4': action('download', `cp ${kept}/server server`),
    };
    built.build(program('v5'));
    const done = await run('promote.yml', { actions });
    expect(done.code, done.log).toBe(0);
    expect(await serves()).toEqual(['v5', 'v5']);
    // Somebody replaces the artifact between the two jobs.
    action('swap', `cp ${program('v1')} server`);
    built.build(program('v6'));
    const swapped = { ...actions, 'forgejo/download-artifact@v4': `${kept}/swap` };
    const refused = await run('promote.yml', { actions: swapped });
    rmSync(kept, { recursive: true });
    expect(refused.code, refused.log).toBe(1);
    expect(refused.log).toContain(`its sha256 is ${sha256(program('v1'))}, not ${sha256(program('v6'))} (sha256).`);
    expect(await serves()).toEqual(['v6', 'v5']);
  });

  test('verify.yml is quiet until something else runs', async () => {
    const quiet = await run('verify.yml', { event: 'schedule' });
    expect(quiet.code, quiet.log).toBe(0);
    await hosts[1]?.sh('cd /opt/app/bin && cp server drifted && mv drifted server && chown app:app server');
    const drifted = await run('verify.yml', { event: 'workflow_dispatch' });
    expect(drifted.code, drifted.log).toBe(1);
    expect(drifted.log).toMatch(/FAILED running .* runs a deleted image/);
  });
});

test('deploy-with-oidc.yml logs in with a certificate that an earlier step got, here from an authority of the test', async () => {
  const built = project();
  await using host = await container('debian', 'oidc');
  const folder = mkdtempSync('/tmp/fdt-oidc-');
  try {
    const ca = authority(folder);
    await host.account('root', 'no-key');
    await host.account('app', 'no-key');
    await host.sh(`mkdir -p /opt/app/bin && chown -R app:app /opt/app && echo '${ca.publicKey}' >/etc/ssh/ca.pub`);
    await host.sh("echo 'TrustedUserCAKeys /etc/ssh/ca.pub' >>/etc/ssh/sshd_config && systemctl restart ssh");
    newKey(`${folder}/id_ecdsa`);
    ca.sign(`${folder}/id_ecdsa`, { principals: 'root' });
    // In the place of opkssh, which would exchange the token of the run.
    const files = `mkdir -p ~/.ssh && cp ${folder}/id_ecdsa ${folder}/id_ecdsa-cert.pub ~/.ssh`;
    writeFileSync(`${folder}/opkssh`, `#!/bin/sh\n[ "$*" = 'login forgejo' ] && ${files}\n`, { mode: 0o755 });
    built.build(program('v1'));
    const { code, log } = await runWorkflow(`${EXAMPLES}deploy-with-oidc.yml`, {
      repository: built.folder,
      env: { PATH: `${folder}:${process.env.PATH}` },
      home: { '.ssh/config': `Host web-1.example.org\n  HostName ${host.address}\n` },
      vars: { KNOWN_HOSTS: host.knownHosts },
    });
    expect(code, log).toBe(0);
    expect(log).toMatch(/Connecting with the runner's OpenSSH .*id_ecdsa-cert\.pub is a certificate/);
  } finally {
    built[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('the examples for a submodule', () => {
  test('submodule-bump.yml moves the pointer and takes the result of the pipeline that it started', async () => {
    await using server = await gitServer();
    await using api = await forge('forgejo 15', server.url);
    server.makeRoot('root', ['service']);
    const newest = server.commit('team/service');
    api.course = ['waiting', 'running', 'failure'];
    const env = { ...forgeOf(api.url), GITHUB_REPOSITORY: 'team/service' };
    // The commit of the event is that of the runner's clone.
    using pushed = project();
    execFileSync('git', ['-C', pushed.folder, 'pull', '-q', `${server.folder}/team/service.git`, 'main'], {
      stdio: 'pipe',
    });
    const ended = runWorkflow(`${EXAMPLES}submodule-bump.yml`, {
      repository: pushed.folder,
      env,
      secrets: { ROOT_TOKEN: TOKEN },
    });
    await vi.waitFor(() => expect(server.pointer('root', 'service')).toBe(newest), 60_000);
    const commit = server.git('team/root', 'rev-parse', 'main');
    api.runs.push({ id: 100, event: 'push', workflow: 'deploy.yml', read: 0, commit });
    const { code, log } = await ended;
    expect(server.pointer('root', 'service'), log).toBe(newest);
    expect(log).toContain('failure');
    expect(code).toBe(1);
  });

  test('submodule-sweep.yml brings all to their newest commit, and production only when chosen', async () => {
    await using server = await gitServer();
    await using api = await forge('forgejo 15', server.url);
    server.makeRoot('root', ['one', 'two']);
    const env = { ...forgeOf(api.url), GITHUB_REPOSITORY: 'team/root' };
    const sweep = (chosen: string) =>
      runWorkflow(`${EXAMPLES}submodule-sweep.yml`, {
        event: 'workflow_dispatch',
        inputs: { submodule: 'one', production: chosen },
        env,
        secrets: { ROOT_TOKEN: TOKEN },
        vars: { PRODUCTION_ROOT: `${server.url}/team/production.git` },
      });
    for (const name of ['one', 'two']) server.commit(`team/${name}`);
    cpSync(`${server.folder}/team/root.git`, `${server.folder}/team/production.git`, { recursive: true });
    const newest = ['one', 'two'].map((name) => server.git(`team/${name}`, 'rev-parse', 'main'));
    const near = await sweep('false');
    expect(near.code, near.log).toBe(0);
    expect(['one', 'two'].map((name) => server.pointer('root', name))).toEqual(newest);
    expect(['one', 'two'].map((name) => server.pointer('production', name))).not.toEqual(newest);
    const far = await sweep('true');
    expect(far.code, far.log).toBe(0);
    expect(['one', 'two'].map((name) => server.pointer('production', name))).toEqual(newest);
  });
});

function forgeOf(url: string): Record<string, string> {
  return { FORGEJO_ACTIONS: 'true', GITHUB_SERVER_URL: url, GITHUB_API_URL: `${url}/api/v1` };
}
