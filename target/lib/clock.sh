# Time that only goes forward, in centiseconds since boot. A clock set back must not prolong a wait.

# uptime_cs: sets now_cs, without a process.
uptime_cs() {
  IFS='. ' read -r uptime_whole uptime_part _ </proc/uptime
  # A leading zero would make it octal.
  uptime_part=${uptime_part#0}
  now_cs=$((uptime_whole * 100 + ${uptime_part:-0}))
}

# pause_cs N: sleeps N centiseconds.
pause_cs() {
  pause_ms "$(($1 * 10))"
}

# pause_ms N: sleeps N milliseconds; whole seconds where sleep knows no fractions.
pause_ms() {
  pause_part=$(($1 % 1000))
  while [ "${#pause_part}" -lt 3 ]; do pause_part=0$pause_part; done
  sleep "$(($1 / 1000)).$pause_part" 2>/dev/null || sleep "$((($1 + 999) / 1000))"
}
