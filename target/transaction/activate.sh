# The transaction: stop, swap, start, proof, and going back. It runs detached from the connection and ends by itself,
# within its limits, in `active`, `rolled-back` or `broken`.

. ../health/health.sh
. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/say.sh
. ../process/port.sh
. ../service/as-user.sh
. ../service/command.sh
. ../service/unit-output.sh
. ../state/ended.sh
. ../state/journal.sh
. ../state/last-release.sh
. ../state/live-file.sh
. ../state/release.sh
. ../state/releases.sh
. ./barriers.sh
. ./prove.sh
. ./roll-back.sh
. ./start.sh
. ./starter.sh
. ./stop.sh
. ./swap.sh

# activate: with `incoming` staged (or, in-place, still to be received on descriptor 3).
activate() {
  part_prepare
  meet prepared && await_next stopped && journal stop || { leave_unbegun; return; }
  if part_stop && meet stopped && part_swap && meet swapped && reload_together reloaded; then
    if await_previous healthy && part_start && part_prove && accept; then return; fi
  fi
  abort_release || { keep_committed; return; }
  remember_failure
  [ "$in_rollback" = true ] || part_is_untouched || { leave_broken 'rollback is disabled (`rollback: false`)'; return; }
  go_back
}

stop_all_and_check() {
  failed=stop
  uptime_cs
  down_mark=$now_cs
  stop_all && port_is_free
}

# port_is_free: nothing else may hold the port or give the answer that is to prove the new version.
port_is_free() {
  # What systemd listens on for a unit stays open.
  [ -z "$restarted_units$left_units" ] || return 0
  for free_port in $in_health_port $in_health_url_port; do
    uptime_cs
    free_until=$((now_cs + 300))
    while port_inodes "$free_port" && [ -n "$port_inodes" ]; do
      uptime_cs
      if [ "$now_cs" -ge "$free_until" ]; then
        [ "$free_port" = "$in_health_port" ] || health_is_foreign || break
        port_owner "$free_port"
        refused="port $free_port is held by another process${port_owner_pids:+: pid $port_owner_pids}"
        return 1
      fi
      if [ "$free_port" != "$in_health_port" ] && ! health_is_foreign; then break; fi
      pause_cs 5
    done
  done
}

# health_is_foreign: with the program stopped, an answer that counts as healthy comes from somebody else. A reverse
# proxy in front of the program answers too, but not healthily.
health_is_foreign() {
  ( in_health_port='' in_health_command=''; health_check yes '' ) >/dev/null 2>&1
}

# prepare_new: everything about the start that can be done while the old version still runs.
prepare_new() {
  run_user=$in_run_as
  run_uid=$in_run_uid
  run_dir=$in_working_directory
  run_other_dir=
  run_words=$in_args
  run_env=$in_environment
  run_whole_env=no
  run_log=${in_log_file:-/dev/null}
  run_umask=022
  log_from=
  find_timeout
  command_environment
  [ "$restart" != process ] || prepare_process
  running_unseen=
  [ "$restart" != command ] || [ "$sees_all" = yes ] || find_unseen "$in_name"
  unseen_before=$running_unseen
}

start_new() {
  failed=start
  starting=new
  log_mark
  journal start || return 1
  start_it
}

# log_mark: where the program's own output begins; verify-deploy reads on from there. A starter notes it by itself.
log_mark() {
  [ "$restart" != process ] && [ -n "$in_log_file" ] || return 0
  ! user_says "$run_user" stat -L -c '%i %s' -- "$in_log_file" || begin_log "$user_said"
}

# accept: a deploy is `active` only when the journal says so: one that it does not would be undone by the next run.
accept() {
  read_start
  failed=accept
  commit_release || return 1
  journal accept || [ -n "$in_release" ] || return 1
  part_accept
  remember_release
  finish active
}

# keep_committed: the others had seen this part hold as well, so all stay.
keep_committed() {
  failed=
  refused=
  journal accept || :
  part_accept
  remember_release
  finish active
}

# leave_unbegun: the journal could not be written, so nothing was stopped.
leave_unbegun() {
  say failed "${failed:-stage}"
  say why "$refused"
  abort_release || :
  drop_release "${old_sha:-none}"
  unbegun=staged
  case $in_strategy/$in_encoding in in-place/* | */none) unbegun=untouched ;; esac
  finish "$unbegun"
}

# finish STATE: the last word, in journal, history and answer, for which room was kept.
finish() {
  read_start
  free_reserve
  # Ends a line of the answer that a full disk cut off.
  printf '\n'
  rm -f incoming restored original trial trial.to command.output command.pipe start.errors decode.errors journal.new live.new
  remember_end "$1"
  # Of a journal that is not closed the decision is still needed.
  if journal end >/dev/null || [ "${journal_is_open:-}" != yes ]; then leave_release; fi
  if [ "$1" = broken ] && [ -n "$down_mark" ]; then
    uptime_cs
    downtime_cs=$((now_cs - down_mark))
  fi
  [ -z "${failed_mark:-}" ] || say_unit_output
  say state "$1"
  say pid "$pid"
  say downtime_ms "$((${downtime_cs:-0} * 10))"
  end
}
