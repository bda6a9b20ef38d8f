import { randomUUID } from 'node:crypto';
import type { Deploy, Membership } from './deployment.ts';
import { healthValues, words } from './inspect/inspect.ts';
import { limitSecondsOf, STALL_SECONDS, uploadLimitSeconds } from './limits.ts';
import { lastAccount } from './plan/obstacles/account.ts';
import { startedFirst, startsAlone } from './plan/plan-units.ts';

/** The values that both deploy and recovery take. */
export function deployValues(deploy: Deploy) {
  const { inputs, found, plan, run } = deploy;
  return {
    id: randomUUID(),
    folder: inputs.folder,
    name: inputs.name,
    run: run.url || 'a run outside a workflow',
    actor: run.actor,
    workflow: run.series,
    run_number: run.number,
    seen: found.seen,
    size: plan.file.bytes,
    sha256: plan.file.sha256,
    old_sha: found.file?.sha256,
    old_about: found.file ? `${found.file.ids} ${found.file.mode}` : '',
    old_capabilities: found.file?.capabilities,
    owner: plan.ownerIds,
    same_owner: plan.sameOwner ? 'yes' : '',
    mode: plan.mode,
    capabilities: inputs.capabilities,
    strategy: inputs.strategy,
    restart: plan.restart,
    ...unitValues(deploy),
    stop_command: inputs.stopCommand,
    start_command: inputs.startCommand,
    stop_signal: inputs.stopSignal,
    stop_timeout_seconds: inputs.stopTimeoutSeconds,
    run_as: plan.runAs,
    run_uid: found.runUid,
    accounts: found.accounts,
    ...lastAccount(found),
    args: words(inputs.args),
    environment: words(inputs.environment),
    working_directory: inputs.workingDirectory ?? inputs.folder,
    log_file: inputs.logFile,
    ...healthValues(inputs),
    health_timeout_seconds: inputs.health.timeoutSeconds,
    stable_cs: Math.round(inputs.health.stableSeconds * 100),
    stable_seconds: inputs.health.stableSeconds,
    rollback: String(inputs.rollback),
    keep_releases: inputs.keepReleases,
    lock_timeout_seconds: inputs.lockTimeoutSeconds,
    upload_limit_seconds: uploadLimitSeconds(plan.file.bytes),
    silence_seconds: STALL_SECONDS,
    limit_seconds: limitSecondsOf(deploy),
    session_kills: found.sessionKills ? 'yes' : '',
    ...membershipValues(deploy.membership),
    ...deploy.kind?.values,
  };
}

/** Empty for a deploy that is a release of its own. */
function membershipValues(member: Membership | undefined) {
  return {
    release: member?.release,
    part: member?.part,
    parts: member?.members.length,
    first_folder: member?.first.folder,
    first_name: member?.first.name,
    lock_after: member?.lockAfter,
    members: member?.members.join('\n'),
    waits: member?.waits ? 'yes' : '',
    wait_seconds: member?.waitSeconds ?? 60,
    reloads: member?.reloads,
  };
}

function unitValues({ inputs, plan }: Deploy) {
  const { units } = plan;
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).join(' ');
  const alone = startsAlone(units);
  return {
    unit: units.unit,
    unit_user: units.user,
    units: names(units.units),
    restarted_units: names(units.restarted),
    left_units: names(units.left),
    dependents: names(units.dependents),
    // What must be afterwards as it is before the stop.
    watched_units: names([...units.triggers, ...units.wanted]),
    start_alone: alone ? 'yes' : '',
    start_first: alone ? names(startedFirst(units)) : '',
    daemon_reload: inputs.daemonReload && units.unit !== '' ? 'yes' : '',
  };
}
