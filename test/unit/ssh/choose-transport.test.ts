import { describe, expect, it } from 'vitest';
import { choiceLine, chooseTransport, type TransportFacts } from '../../../lib/ssh/choose-transport.ts';
import { ConfigError } from '../../../lib/ssh/config.ts';
import { parseSettings } from '../../../lib/ssh/openssh-settings.ts';
import type { Target } from '../../../lib/ssh/target.ts';

const TARGET = { host: 'web', user: 'deploy', port: 22, hostKeyAlias: undefined, jumps: [] } as unknown as Target;
const PROXY = new ConfigError("config:2: ProxyCommand is set to 'nc', which is not supported", 'use ProxyJump there.');

function facts(given: Partial<TransportFacts> = {}): TransportFacts {
  return {
    wanted: 'auto',
    ssh: { version: { major: 9, minor: 2 } },
    settings: parseSettings('host web\nuser deploy\nhostname web\nport 22\ngssapiauthentication no\n'),
    builtin: TARGET,
    hasKey: true,
    hasCertificate: false,
    foreignIdentities: [],
    isKnownByAuthority: false,
    hasTickets: false,
    ...given,
  };
}

const because = (given: Partial<TransportFacts>) => {
  const choice = chooseTransport(facts(given));
  return choice.transport === 'openssh' ? choice.because : choice;
};

describe('auto', () => {
  it('takes the built-in client where nothing else is needed, with or without ssh', () => {
    expect(chooseTransport(facts())).toEqual({ transport: 'builtin' });
    expect(chooseTransport(facts({ ssh: { unusable: 'there is none' }, settings: undefined }))).toEqual({
      transport: 'builtin',
    });
  });

  it('takes OpenSSH for what the built-in client can not follow in the config', () => {
    expect(because({ builtin: PROXY })).toBe("config:2: ProxyCommand is set to 'nc'");
    expect(because({ hasCertificate: true })).toBe('`ssh-certificate` is set');
    expect(because({ isKnownByAuthority: true })).toContain('@cert-authority');
  });

  it('takes OpenSSH for identities of the runner, but only where ssh-key is not set', () => {
    const foreignIdentities = ['~/.ssh/id-cert.pub is a certificate'];
    expect(because({ foreignIdentities })).toEqual({ transport: 'builtin' });
    expect(because({ foreignIdentities, hasKey: false })).toBe('~/.ssh/id-cert.pub is a certificate');
  });

  it('takes OpenSSH for GSSAPI only where there are tickets, because distributions set it for every host', () => {
    const settings = parseSettings('hostname web\ngssapiauthentication yes\n');
    expect(because({ settings, hasKey: false })).toEqual({ transport: 'builtin' });
    expect(because({ settings, hasKey: false, hasTickets: true })).toContain('Kerberos ticket');
  });

  it.each([
    ['hostname other', 'HostName'],
    ['hostname web\nuser root', 'User'],
    ['hostname web\nport 2222', 'Port'],
    ['hostname web\nproxyjump bastion', 'ProxyJump'],
    ['hostname web\nhostkeyalias prod', 'HostKeyAlias'],
  ])('takes OpenSSH where it reads the config differently: %j', (text, name) => {
    expect(because({ settings: parseSettings(`${text}\n`) })).toBe(`it reads ${name} of the SSH config differently`);
  });

  it('leaves a config that ssh can not read either to the built-in client, which reports it', () => {
    expect(because({ builtin: new ConfigError('config:1: x'), settings: undefined })).toEqual({ transport: 'builtin' });
  });

  it('fails without an OpenSSH where it is needed, with both remedies', () => {
    const ssh = { unusable: "the `ssh` of this runner is dropbear's client" };
    expect(chooseTransport(facts({ builtin: PROXY, ssh, settings: undefined }))).toEqual({
      transport: 'none',
      why: "config:2: ProxyCommand is set to 'nc', and the `ssh` of this runner is dropbear's client.",
      remedy: 'install OpenSSH 8.0 or later where the job runs (openssh-client), or: use ProxyJump there.',
    });
  });
});

it('builtin and openssh are taken as they are set', () => {
  expect(chooseTransport(facts({ wanted: 'builtin', builtin: PROXY }))).toEqual({ transport: 'builtin' });
  expect(chooseTransport(facts({ wanted: 'builtin', hasCertificate: true }))).toMatchObject({ transport: 'none' });
  expect(because({ wanted: 'openssh' })).toBe('`transport` is `openssh`');
});

it('the choice is one line of the log', () => {
  const { ssh } = facts();
  expect(choiceLine({ transport: 'openssh', because: 'x is set' }, ssh)).toBe(
    "Connecting with the runner's OpenSSH 9.2, because x is set.",
  );
  expect(choiceLine({ transport: 'builtin' }, ssh)).toBeUndefined();
});
