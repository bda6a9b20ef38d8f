# A part that is one file which a running service reads: what the frame of a transaction calls (docs/RELEASES.md). Nothing is
# stopped. The service goes on with what it has read until the file is applied.

. ../config/apply.sh
. ../config/check.sh
. ../lib/say.sh
. ../state/journal.sh
. ./read-file.sh

PART_KIND=config
# What rolling back needs, by the names of the variables that hold it: for the journal.
PART_KEYS='new_sha new_live old_sha old_about old_live was_healthy'

# part_stage: the new file in the state folder, proved and checked, and the previous one kept. Sets refused.
part_stage() {
  stage_file || return 1
  [ "$in_encoding" = none ] || { check_incoming && prepare_deployed; }
}

# part_unstage: nothing was changed, and nothing of it stays.
part_unstage() {
  drop_check
  rm -f incoming restored original trial trial.to reserve decode.errors command.output command.pipe deployed.new
  drop_release "${kept_now:-none}"
}

# part_begin: the variables of the transaction, before what they are to be is known.
part_begin() {
  begin_without_process
  was_healthy=''
}

# part_remember: whether the old file is healthy, before it can be too late to know.
part_remember() {
  if config_is_healthy yes; then was_healthy=yes; else was_healthy=no; fi
}

part_prepare() {
  find_timeout
  command_environment
}

# part_reload: a unit that runs this file is not known.
part_reload() {
  limited 30 systemctl daemon-reload >/dev/null 2>&1
}

part_start() {
  failed=start
  journal start && apply_config
}

part_prove() {
  prove_config yes
}

part_undo_stop() {
  drop_check
}

# part_undo_swap: the previous file in place; returns 2 where there was none.
part_undo_swap() {
  rm -f deployed.new
  if [ -z "$old_sha" ]; then
    rm -f "../$in_name"
    sync ..
    # The service forgets what it has read of it.
    apply_config || say note "after the file was removed, $refused"
    return 2
  fi
  restore_previous
}

# part_undo_start: a service on the old configuration with a new, broken file on disk would fail at its next start. Now it has read
# what is on disk.
part_undo_start() {
  refused=
  journal restart-old || refused=
  apply_config
}

# part_undo_prove: only what was healthy before the deploy can be proved again.
part_undo_prove() {
  if [ "$was_healthy" = yes ]; then
    prove_config '' || return 1
  else
    vote undo-healthy
  fi
  drop_release "$old_sha"
  remember_live "$old_sha" "$old_live"
}

part_recall() {
  drop_check
}

# part_resume: it was accepted; a service that the host has started since has read it.
part_resume() {
  prove_config '' && remember_live "$new_sha" "$new_live" && keep_deployed
}
