# Having the service read the file again, and the proof that it is healthy afterwards.

. ../health/health.sh
. ../lib/clock.sh
. ../lib/say.sh
. ../process/port.sh
. ../service/command.sh
. ../state/journal.sh
. ../transaction/barriers.sh

# apply_config: runs in_apply_command as the account that deploys. Sets refused, and says output.
apply_config() {
  [ -n "$in_apply_command" ] || return 0
  open_output
  run_command "$in_health_timeout_seconds" "$in_apply_command" >&4 2>&1 4>&-
  apply_code=$?
  exec 4>&-
  say_command_output apply_output
  [ "$apply_code" -ne 0 ] || return 0
  refused="the apply command exited with code $apply_code"
  [ "$apply_code" -ne 124 ] && [ "$apply_code" -ne 137 ] || refused="the apply command did not end within $in_health_timeout_seconds s"
  return 1
}

# say_command_output KEY: what the command printed, at most its last 8000 bytes.
say_command_output() {
  # The reader may be a moment behind the command.
  [ -s command.output ] || pause_cs 5
  [ ! -s command.output ] || say "$1" "$(tail -c 8000 command.output)"
  rm -f command.output
}

# prove_config CONTAINS: within in_health_timeout_seconds healthy, and still healthy after in_stable_cs. Sets refused and failed.
prove_config() {
  failed=health
  uptime_cs
  prove_from=$now_cs
  prove_until=$((now_cs + in_health_timeout_seconds * 100))
  until config_is_healthy "$1"; do
    holds_while_proved || return 1
    uptime_cs
    if [ -n "$health_hopeless" ] || [ "$now_cs" -ge "$prove_until" ]; then
      refused="not healthy within $in_health_timeout_seconds s: $health_reason"
      return 1
    fi
    prove_pause=$(((now_cs - prove_from) / 10 + 1))
    [ "$prove_pause" -le 10 ] || prove_pause=10
    pause_cs "$prove_pause"
  done
  reach_health || return 1
  failed=stable
  journal "${stable_phase:-stable}" || refused=
  uptime_cs
  stable_until=$((now_cs + in_stable_cs))
  # What is asked of nobody can't change.
  has_health || stable_until=$now_cs
  while [ "$now_cs" -lt "$stable_until" ]; do
    holds_while_proved || return 1
    stable_left=$((stable_until - now_cs))
    if [ "$stable_left" -gt 20 ]; then pause_cs 20; else pause_cs "$stable_left"; fi
    uptime_cs
  done
  config_is_healthy "$1" || { refused="no longer healthy after the stable window: $health_reason"; return 1; }
}

# config_is_healthy CONTAINS: as health_check, but whichever process it is that listens on the port. Sets health_reason.
config_is_healthy() {
  config_port=$in_health_port
  in_health_port=
  health_check "$1"
  config_code=$?
  in_health_port=$config_port
  [ "$config_code" = 0 ] && [ -n "$config_port" ] || return "$config_code"
  port_inodes "$config_port"
  [ -z "$port_inodes" ] || return 0
  health_reason="nothing listens on port $config_port"
  return 1
}

has_health() {
  [ -n "$in_health_url$in_health_port$in_health_command" ]
}
