# The transaction: stop, swap, start, proof, and going back. It runs detached from the connection and ends by itself,
# within its limits, in `active`, `rolled-back` or `broken`.

# activate: with `incoming` staged (or, in-place, still to be received on descriptor 3).
activate() {
  prepare_new
  if stop_all_and_check; then
    if swap && start_new && prove yes; then
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

swap() {
  failed=swap
  [ "$in_encoding" != none ] || return 0
  if [ "$in_strategy" = in-place ]; then
    rm -f "../$in_name"
    journal receive
    obtain && dress || return 1
  fi
  journal swap || { refused='the journal can not be written'; return 1; }
  put_live incoming
}

# obtain: incoming, once the old file has made room for it. A copy is one of that file, which is a release by now.
obtain() {
  case $in_encoding in
    release | copy) take_release ;;
    *) receive ;;
  esac
}

# put_live FILE: one rename; -T, for a folder or a link may have been put at the path meanwhile.
put_live() {
  [ ! "$1" -ef "../$in_name" ] || { rm -f "$1"; return 0; }
  mv -fT "$1" "../$in_name" 2>/dev/null || { refused="the new file can't be renamed to $in_folder/$in_name"; return 1; }
}

# prepare_new: everything about the start that can be done while the old version still runs.
prepare_new() {
  run_user=$in_run_as
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

# remember_failure: what the new version said, before its log moves on.
remember_failure() {
  failure=$refused
  failed_in=$failed
  say failed "$failed_in"
  say why "$failure"
  case $restart in
    systemd)
      if [ -z "$unit_user" ]; then
        say output "$(limited 5 journalctl -u "$unit" -n 20 -o cat --no-pager 2>/dev/null | tail -c 8000)"
      fi
      ;;
    command) [ ! -s command.output ] || say output "$(tail -c 8000 command.output)" ;;
  esac
  # Read with the program's own rights: its log may be a link to what only root may read.
  if [ -n "$in_log_file" ] && [ -n "${log_from:-}" ]; then
    say output "$(as_user "$run_user" tail -c "+$((log_from + 1))" "$in_log_file" 2>/dev/null | tail -c 8000)"
  fi
  rm -f command.output start.errors
}

# go_back: the previous release in place, running and healthy again, whatever was half done.
go_back() {
  journal rollback
  if nothing_happened; then
    if find_forked; then
      # Is it still well?
      keep_running
    else
      drop_release "${old_sha:-none}"
      finish staged
    fi
    return
  fi
  if ! stop_all; then
    leave_broken "$refused"
    return
  fi
  if [ -z "$old_sha" ]; then
    rm -f "../$in_name"
    # What was started and fell over is nothing to look after.
    pid=
    finish rolled-back
    return
  fi
  if ! live_is_old; then
    # What arrived may hold the room that the previous release needs.
    rm -f incoming
    if ! { restore_file "$old_sha" && put_live restored; }; then
      leave_broken "the previous release $old_sha can't be put back"
      return
    fi
  fi
  rm -f restored
  start_old
  stable_phase=rollback-stable
  if [ "$refused" = '' ] && prove ''; then
    drop_release "$old_sha"
    remember_live "$old_sha" "$old_live"
    finish rolled-back
  else
    leave_broken "the previous version is in place again, but $refused"
  fi
}

# nothing_happened: what ran could not be stopped, or nothing ran; the file is as it was.
nothing_happened() {
  [ "$failed" = stop ] && live_is_old || return 1
  [ "$was_running" != yes ] || find_forked
}

keep_running() {
  reaped=
  adopted=
  uptime_cs
  start_mark=$now_cs
  stable_phase=rollback-stable
  if prove ''; then finish rolled-back; else leave_broken "the previous version still runs, but $refused"; fi
}

# live_is_old: none where there was none; by inode where the release is a second name of it, by content where it was packed or copied.
live_is_old() {
  [ -n "$old_sha" ] || { [ ! -e "../$in_name" ]; return; }
  [ -f "../$in_name" ] && [ ! -L "../$in_name" ] || return 1
  [ ! -f "releases/$old_sha" ] || { [ "releases/$old_sha" -ef "../$in_name" ]; return; }
  sha256_is "$old_sha" <"../$in_name"
}

# start_old: as it was running; if nothing ran, or it can't be known any more (reboot), as this step would start it.
start_old() {
  refused=
  run_words=$old_words
  run_env=$old_env
  run_dir=$old_dir
  run_user=$old_user
  run_log=$old_log
  run_umask=$old_umask
  if [ "$was_running" != yes ]; then
    run_words=$in_args
    run_dir=$in_working_directory
    run_user=$in_run_as
    run_log=$in_log_file
    run_umask=022
  fi
  [ -n "$run_env" ] || run_env=$in_environment
  [ -n "$run_log" ] || run_log=/dev/null
  [ "$restart" != process ] || prepare_process
  journal restart-old
  start_it || :
}

leave_broken() {
  say broken "$1"
  finish broken
}

# remember_live SHA LIVE: what is live now, so that the next run knows it without hashing it: a changed file has another ctime.
# LIVE is which run brought it, in three lines: workflow, number, URL.
remember_live() {
  printf '%s %s\n' "$1" "$(stat -c '%d %i %s %Y %Z' "../$in_name")" >live.new
  printf '%s\n' "$2" "${log_inode:-0} ${log_from:-0}" >>live.new
  mv -f live.new live
}

# finish STATE: the last word, in journal, history and answer.
finish() {
  journal end >/dev/null
  printf '%s %s %s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${new_sha:--}" "${in_run:--}" "${in_actor:--}" "$1" >>history
  tail -n 100 history >history.new && mv -f history.new history
  rm -f incoming restored command.output start.errors decode.errors
  say state "$1"
  say pid "$pid"
  say downtime_ms "$((${downtime_cs:-0} * 10))"
  end
}
