import { describe, expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { type Forge, type ForgeKind, forge } from '../../support/forge.ts';
import { type GitServer, gitServer } from '../../support/git-server.ts';

const TOKEN = 'user-token-0123456789';

type Inputs = Record<string, string | number | boolean | undefined>;

function bump(api: Forge, server: GitServer, inputs: Inputs = {}, env: Record<string, string> = {}): Promise<Step> {
  return step('submodule-bump', {
    inputs: { repository: 'team/gb', token: TOKEN, ...inputs },
    env: {
      GITHUB_SERVER_URL: api.url,
      GITHUB_REPOSITORY: 'team/botserver',
      GITHUB_SHA: server.git('team/botserver', 'rev-parse', 'main'),
      ...env,
    },
  });
}

/** Environment of a runner of that forge. */
function runnerOf(kind: ForgeKind, api: Forge): Record<string, string> {
  if (!kind.startsWith('github')) return { GITHUB_API_URL: `${api.url}/api/v1` };
  return { GITHUB_API_URL: `${api.url}/api/v3`, FORGEJO_ACTIONS: '' };
}

async function forgeWithRoot(kind: ForgeKind, server: GitServer): Promise<Forge> {
  server.makeRoot('gb', ['botserver']);
  server.commit('team/botserver', { subject: 'Answer faster' });
  const api = await forge(kind, server.url);
  api.commitOf = () => server.git('team/gb', 'rev-parse', 'main');
  return api;
}

describe('dispatch and wait', () => {
  it.each(['forgejo 12', 'forgejo 17', 'gitea 1.26', 'gitea 1.27', 'github', 'github enterprise'] as const)(
    'start the workflow after the push and take its result, on %s',
    async (kind) => {
      await using server = await gitServer();
      await using api = await forgeWithRoot(kind, server);
      const inputs = { dispatch: 'deploy.yml', 'dispatch-inputs': 'target=web-1\nnote=a=b', wait: true };
      const { code, log, outputs } = await bump(api, server, inputs, runnerOf(kind, api));
      expect(code, log).toBe(0);
      expect(api.sent[0]).toMatchObject({ ref: 'main', inputs: { target: 'web-1', note: 'a=b' } });
      expect(outputs).toMatchObject({ result: 'pushed', 'run-url': `${api.url}/team/gb/actions/runs/10` });
      expect(log).toMatch(/ {2}running +after \d+ s\n[\s\S]* {2}success +after \d+ s/);
      expect(log).not.toContain(`${TOKEN}"`);
    },
  );

  it('report before the push that Forgejo 11 lists no runs, yet start the workflow there without wait', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 11', server);
    const before = server.git('team/gb', 'rev-parse', 'main');
    const refused = await bump(api, server, { dispatch: 'deploy.yml', wait: true });
    expect(refused.code).toBe(1);
    expect(refused.log).toContain(
      [
        'Error: Preparing wait on team/gb failed.',
        "  why:    this server's API (11.0.3+gitea-1.22.0) does not list workflow runs (Forgejo 12 and later do), so `wait` cannot work.",
        '  do:     leave `wait` out, or upgrade the server. Nothing was pushed.',
      ].join('\n'),
    );
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
    const started = await bump(api, server, { dispatch: 'deploy.yml', 'dispatch-inputs': 'full=true' });
    expect(started.code, started.log).toBe(0);
    expect(started.log).toContain('passes boolean inputs set to true as false; declare full as a choice');
    expect(api.runs).toHaveLength(1);
  });

  it.each([
    ['failure', 'why:    it failed.'],
    ['cancelled', 'why:    it was cancelled, and no run of a later push has this pointer.'],
    ['skipped', 'why:    it was skipped: none of its jobs ran.'],
  ])('end red when the run ends with %s, and say that the pointer is pushed', async (end, why) => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.course = ['running', end];
    const { code, log, outputs } = await bump(api, server, { dispatch: 'deploy.yml', wait: true });
    expect(code).toBe(1);
    expect(log).toContain(why);
    expect(log).toContain(`state:  the pointer is pushed: ${outputs['root-commit']} is in the root repository.`);
    expect(outputs.result).toBe('pushed');
  });

  it('end red at the limit, with the link', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.course = ['running'];
    const inputs = { dispatch: 'deploy.yml', wait: true, 'wait-timeout-seconds': 1 };
    const { code, log } = await bump(api, server, inputs);
    expect(code).toBe(1);
    expect(log).toContain(`Waiting for the run on ${api.url}/team/gb/actions/runs/10 failed.`);
    expect(log).toContain('why:    it is running and did not finish within 1 s.');
  });

  it('follow the run that the push itself started, not an older one', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const before = server.git('team/gb', 'rev-parse', 'main');
    api.runs.push({ id: 95, event: 'push', commit: before, workflow: 'ci.yml', read: 9 });
    const running = bump(api, server, { wait: true });
    while (server.git('team/gb', 'rev-parse', 'main') === before) await new Promise((next) => setTimeout(next, 20));
    api.runs.push({ id: 101, event: 'push', commit: api.commitOf(), workflow: 'ci.yml', read: 0 });
    const { code, log, outputs } = await running;
    expect(code, log).toBe(0);
    expect(outputs['run-url']).toBe(`${api.url}/team/gb/actions/runs/11`);
  });

  it.each(['gitea 1.26', 'github'] as const)(
    'follow the run on %s that has a later push for its commit, and none that was started before',
    async (kind) => {
      await using server = await gitServer();
      await using api = await forgeWithRoot(kind, server);
      const before = server.git('team/gb', 'rev-parse', 'main');
      api.runs.push({ id: 95, event: 'workflow_dispatch', commit: before, workflow: 'deploy.yml', read: 9 });
      api.commitOf = () => 'f'.repeat(40);
      const { code, log, outputs } = await bump(
        api,
        server,
        { dispatch: 'deploy.yml', wait: true },
        runnerOf(kind, api),
      );
      expect(code, log).toBe(0);
      expect(outputs['run-url']).toBe(`${api.url}/team/gb/actions/runs/11`);
    },
  );

  it('wait on while the forge is away: the run may be bringing a new version of it', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.refuse = { status: 502, body: '<html>Bad Gateway</html>', times: 4, path: /^GET .*\/actions\/runs\/\d+$/ };
    const { code, log } = await bump(api, server, { dispatch: 'deploy.yml', wait: true });
    expect(code, log).toBe(0);
    expect(log).toContain('Reading the run 100: the forge answered 502; trying again');
    expect(log).toContain('success');
  });

  it('start nothing when the pointer is there already', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    await bump(api, server);
    const { code, log } = await bump(api, server, { dispatch: 'deploy.yml', wait: true });
    expect(code).toBe(0);
    expect(log).toContain('Nothing was pushed (up-to-date), so no run is started or waited for.');
    expect(api.runs).toEqual([]);
  });

  it('start it when the job is run again after a start that failed, and not once more after that', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.refuse = { status: 500, body: '{"message":"down"}', times: 1, path: /dispatches/ };
    const failed = await bump(api, server, { dispatch: 'deploy.yml' });
    expect(failed.log).toContain('Re-running this job continues from there.');
    const again = await bump(api, server, { dispatch: 'deploy.yml', wait: true }, { GITHUB_RUN_ATTEMPT: '2' });
    expect(again.code, again.log).toBe(0);
    expect(again.outputs).toMatchObject({
      result: 'up-to-date',
      changed: 'false',
      'run-url': `${api.url}/team/gb/actions/runs/10`,
    });
    const third = await bump(api, server, { dispatch: 'deploy.yml', wait: true }, { GITHUB_RUN_ATTEMPT: '3' });
    expect(third.code, third.log).toBe(0);
    expect(third.outputs['run-url']).toBe(`${api.url}/team/gb/actions/runs/10`);
    expect(api.runs).toHaveLength(1);
  });

  it('are followed further when the job is re-run: a failed run is repeated, one of a push is awaited', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.course = ['failure'];
    expect((await bump(api, server, { dispatch: 'deploy.yml', wait: true })).code).toBe(1);
    for (const run of api.runs) run.course = ['failure'];
    api.course = ['running', 'success'];
    const anew = await bump(api, server, { dispatch: 'deploy.yml', wait: true }, { GITHUB_RUN_ATTEMPT: '2' });
    expect(anew.code, anew.log).toBe(0);
    expect(api.runs).toHaveLength(2);
    api.runs.push({ id: 111, event: 'push', commit: api.commitOf(), workflow: 'ci.yml', read: 0 });
    const pushed = await bump(api, server, { wait: true }, { GITHUB_RUN_ATTEMPT: '2' });
    expect(pushed.code, pushed.log).toBe(0);
    expect(pushed.outputs['run-url']).toBe(`${api.url}/team/gb/actions/runs/21`);
  });

  it('ride out a forge that is away for a moment', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.refuse = { status: 502, body: 'Bad Gateway', times: 2, path: /runs\/\d+$/ };
    const { code, log } = await bump(api, server, { dispatch: 'deploy.yml', wait: true });
    expect(code, log).toBe(0);
  });
});

describe('wait, while others push', () => {
  /** A bump that waits for the runs of its push, which `then` makes once the push is there. */
  async function waiting(
    kind: ForgeKind,
    [api, server]: [Forge, GitServer],
    then: (ours: string, later: () => string) => void,
  ): Promise<Step> {
    const before = server.git('team/gb', 'rev-parse', 'main');
    const running = bump(api, server, { wait: true }, runnerOf(kind, api));
    while (server.git('team/gb', 'rev-parse', 'main') === before) await new Promise((next) => setTimeout(next, 20));
    then(api.commitOf(), () => server.commit('team/gb', { subject: 'somebody else' }));
    return running;
  }

  it.each(['forgejo 15', 'gitea 1.26', 'github'] as const)(
    'takes the result of the run of a later push that cancelled the one of ours, on %s',
    async (kind) => {
      await using server = await gitServer();
      await using api = await forgeWithRoot(kind, server);
      const { code, log, outputs } = await waiting(kind, [api, server], (ours, later) => {
        const run = { event: 'push', workflow: 'ci.yml', read: 0 };
        api.runs.push({ ...run, id: 101, commit: ours, course: ['running', 'cancelled'] });
        api.runs.push({ ...run, id: 102, commit: later(), course: ['running', 'success'] });
      });
      expect(code, log).toBe(0);
      expect(log).toContain('Run 11 finished as cancelled; run 12 has this pointer too:');
      expect(outputs['run-url']).toBe(`${api.url}/team/gb/actions/runs/12`);
    },
  );

  it('finds the run of a later push where ours has none', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const { code, log, outputs } = await waiting('forgejo 15', [api, server], (_, later) => {
      api.runs.push({ id: 102, event: 'push', commit: later(), workflow: 'ci.yml', read: 0 });
    });
    expect(code, log).toBe(0);
    expect(outputs['run-url']).toBe(`${api.url}/team/gb/actions/runs/12`);
  });

  it.each([
    ['of a commit that does not descend from ours', 'ci.yml', false],
    ['of another workflow', 'lint.yml', true],
  ])('takes no success %s for ours', async (_, workflow, descends) => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const other = server.commit('team/gb', { branch: 'other' });
    const { code, log } = await waiting('forgejo 15', [api, server], (ours, later) => {
      const run = { event: 'push', read: 0 };
      api.runs.push({ ...run, id: 101, commit: ours, workflow: 'ci.yml', course: ['running', 'cancelled'] });
      api.runs.push({ ...run, id: 102, commit: descends ? later() : other, workflow, course: ['success'] });
    });
    expect(code, log).toBe(1);
    expect(log).toContain('why:    it was cancelled, and no run of a later push has this pointer.');
    expect(log).toContain('state:  the pointer is pushed:');
  });

  it('lets the successful one of several runs of one workflow for its commit decide', async () => {
    for (const ends of [
      ['failure', 'success'],
      ['success', 'failure'],
      ['failure', 'failure'],
    ]) {
      await using server = await gitServer();
      await using api = await forgeWithRoot('forgejo 15', server);
      const { code, log } = await waiting('forgejo 15', [api, server], (commit) => {
        for (const [index, end = ''] of ends.entries())
          api.runs.push({ id: 101 + index, event: 'push', commit, workflow: 'ci.yml', read: 0, course: [end] });
      });
      expect(code, log).toBe(ends.includes('success') ? 0 : 1);
    }
  });

  it('says that it waits, how the run is every 15 s, and what keeps a run from a runner', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    api.course = ['waiting'];
    const inputs = { dispatch: 'deploy.yml', wait: true, 'wait-timeout-seconds': 17 };
    const { code, log } = await bump(api, server, inputs);
    expect(code).toBe(1);
    expect(log).toContain('Waiting for run 10 to finish, at most 17 s');
    expect(log).toMatch(/ {2}waiting +after 0 s\n {2}waiting +after 15 s\n/);
    expect(log).toContain(
      'Warning: No runner has taken run 10 yet, and no other run of team/gb is in progress. If this job occupies the only suitable runner, neither can finish: give that runner a capacity of 2, or leave `wait` out.',
    );
    expect(log).toMatch(/do: .*a capacity of 2, or leave `wait` out/);
  });
});

describe('an answer of the forge is reported by its cause', () => {
  const CASES: [status: number, body: string, why: string][] = [
    [401, `{"message":"invalid token ${TOKEN}"}`, 'the token is refused (401).'],
    [403, '{"message":"no scope"}', 'the token lacks permission (403).'],
    [307, '', 'the forge redirects to https://elsewhere.example/ (307), where no token is sent.'],
    [422, '{"message":"bad input"}', 'the forge refused the request (422).'],
    [500, '{"message":"Workflow broken"}', 'the forge failed (500).'],
    [200, '<html>log in</html>', 'the answer (200) is not JSON; a proxy may have answered instead of the forge.'],
  ];
  it.each(CASES)('%i', async (status, body, why) => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const headers = { location: 'https://elsewhere.example/' };
    api.refuse = { status, body, times: 9, path: /dispatches/, ...(status === 307 ? { headers } : {}) };
    const { code, log } = await bump(api, server, { dispatch: 'deploy.yml' });
    expect(code).toBe(1);
    expect(log).toContain(`why:    ${why}`);
    expect(log).toContain('state:  the pointer is pushed:');
    expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(TOKEN);
    expect(api.asked.filter((asked) => asked.includes('dispatches'))).toHaveLength(1);
  });

  it('a workflow that is not there', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const { log } = await bump(api, server, { dispatch: 'nope.yml' });
    expect(log).toContain('Starting the workflow nope.yml');
    expect(log).toContain('output: | Workflow not found');
  });

  it('no token for the root repository of another owner', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const inputs = { repository: `file://${server.folder}/team/gb.git`, token: undefined, dispatch: 'deploy.yml' };
    const { code, log } = await bump(api, server, inputs);
    expect(code).toBe(1);
    expect(log).toContain('why:    this URL does not identify a forge with an API.');
  });
});

describe('a pull request', () => {
  it('is opened once, and brought up to date in place by a branch that only grows', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const [before, old] = [server.git('team/gb', 'rev-parse', 'main'), server.pointer('gb', 'botserver')];
    const first = await bump(api, server, { 'pull-request': true });
    expect(first.code, first.log).toBe(0);
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
    const { ref: branch } = (api.pulls[0]?.head ?? {}) as { ref: string };
    expect(branch).toMatch(/^submodule-bump\/main\/botserver\/[0-9a-f]{12}$/);
    expect(first.outputs['pull-request-url']).toBe(`${api.url}/team/gb/pulls/1`);
    const firstTip = server.git('team/gb', 'rev-parse', branch);
    const commit = server.commit('team/botserver', { subject: 'Closes #1 for @all' });
    const second = await bump(api, server, { 'pull-request': true });
    expect(second.code, second.log).toBe(0);
    expect(api.pulls).toHaveLength(1);
    expect(second.outputs['pull-request-url']).toBe(`${api.url}/team/gb/pulls/1`);
    expect(server.pointer('gb', 'botserver', branch)).toBe(commit);
    expect(server.git('team/gb', 'rev-parse', `${branch}~1`)).toBe(firstTip);
    expect(api.pulls[0]?.title).toBe(`Update submodule botserver: ${old.slice(0, 12)}..${commit.slice(0, 12)}`);
    expect(api.pulls[0]?.body).toContain('- Answer faster');
    expect(api.pulls[0]?.body).not.toMatch(/#1|@all/);
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('is opened for a branch that was pushed by a run that died before', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('gitea 1.26', server);
    api.refuse = { status: 500, body: '{"message":"down"}', times: 1, path: /^POST .*pulls/ };
    expect((await bump(api, server, { 'pull-request': true })).code).toBe(1);
    const again = await bump(api, server, { 'pull-request': true });
    expect(again.code, again.log).toBe(0);
    expect(api.pulls).toHaveLength(1);
  });

  it('is not for what the branch has already', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    await bump(api, server);
    const { outputs } = await bump(api, server, { 'pull-request': true });
    expect(outputs).toMatchObject({ changed: 'false', result: 'up-to-date' });
    expect(api.pulls).toEqual([]);
  });

  it('excludes further remotes, dispatch and wait', async () => {
    await using server = await gitServer();
    await using api = await forgeWithRoot('forgejo 15', server);
    const { log } = await bump(api, server, { 'pull-request': true, remotes: 'a=https://x.example/y.git', wait: true });
    expect(log).toContain("Input 'remotes': a pull request is pushed to the primary remote only");
    expect(log).toContain("Input 'pull-request': a pull request moves nothing yet");
  });
});
