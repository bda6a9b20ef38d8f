import { expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { manyTargets } from '../../support/many.ts';
import { program } from '../../support/programs.ts';
import { expectTranscript } from '../../support/transcript.ts';

it('the log of a deploy to three targets, of which the second fails and the first is reverted', async () => {
  await using targets = await manyTargets(3, '[ $number != 1 ] || touch /srv/picky');
  const ended = await step('deploy-binary', {
    inputs: {
      ...targets.usual,
      host: targets.hosts.join('\n'),
      source: program('v1', 'never listens', 2 << 20),
      'health-command': '[ ! -e /srv/picky ]',
      'health-timeout-seconds': 1,
      'stable-seconds': 0.2,
      transfer: 'plain',
      'revert-all': true,
    },
  });
  expect(ended.outputs.state, ended.log).toBe('rolled-back');
  const names = targets.hosts.map((host, index) => [host, `root@web-${index + 1}:22`] as const);
  await expectTranscript('several-targets', ended.log, names);
});
