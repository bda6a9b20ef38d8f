import { describe, expect, it } from 'vitest';
import { step } from '../support/action.ts';
import { gitServer } from '../support/git-server.ts';
import { NODE_VERSIONS, nodeOf } from '../support/nodes.ts';
import { program } from '../support/programs.ts';
import { target } from '../support/target.ts';

// What users run: the bundles as they are committed.
const bundles = new URL('../../dist/', import.meta.url).pathname;

describe.each(NODE_VERSIONS)('Node.js %s', (version) => {
  it('deploys, verifies and bumps', async () => {
    const node = await nodeOf(version);
    await using host = await target();
    await host.startByHand(program('v1'));
    const source = program('v2');
    const deployed = await step('deploy-binary', { inputs: { ...host.usual, source }, node, bundles });
    expect(deployed.outputs.state, deployed.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2' });
    const { host: address, 'ssh-key': key, 'known-hosts': known, 'health-url': url } = host.usual;
    const inputs = { host: address, 'ssh-key': key, 'known-hosts': known, path: host.destination, source };
    const verified = await step('verify-deploy', { inputs: { ...inputs, 'health-url': url }, node, bundles });
    expect(verified.outputs.verified, verified.log).toBe('true');
    await using server = await gitServer();
    server.makeRoot('root', ['service']);
    const newest = server.commit('team/service');
    const bumped = await step('submodule-bump', {
      inputs: { repository: 'team/root', token: 'user-token-0123456789' },
      env: { GITHUB_SERVER_URL: server.url, GITHUB_REPOSITORY: 'team/service', GITHUB_SHA: newest },
      node,
      bundles,
    });
    expect(bumped.outputs.result, bumped.log).toBe('pushed');
    expect(server.pointer('root', 'service')).toBe(newest);
  }, 240_000);
});
