# The end of a deploy that another one left: an interrupted one is finished or undone, a good one reverted.

. ../lib/clock.sh
. ../state/journal.sh
. ../state/live.sh
. ./activate.sh
. ./prove.sh
. ./roll-back.sh
. ./start.sh

# recover: a transaction before us never came to its end. The live file is unproven, the journal knows the one that was.
recover() {
  recover_env=$old_env
  journal_read || { finish untouched; return; }
  old_env=$recover_env
  was_running=${was_running:-no}
  case $journal_phase in
    accept) keep_accepted ;;
    *) go_back ;;
  esac
}

# keep_accepted: it was proved, and only the last words were missing; but a host that went down may have lost the process.
keep_accepted() {
  prepare_new
  command_pid=
  reaped=
  adopted=
  uptime_cs
  start_mark=$now_cs
  stable_phase=accept
  if [ -n "$running" ]; then pid=$eldest; else start_it || :; fi
  if [ -z "$refused" ] && prove ''; then
    remember_live "$new_sha" "$new_live"
    finish active
  else
    stable_phase=rollback-stable
    remember_failure
    go_back
  fi
}

# revert: the deploy before us was good, but the step was not, on another target. Its journal knows what was there before.
revert() {
  revert_env=$old_env
  journal_read || { refused='the journal is gone'; leave_broken "$refused"; return; }
  old_env=$revert_env
  go_back
}
