# Time limits for external commands.

# timed SECONDS COMMAND…: TERM after that long, and KILL 2 s later; 124, 137 or 143 when it was ended. Standard input passes
# through; of our other descriptors it gets none, above all not the lock (9).
timed() {
  find_timeout
  if [ "$timeout_kills" = yes ]; then
    timeout -k 2 "$@" 3<&- 7>&- 8<&- 9>&-
  else
    timed_by_hand "$@" 6<&0 3<&- 7>&- 8<&- 9>&-
  fi
}

# limited SECONDS COMMAND…: the same with nothing on its standard input.
limited() {
  timed "$@" </dev/null
}

# find_timeout: sets timeout_kills to yes when `timeout` can end what ignores TERM: busybox learned that in 1.35. Asked once.
find_timeout() {
  [ -z "${timeout_kills:-}" ] || return 0
  timeout_kills=no
  ! timeout -k 1 5 true 2>/dev/null 3<&- 7>&- 8<&- 9>&- || timeout_kills=yes
}

# timed_by_hand SECONDS COMMAND…: the same by a watchdog of our own; the command's standard input is descriptor 6. It leads a
# session of its own, so that what it started ends with it.
timed_by_hand() {
  hand_seconds=$1
  shift
  setsid "$@" <&6 6<&- &
  hand_pid=$!
  end_late "$hand_pid" "$hand_seconds" </dev/null >/dev/null 2>&1 6<&- &
  hand_dog=$!
  wait "$hand_pid"
  hand_code=$?
  kill "$hand_dog" 2>/dev/null
  wait "$hand_dog" 2>/dev/null
  return "$hand_code"
}

# end_late PID SECONDS: ends its session then. Leaves no sleep behind when it is ended itself.
end_late() {
  trap 'kill $late_pause 2>/dev/null; exit' TERM
  sleep "$2" &
  late_pause=$!
  wait "$late_pause"
  kill -s TERM -- "-$1"
  sleep 2 &
  late_pause=$!
  wait "$late_pause"
  kill -s KILL -- "-$1"
}
