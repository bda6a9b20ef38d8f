import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { draws } from '../../support/draws.ts';
import { attackOn } from '../../support/hostile-account.ts';
import { program, sha256 } from '../../support/programs.ts';
import { shell, target } from '../../support/target.ts';

/** More of them: HOSTILE_DEPLOYS=300 npm test -- integration hostile-account */
const DEPLOYS = Number(process.env.HOSTILE_DEPLOYS ?? 12);
const SEED = Number(process.env.HOSTILE_SEED ?? 41);
const PHASES = ['connect', 'transfer', 'stop', 'swap', 'start', 'stable'];

it(
  `two hostile accounts gain nothing from root and kill nothing of root's, in ${DEPLOYS} deploys struck at any phase`,
  async () => {
    await using host = await target();
    await using attack = await attackOn(host);
    const draw = draws(SEED, 1);
    const told: string[] = [];
    await host.startByHand(program('v1'));
    for (let number = 1; number <= DEPLOYS; number += 1) {
      const good = draw() < 0.6;
      const phase = PHASES[Math.floor(draw() * PHASES.length)] ?? 'stop';
      const strategy = draw() < 0.25 ? 'in-place' : 'staged';
      const source = program(`n${number % 7}`, good ? 'healthy' : 'exits after 900 ms');
      const step = host.startDeploy({
        source,
        strategy,
        environment: 'APP_TOKEN=s3cret-of-the-step',
        owner: host.service.name,
        mode: '0755',
        'run-as': host.service.name,
        'stop-timeout-seconds': 1,
        'health-timeout-seconds': 3,
        'stable-seconds': 1,
      });
      // What was proved may be killed from then on, by the account that it belongs to.
      let proved = false;
      for (const last of ['accept', 'rollback-stable']) {
        step.saw(last).then(
          () => {
            proved = true;
          },
          () => undefined,
        );
      }
      await Promise.race([step.saw(phase).catch(() => undefined), step.ended]);
      await Promise.race([attack.strike(50 + draw() * 700, draw), sleep(5000)]);
      const isTruthKnown = !proved;
      const { outputs, log } = await step.ended;
      told.push(outputs.state ?? 'none');
      const where = `deploy ${number}, struck at ${phase}, ${strategy}, ${good ? 'good' : 'bad'}:\n${log}`;
      expect(attack.violations(log), where).toEqual([]);
      expect(log.replace(/^::add-mask::.*$/gm, ''), where).not.toContain('s3cret-of-the-step');
      const health = await host.health();
      if (isTruthKnown && outputs.state === 'active') {
        expect(health, where).toMatchObject({ pid: Number(outputs.pid), uid: host.service.uid });
        expect(sha256(host.destination), where).toBe(sha256(source));
      } else if (isTruthKnown && outputs.state === 'rolled-back' && outputs.pid) {
        expect(health, where).toMatchObject({ pid: Number(outputs.pid), uid: host.service.uid });
      }
      if (health?.uid !== undefined) expect(health.uid, where).toBe(host.service.uid);
      shell(`pkill -KILL -u ${host.service.uid} -x payload || true`);
    }
    expect(told).toContain('active');
    const last = await host.deploy({ source: program('last'), owner: host.service.name, 'run-as': host.service.name });
    expect(last.outputs.state, last.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'last', uid: host.service.uid });
  },
  60_000 + DEPLOYS * 20_000,
);
