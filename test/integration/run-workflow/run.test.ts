import { describe, expect, it } from 'vitest';
import { type Step, start, step } from '../../support/action.ts';
import { type Forge, type ForgeKind, forge } from '../../support/forge.ts';

const TOKEN = 'user-token-0123456789';
/** Nothing here goes on to a git server. */
const NO_GIT = 'http://127.0.0.1:1';

type Inputs = Record<string, string | number | boolean | undefined>;

function stepOptions(kind: ForgeKind, api: Forge, inputs: Inputs) {
  const isGithub = kind.startsWith('github');
  return {
    inputs: { workflow: 'deploy.yml', token: TOKEN, ...inputs },
    env: {
      GITHUB_SERVER_URL: api.url,
      GITHUB_REPOSITORY: 'team/service',
      GITHUB_API_URL: `${api.url}/api/${isGithub ? 'v3' : 'v1'}`,
      ...(isGithub ? { FORGEJO_ACTIONS: '', GITHUB_RUN_ID: '7' } : {}),
    },
  };
}

function run(kind: ForgeKind, api: Forge, inputs: Inputs = {}): Promise<Step> {
  return step('run-workflow', stepOptions(kind, api, inputs));
}

const dispatches = (api: Forge) =>
  api.asked.filter((asked) => asked.startsWith('POST ') && asked.includes('dispatches'));

describe('the workflow is started once, and its run followed until it ends', () => {
  it.each([
    ['forgejo 12', true],
    ['forgejo 17', true],
    ['gitea 1.26', false],
    ['gitea 1.27', true],
    ['github', true],
    ['github enterprise', false],
  ] as const)('on %s, which reports the run: %s', async (kind, reports) => {
    await using api = await forge(kind, NO_GIT);
    api.runs.push({ id: 95, event: 'workflow_dispatch', commit: '', workflow: 'deploy.yml', read: 9 });
    const { code, log, outputs, summary } = await run(kind, api, { inputs: 'target=web-1\nnote=a=b', wait: true });
    expect(code, log).toBe(0);
    expect(api.sent.at(-1)).toMatchObject({ ref: 'main', inputs: { target: 'web-1', note: 'a=b' } });
    const url = `${api.url}/team/gb/actions/runs/11`;
    expect(outputs).toEqual({ result: 'success', 'run-id': '101', 'run-number': '11', 'run-url': url });
    expect(log).toMatch(/Waiting for run 11 to finish, at most 3600 s\n/);
    expect(log).toMatch(/ {2}running +after \d+ s\n[\s\S]* {2}success +after \d+ s/);
    expect(log.includes('Waiting for the run to appear')).toBe(!reports);
    expect(api.runs).toHaveLength(2);
    expect(summary).toContain('deploy');
    expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(TOKEN);
  });

  it('without wait it ends when the workflow is started', async () => {
    await using api = await forge('forgejo 15', NO_GIT);
    const { code, outputs } = await run('forgejo 15', api, { ref: 'release' });
    expect(code).toBe(0);
    expect(api.sent[0]).toMatchObject({ ref: 'release' });
    expect(outputs).toMatchObject({ result: 'started', 'run-number': '10' });
    expect(api.runs[0]?.read).toBe(0);
  });

  it('with the automatic token of the run in its own repository, and without a token in no other', async () => {
    await using api = await forge('forgejo 15', NO_GIT);
    const options = stepOptions('forgejo 15', api, { token: undefined });
    const env = { ...options.env, FORGEJO_TOKEN: 'automatic-0123456789' };
    const own = await step('run-workflow', { ...options, env });
    expect(own.code, own.log).toBe(0);
    expect(api.authorizations).toContain('token automatic-0123456789');
    const other = await step('run-workflow', { inputs: { ...options.inputs, repository: 'team/other' }, env });
    expect(other.log).toContain("that needs a token, and the run's automatic token is limited to its own repository.");
    expect(dispatches(api)).toHaveLength(1);
  });

  it('before Forgejo 12, which lists no runs, only without wait', async () => {
    await using api = await forge('forgejo 11', NO_GIT);
    const refused = await run('forgejo 11', api, { wait: true });
    expect(refused.code).toBe(1);
    expect(refused.log).toContain('does not list workflow runs (Forgejo 12 and later do), so `wait` cannot work.');
    expect(dispatches(api)).toEqual([]);
    expect((await run('forgejo 11', api, { inputs: 'full=true' })).log).toContain('declare full as a choice');
    expect(dispatches(api)).toHaveLength(1);
  });
});

describe('the run of this step among those that others start', () => {
  const other = { id: 90, event: 'workflow_dispatch', commit: '', workflow: 'deploy.yml', read: 0 };

  /** Somebody else starts the same workflow while this step does. */
  async function atOnce(api: Forge, theirs: Partial<Forge['runs'][number]>, inputs: Inputs = {}) {
    const running = start('run-workflow', stepOptions('gitea 1.26', api, { wait: true, ...inputs }));
    await running.saw('Started deploy.yml on main');
    api.runs.unshift({ ...other, branch: 'main', actor: 'ada', title: 'deploy', course: ['failure'], ...theirs });
    return running.ended;
  }

  it.each([
    ['of another account', { actor: 'bob' }],
    ['of another branch', { branch: 'release' }],
    ['of another workflow', { workflow: 'lint.yml' }],
    ['of a push', { event: 'push' }],
  ])('is not one %s', async (_, theirs) => {
    await using api = await forge('gitea 1.26', NO_GIT);
    const { code, log, outputs } = await atOnce(api, theirs);
    expect(code, log).toBe(0);
    expect(outputs['run-id']).toBe('100');
  });

  it('is the one with the marker in its title; without one the step does not guess', async () => {
    await using api = await forge('gitea 1.26', NO_GIT);
    const marked = await atOnce(api, {}, { inputs: 'request={marker}' });
    expect(marked.code, marked.log).toBe(0);
    expect(marked.outputs['run-id']).toBe('100');
    expect(api.runs.find(({ id }) => id === 100)?.title).toMatch(/^deploy run-[0-9a-f]{12}$/);
    api.runs.length = 0;
    const unknown = await atOnce(api, {});
    expect(unknown.code).toBe(1);
    expect(unknown.log).toContain('and this forge does not report which of them was started here.');
    expect(unknown.log).toContain('do:     put `{marker}` into the value of one of `inputs`');
    expect(unknown.outputs).toMatchObject({ result: 'started', 'run-id': '' });
  });
});

describe('a run that does not succeed', () => {
  it.each([
    ['failure', 'it failed.'],
    ['cancelled', 'it was cancelled.'],
    ['skipped', 'it was skipped: nothing of it ran.'],
  ])('%s ends the step red', async (result, why) => {
    await using api = await forge('forgejo 15', NO_GIT);
    api.course = ['running', result];
    const { code, log, outputs } = await run('forgejo 15', api, { wait: true });
    expect(code).toBe(1);
    expect(log).toContain(`why:    ${why}`);
    expect(outputs).toMatchObject({ result, 'run-number': '10' });
  });

  it.concurrent('in time ends it red with the link, and says so when no runner takes it', async ({ expect }) => {
    await using api = await forge('forgejo 15', NO_GIT);
    api.course = ['waiting'];
    const running = start('run-workflow', stepOptions('forgejo 15', api, { wait: true, 'wait-timeout-seconds': 16 }));
    await running.saw('Warning: No runner has taken run 10 yet, and no other run of team/service is in progress.');
    const { code, log, outputs } = await running.ended;
    expect(code).toBe(1);
    expect(log).toContain('why:    it is waiting and did not finish within 16 s.');
    expect(log).toMatch(/do: .*give that runner a capacity of 2, or leave `wait` out/);
    expect(outputs.result).toBe('started');
  });

  it.concurrent('is not taken for one that this job keeps from a runner while another may hold it', async ({
    expect,
  }) => {
    await using api = await forge('forgejo 15', NO_GIT);
    api.runs.push({ id: 92, event: 'push', commit: '', workflow: 'ci.yml', read: 1, course: ['running'] });
    // The run of this very job, which is in progress too.
    api.runs.push({ id: 97, event: 'push', commit: '', workflow: 'start.yml', read: 1, course: ['running'] });
    api.course = ['waiting'];
    const running = start('run-workflow', stepOptions('forgejo 15', api, { wait: true, 'wait-timeout-seconds': 16 }));
    await running.saw('no runner has taken it yet; run 2 is in progress and may hold one');
    expect((await running.ended).log).not.toContain('Warning:');
  });

  it('because this step was cancelled: the log says that the run goes on, and so does the post step of a killed one', async () => {
    await using api = await forge('forgejo 15', NO_GIT);
    api.course = ['running'];
    const options = stepOptions('forgejo 15', api, { wait: true });
    const asked = start('run-workflow', options);
    await asked.saw('  running');
    asked.process.kill('SIGTERM');
    const { code, log, state } = await asked.ended;
    expect(code).toBe(1);
    expect(log).toContain('why:    this step was cancelled. The run was not: it is running and goes on.');
    expect(state['waits-for']).toBe('');
    const killed = start('run-workflow', options);
    await killed.saw('  running');
    killed.process.kill('SIGKILL');
    const left = (await killed.ended).state;
    const env = Object.fromEntries(Object.entries(left).map(([name, value]) => [`STATE_${name}`, value]));
    const post = await step('run-workflow', { inputs: {}, env });
    expect(post.code, post.log).toBe(0);
    expect(post.log).toContain(
      `This step was cancelled. Run 11 was not, and goes on: ${api.url}/team/service/actions/runs/11`,
    );
  });
});
