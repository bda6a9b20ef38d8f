import { chownSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Account, account } from '../../support/accounts.ts';
import { program } from '../../support/programs.ts';
import { type TestTarget, target } from '../../support/target.ts';

const SECRET = 'Tr0ub4dor-and-3';

/** Every tool that the programs use does the wrong thing, and so does every option that a shell takes from outside. */
const FOREIGN = [
  'for name in ls stat printf test cd cat tail sed head id tr dd chmod mv ln rm command read echo kill wait; do',
  'eval "$name() { builtin echo state=active; builtin echo foreign; return 0; }"; export -f $name; done',
  'export BASH_ENV=$HOME/hook ENV=$HOME/hook POSIXLY_CORRECT=1 IFS=a LC_ALL=xx LD_PRELOAD=/nowhere.so PERL5OPT=-Mnothing',
  'export PATH=$HOME/tools:$PATH; set -fu; set -o noclobber; export SHELLOPTS',
  '',
].join('\n');

function profile(login: Account, text: string): void {
  writeFileSync(`${login.home}/.bashrc`, text);
  writeFileSync(`${login.home}/hook`, 'echo state=active; set -f\n');
  for (const file of ['.bashrc', 'hook']) chownSync(`${login.home}/${file}`, login.uid, login.uid);
}

function as(login: Account, host: TestTarget) {
  return { host: `${login.name}@127.0.0.1:${host.sshd.port}` };
}

describe('what a login exports changes nothing:', () => {
  it.each([
    ['dash', {}],
    ['bash', { dash: '/bin/bash' }],
    ['busybox', { dash: '/bin/busybox' }],
  ])('functions, options, BASH_ENV, IFS and LD_PRELOAD, with %s as /bin/sh', async (_, instead) => {
    await using host = await target({ instead });
    using deployer = account({ shell: '/bin/bash', sudo: true });
    profile(deployer, FOREIGN);
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      ...as(deployer, host),
      source: program('v2'),
      environment: `APP_TOKEN=${SECRET}`,
    });
    expect(step.log).toContain('state     active');
    expect(step.log).toMatch(/running as pid \d+ \(fdt/);
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid, env: [`APP_TOKEN=${SECRET}`] });
    expect(host.pids()).toHaveLength(1);
  });
});

describe('a login that does not run the command is sent nothing secret:', () => {
  it.each(['exec bash', 'exec /usr/bin/fish', 'exec bash -x', 'set -v; exec bash'])(
    'a .bashrc that ends in `%s`',
    async (last) => {
      await using host = await target();
      using deployer = account({ shell: '/bin/bash', sudo: true });
      profile(deployer, `echo This host is retired.\n${last}\n`);
      await host.startByHand(program('v1'));
      const step = await host.deploy({
        ...as(deployer, host),
        source: program('v2'),
        environment: `APP_TOKEN=${SECRET}`,
      });
      expect(step.log.replace(/^::add-mask::.*$/gm, '')).not.toContain(SECRET);
      expect(step.log).toContain('the login shell did not run the command passed to it');
      expect(step.log).toContain('This host is retired.');
      expect(step.outputs.state).toBe('untouched');
      expect(await host.health()).toMatchObject({ version: 'v1' });
    },
    90_000,
  );

  it.each(['set -x', 'set -v', 'exec 2>&1; set -vx', 'printf "\\033]0;title\\007"'])(
    'but `%s` in it does no harm, because the programs run in a shell of their own',
    async (line) => {
      await using host = await target();
      using deployer = account({ shell: '/bin/bash', sudo: true });
      profile(deployer, `${line}\n`);
      await host.startByHand(program('v1'));
      const step = await host.deploy({
        ...as(deployer, host),
        source: program('v2'),
        environment: `APP_TOKEN=${SECRET}`,
      });
      expect(step.log.replace(/^::add-mask::.*$/gm, '')).not.toContain(SECRET);
      expect(step.outputs.state, step.log).toBe('active');
    },
  );
});

describe('a shell that can not keep a value out of an argument list', () => {
  it.each(['/bin/mksh', '/bin/ksh93'])('is refused in one line: %s as /bin/sh', async (sh) => {
    await using host = await target({ instead: { dash: sh } });
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2'), environment: `APP_TOKEN=${SECRET}` });
    expect(step.log).toContain('/bin/sh there is a shell whose printf or local is not a builtin');
    expect(step.log).toContain('do:     make /bin/sh dash, bash or busybox.');
    expect(step.outputs.state).toBe('untouched');
  });
});
