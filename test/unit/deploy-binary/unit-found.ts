import type { FoundUnit } from '../../../actions/deploy-binary/inspect/unit-found.ts';

/** An active service that starts the file itself, with what is given in addition. */
export function unitFound(given: Partial<FoundUnit> & { name: string }): FoundUnit {
  return {
    role: 'program',
    user: '',
    names: [given.name],
    load: 'loaded',
    active: 'active',
    sub: 'running',
    enabled: 'enabled',
    type: 'simple',
    account: '',
    remain: false,
    transient: false,
    reload: false,
    accept: false,
    command: 'exact',
    pids: [],
    triggers: [],
    dependents: [],
    wants: [],
    startRefused: false,
    stopRefused: false,
    ...given,
  };
}
