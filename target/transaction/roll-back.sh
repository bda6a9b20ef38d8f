# Going back: the previous release in place, running and healthy again, whatever was half done.

. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/say.sh
. ../process/find.sh
. ../service/as-user.sh
. ../service/unit-output.sh
. ../state/journal.sh
. ../state/live-file.sh
. ../state/releases.sh
. ./activate.sh
. ./barriers.sh
. ./prove.sh
. ./start.sh
. ./stop.sh
. ./swap.sh

# remember_failure: what the new version said, before its log moves on.
remember_failure() {
  failure=$refused
  failed_in=$failed
  say failed "$failed_in"
  say why "$failure"
  case $restart in
    # Read at the end: nothing runs meanwhile.
    systemd) remember_start_output ;;
    command) [ ! -s command.output ] || say output "$(tail -c 8000 command.output)" ;;
  esac
  read_start
  [ -z "${start_errors:-}" ] || say output "$start_errors"
  if [ -n "$in_log_file" ] && [ -n "${log_from:-}" ]; then
    # Read with the program's own rights: its log may be a link to what only root may read. Only its end is, because it may be long.
    # shellcheck disable=SC2016
    ! user_says "$run_user" /bin/sh -c '[ -f "$1" ] && size=$(stat -L -c %s -- "$1") && size=$((size - $2)) && [ "$size" -gt 0 ] || exit; [ "$size" -le 8000 ] || size=8000; tail -c "$size" -- "$1"' sh "$in_log_file" "$log_from" || say output "$user_said"
  fi
  rm -f command.output
}

# go_back: the previous release in place, running and healthy again, whatever was half done.
go_back() {
  journal rollback
  if part_is_untouched; then
    part_keep
    return
  fi
  take_turn undo-stopped "$((${in_part:-0} + 1))"
  if ! part_undo_stop; then
    leave_broken "$refused"
    return
  fi
  vote undo-stopped
  part_undo_swap
  case $? in
    0) ;;
    2)
      finish rolled-back
      return
      ;;
    *)
      leave_broken "$refused"
      return
      ;;
  esac
  take_turns undo-restored
  reload_together undo-reloaded
  take_turn undo-healthy "$((${in_part:-0} - 1))"
  part_undo_start
  stable_phase=rollback-stable
  if [ "$refused" = '' ] && part_undo_prove; then
    finish rolled-back
  else
    leave_broken "the previous version was restored, but $refused"
  fi
}

# prove_old: a unit that was stopped before is stopped again.
prove_old() {
  if [ "$restart" = systemd ] && [ -z "$proved_units$left_units" ]; then
    pid=
    restore_world "$in_health_timeout_seconds"
  else
    prove ''
  fi
}

# restore_old: what arrived may hold the room that the previous release needs, and so may what replaced it, where there is room
# for one of them only and the previous one is packed.
restore_old() {
  rm -f incoming
  restore_to_live && return 0
  [ "$in_strategy" = in-place ] && prove_kept "$old_sha" || return 1
  rm -f "../$in_name"
  restore_to_live
}

restore_to_live() {
  restore_file "$old_sha" || return 1
  image_of restored
  back_image=$image
  live_image=$image
  put_live restored
}

# nothing_happened: what ran could not be stopped, or nothing ran; the file is as it was.
nothing_happened() {
  [ "$failed" = stop ] && live_is_old || return 1
  live_image=$old_image
  [ "$was_running" != yes ] || find_forked
}

keep_running() {
  starting=old
  # A stop that is still pending would end it later.
  [ "$restart" != systemd ] || start_unit
  keep_pid=$pid
  mark_start
  pid=$keep_pid
  stable_phase=rollback-stable
  if prove ''; then finish rolled-back; else leave_broken "the previous version is still running, but $refused"; fi
}

# live_is_old: none where there was none, else by its digest: after a power cut the journal may be ahead of the disk. Another
# file than the one that was kept is put aside without reading it.
live_is_old() {
  [ -n "$old_sha" ] || { [ ! -e "../$in_name" ] && [ ! -L "../$in_name" ]; return; }
  [ ! -f "releases/$old_sha" ] || [ "releases/$old_sha" -ef "../$in_name" ] || return 1
  live_is "$old_sha"
}

# start_old: as it was running; if nothing ran, or it can't be known (reboot, an account that is not imitated), as this step would
# start it.
start_old() {
  refused=
  starting=old
  run_words=$old_words
  run_env=$old_env
  run_dir=$old_dir
  run_other_dir=$in_working_directory
  run_user=$old_user
  run_log=$old_log
  run_umask=$old_umask
  run_uid=$old_uid
  if [ "$old_remembered" != yes ]; then
    run_words=$in_args
    run_dir=$in_working_directory
    run_log=$in_log_file
    run_umask=022
  fi
  run_whole_env=yes
  [ -n "$run_env" ] || run_env=$in_environment run_whole_env=no
  [ -n "$run_log" ] || run_log=/dev/null
  [ "$restart" != process ] || prepare_process
  journal restart-old
  mark_start
  [ "$restart" = process ] && adopt_respawned 30 || start_it || :
}

leave_broken() {
  say broken "$1"
  finish broken
}
