# Stopping what runs the file: every process that executes it, found by what it executes.

. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/say.sh
. ../process/find.sh
. ../service/command.sh
. ../service/unit-stop.sh

# stop_all: succeeds when no process executes the file any more. Sets refused.
stop_all() {
  case $restart in
    systemd) stop_units || return 1 ;;
    command) [ -z "$in_stop_command" ] || stop_by_command || return 1 ;;
  esac
  stop_processes
}

stop_by_command() {
  open_output
  run_command "$((in_stop_timeout_seconds + 10))" "$in_stop_command" >&4 2>&1 4>&-
  stop_code=$?
  exec 4>&-
  [ "$stop_code" -ne 0 ] || return 0
  refused="the stop command exited with code $stop_code"
  return 1
}

stop_processes() {
  find_executors
  stop_signal=$in_stop_signal
  stop_seconds=$in_stop_timeout_seconds
  while [ -n "$running$strangers" ]; do
    stop_with "$stop_signal" "$stop_seconds"
    # What it forked in its last moment would be found now.
    find_executors
    # Strangers are signalled, never waited for: an account that starts it over and over must not hold a deploy up.
    [ -n "$running" ] || [ "$stop_signal" != KILL ] || strangers=
    if [ "$stop_signal" = KILL ] && [ -n "$running" ]; then
      refused="still alive 5 s after KILL: pid $running"
      return 1
    fi
    [ -z "$running" ] || say note "pid $running did not exit within $stop_seconds s of $stop_signal; sending KILL"
    stop_signal=KILL
    stop_seconds=5
  done
}

# stop_with SIGNAL SECONDS: one signal to each of $running and $strangers, then waits until none of $running is left, at most so
# long. Each is signalled only while it is still the process that was found. Polls without a look at every process.
stop_with() {
  stop_marks=
  for stop_pid in $running $strangers; do
    process_start "$stop_pid" || continue
    kill -s "$1" "$stop_pid" 2>/dev/null || continue
    case " $running " in *" $stop_pid "*) stop_marks="$stop_marks $stop_pid:$process_start" ;; esac
  done
  uptime_cs
  stop_until=$((now_cs + $2 * 100))
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

# find_executors: sets running to the processes that execute the old version, the new one, or what is put back; by images that were
# read once, under the lock, and not by the path, where the owner of the folder can put anything.
find_executors() {
  # shellcheck disable=SC2086
  find_running "${PWD%/*}/$in_name" $old_image $new_image $back_image $last_image
  [ "$restart" != systemd ] || spare_units
}
