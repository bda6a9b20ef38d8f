# The transaction: stop, swap, start, proof, and going back. It runs detached from the connection and ends by itself,
# within its limits, in `active`, `rolled-back` or `broken`.

. ../health/health.sh
. ../lib/clock.sh
. ../lib/say.sh
. ../process/port.sh
. ../service/as-user.sh
. ../state/journal.sh
. ../state/live.sh
. ../state/releases.sh
. ./prove.sh
. ./roll-back.sh
. ./start.sh
. ./stop.sh
. ./swap.sh

# activate: with `incoming` staged (or, in-place, still to be received on descriptor 3).
activate() {
  prepare_new
  if stop_all_and_check; then
    if swap && live_image=$new_image && start_new && prove yes; then
      accept
      return
    fi
  fi
  [ "$in_rollback" = true ] || nothing_happened || { leave_broken 'going back is switched off (rollback: false)'; return; }
  remember_failure
  go_back
}

stop_all_and_check() {
  failed=stop
  journal stop || { refused='the journal can not be written'; return 1; }
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
  run_words=$in_args
  run_env=$in_environment
  run_log=$in_log_file
  [ -n "$run_log" ] || run_log=/dev/null
  run_umask=022
  [ "$restart" != process ] || prepare_process
  log_inode=0
  [ -z "$in_log_file" ] || log_inode=$(as_user "$run_user" stat -L -c %i "$in_log_file" 2>/dev/null)
}

start_new() {
  failed=start
  starting=new
  log_mark
  journal start || { refused='the journal can not be written'; return 1; }
  start_it
}

# log_mark: where the program's own output begins; verify-deploy reads on from there.
log_mark() {
  log_from=0
  [ -n "$in_log_file" ] || return 0
  log_from=$(as_user "$run_user" wc -c "$in_log_file" 2>/dev/null)
  log_from=${log_from%% *}
  log_from=${log_from:-0}
}

accept() {
  journal accept
  sync ..
  remember_live "$new_sha" "$new_live"
  prune_releases "$new_sha"
  finish active
}

# finish STATE: the last word, in journal, history and answer.
finish() {
  journal end >/dev/null
  printf '%s %s %s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${new_sha:--}" "${in_run:--}" "${in_actor:--}" "$1" >>history
  tail -n 100 history >history.new && mv -f history.new history
  rm -f incoming restored command.output start.errors decode.errors
  if [ "$1" = broken ] && [ -n "$down_mark" ]; then
    uptime_cs
    downtime_cs=$((now_cs - down_mark))
  fi
  if [ "$restart" = systemd ] && [ -n "${failed_ids:-}" ]; then say_unit_output "$failed_ids"; fi
  say state "$1"
  say pid "$pid"
  say downtime_ms "$((${downtime_cs:-0} * 10))"
  end
}
