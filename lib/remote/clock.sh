# Time that only goes forward, in centiseconds since boot. A clock set back must not prolong a wait.

# uptime_cs: sets now_cs, without a process.
uptime_cs() {
  IFS='. ' read -r uptime_whole uptime_part _ </proc/uptime
  # A leading zero would make it octal.
  uptime_part=${uptime_part#0}
  now_cs=$((uptime_whole * 100 + ${uptime_part:-0}))
}

# pause_cs N: sleeps N centiseconds; whole seconds where sleep knows no fractions.
pause_cs() {
  pause_part=$(($1 % 100))
  [ "$pause_part" -ge 10 ] || pause_part=0$pause_part
  sleep "$(($1 / 100)).$pause_part" 2>/dev/null || sleep "$((($1 + 99) / 100))"
}
