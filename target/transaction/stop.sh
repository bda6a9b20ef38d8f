# Stopping what runs the file: every process that executes it, found by what it executes.

. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/say.sh
. ../process/find.sh
. ../service/systemd.sh

# stop_all: succeeds when no process executes the file any more. Sets refused.
stop_all() {
  case $restart in
    systemd) unit_stop_all || return 1 ;;
    command) [ -z "$in_stop_command" ] || stop_by_command || return 1 ;;
  esac
  stop_processes
}

unit_stop_all() {
  # A socket or timer would start it again in the middle of the swap.
  for stop_unit in $sockets $unit; do
    unit_stop "$stop_unit" "$unit_user" "$((in_stop_timeout_seconds + 10))" || { refused="systemd could not stop $stop_unit: $unit_error"; return 1; }
  done
}

stop_by_command() {
  limited "$((in_stop_timeout_seconds + 10))" /bin/sh -c "$in_stop_command" >command.output 2>&1 9>&- && return 0
  refused="the stop command ended with exit code $?"
  return 1
}

stop_processes() {
  find_executors
  stop_kill=$in_stop_signal
  stop_seconds=$in_stop_timeout_seconds
  while [ -n "$running" ]; do
    stop_with "$stop_kill" "$stop_seconds"
    # What it forked in its last moment would be found now.
    find_executors
    [ -n "$running" ] || break
    if [ "$stop_kill" = KILL ]; then
      refused="still alive 5 s after KILL: pid $running"
      return 1
    fi
    say note "no end on $stop_kill within $stop_seconds s, so KILL: pid $running"
    stop_kill=KILL
    stop_seconds=5
  done
}

# stop_with SIGNAL SECONDS: until none of $running is left, at most so long. Polls without a look at every process.
stop_with() {
  stop_marks=
  for stop_pid in $running; do
    process_start "$stop_pid" && stop_marks="$stop_marks $stop_pid:$process_start"
  done
  uptime_cs
  stop_until=$((now_cs + $2 * 100))
  # shellcheck disable=SC2086
  kill -s "$1" $running 2>/dev/null
  # Most programs end within milliseconds, and each counts.
  stop_pause=1
  for stop_mark in $stop_marks; do
    while process_alive "${stop_mark%:*}" "${stop_mark#*:}"; do
      uptime_cs
      [ "$now_cs" -lt "$stop_until" ] || return 0
      pause_ms "$stop_pause"
      [ "$stop_pause" -ge 8 ] || stop_pause=$((stop_pause * 2))
    done
  done
}

# find_executors: sets running to the pids that execute the live file, the new one or the previous release.
find_executors() {
  find_running "$in_folder/$in_name" "releases/$old_sha" incoming
}
