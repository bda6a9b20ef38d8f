# Proof that what was started is this file, runs, is healthy, and stays so.

. ../health/health.sh
. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/read-regular.sh
. ../process/find.sh
. ../service/unit-prove.sh
. ../service/unit-world.sh
. ../state/journal.sh
. ./barriers.sh
. ./only-proved.sh
. ./prove-bytes.sh
. ./start.sh

# prove LIVE_CONTAINS: within in_health_timeout_seconds healthy, then the same process for in_stable_seconds.
# Sets refused and failed (which phase), pid, downtime_cs.
prove() {
  failed=health
  prove_contains=$1
  uptime_cs
  prove_until=$((start_mark + in_health_timeout_seconds * 100))
  until prove_once; do
    [ -z "$gone" ] || return 1
    holds_while_proved || return 1
    uptime_cs
    if [ "$now_cs" -ge "$prove_until" ]; then
      refused="not healthy within $in_health_timeout_seconds s: $health_reason"
      return 1
    fi
    # A tenth of the time waited so far, so that the downtime is true within that, and never above 100 ms.
    prove_pause=$(((now_cs - start_mark) / 10))
    [ "$prove_pause" -ge 1 ] || prove_pause=1
    [ "$prove_pause" -le 10 ] || prove_pause=10
    pause_cs "$prove_pause"
  done
  uptime_cs
  [ -z "$down_mark" ] || downtime_cs=$((now_cs - down_mark))
  reach_health || return 1
  failed=stable
  journal "${stable_phase:-stable}"
  [ "$restart" != none ] || return 0
  uptime_cs
  stable_from=$now_cs
  read_bytes
  prove_stable
}

# prove_once: alive, then healthy. Sets gone when waiting longer is pointless.
prove_once() {
  gone=
  [ "$restart" != none ] || return 0
  find_pid || return 1
  health_check "$prove_contains" "$pid" && return 0
  [ -n "$health_hopeless" ] || return 1
  gone=yes
  say health_untrusted yes
  refused="not healthy: $health_reason"
  return 1
}

# find_pid: the process that executes the live file. Sets pid; sets gone and refused when it ended.
find_pid() {
  health_reason='no process executes the file yet'
  if [ "$restart" = systemd ]; then
    [ -n "$proved_units" ] || { health_reason=; return 0; }
    units_up
    return
  fi
  # What it executes costs a process: asked once, and again at the end of the stable window.
  if [ -n "$pid" ] && { { [ "$pid" = "$image_pid" ] && process_running "$pid"; } || executes "$pid" "$live_image"; }; then
    image_pid=$pid
    health_reason=
    return 0
  fi
  case $restart in
    process)
      # While it runs, it is a shell on its way to the program.
      if process_running "$pid"; then
        find_child
        return
      fi
      find_forked || adopt_respawned 100 || process_ended
      ;;
    command)
      find_forked && return 0
      ! hidden_start || return 1
      command_ended
      [ -z "$gone" ] && is_script && health_reason=
      ;;
  esac
}

# find_child: an `env` that starts the program as its child (uutils before 0.1) never becomes it. Sets pid to that child.
find_child() {
  uptime_cs
  [ "$((now_cs - start_mark))" -ge 30 ] || return 1
  child_parent=$pid
  find_forked && descends_from "$pid" "$child_parent" && adopted=yes && return 0
  pid=$child_parent
  health_reason='no process executes the file yet'
  return 1
}

# find_forked: the program may have gone to the background on its own. What a process of it was started as is known only where we
# start it.
find_forked() {
  find_running '' "$live_image"
  if [ "$restart" = process ]; then main_process "$run_uid"; else main_process; fi
  [ -n "$main_pid" ] || return 1
  pid=$main_pid
  health_reason=
}

# hidden_start: whether what the command started is seen by its name only: nothing more can be known of it, however long it takes. Sets
# gone and refused. What had the name before the start is something else.
hidden_start() {
  # A recovery does not know what had the name before.
  [ "$sees_all" != yes ] && [ -n "${unseen_before+known}" ] || return 1
  running_unseen=
  find_unseen "$in_name"
  for hidden_pid in $running_unseen; do
    case " $unseen_before " in *" $hidden_pid "*) continue ;; esac
    gone=yes
    refused="the start command started pid $hidden_pid, but $me_name can't see what that executes; log in as its account, or allow sudo"
    return 0
  done
  return 1
}

# is_script: whether a process of the live file executes an interpreter instead.
is_script() {
  [ -f "../$in_name" ] && [ ! -L "../$in_name" ] || return 1
  [ "$(read_regular "../$in_name" | head -c 4 | tail -c 3)" != ELF ]
}

# process_running PID: there and no zombie.
process_running() {
  process_start "$1" && process_alive "$1" "$process_start"
}

# reap PID: sets ended_code, once: a shell forgets a child after telling how it ended.
reap() {
  [ "$reaped" = "$1" ] && return 0
  wait "$1" 2>/dev/null
  ended_code=$?
  reaped=$1
}

process_ended() {
  gone=yes
  if [ -n "$adopted" ]; then
    refused="pid $pid exited"
    return 1
  fi
  reap "$pid"
  uptime_cs
  ended_after=$((now_cs - start_mark))
  if [ "$ended_code" -gt 128 ] && [ "$ended_code" -le 192 ]; then ended_how="was killed by signal $((ended_code - 128))"; else ended_how="exited with code $ended_code"; fi
  seconds_text "$ended_after"
  refused="the process $ended_how after $seconds_text"
  return 1
}

command_ended() {
  if [ -z "$command_pid" ]; then
    gone=yes
    refused='the program exited'
    return 1
  fi
  process_running "$command_pid" && return 1
  reap "$command_pid"
  [ "$ended_code" -ne 0 ] || return 1
  gone=yes
  refused="the start command exited with code $ended_code"
  return 1
}

# seconds_text CS: sets seconds_text: "0.4 s".
seconds_text() {
  seconds_text="$(($1 / 100)).$(($1 % 100 / 10)) s"
}

# went_to_background: the process that was started ended well, once, and left another one that executes the file.
went_to_background() {
  [ "$restart" = process ] && [ -z "$adopted" ] || return 1
  reap "$stable_pid"
  [ "$ended_code" = 0 ] && find_forked || return 1
  adopted=yes
  uptime_cs
  stable_from=$now_cs
}

# prove_stable: the same pid and start time, and healthy at the end. Which process is a script's is not known
# when a command started it.
prove_stable() {
  if [ "$restart" = systemd ]; then
    prove_units_stable
    return
  fi
  stable_pid=$pid
  [ -z "$pid" ] || process_start "$pid"
  stable_start=${process_start:-}
  stable_until=$((stable_from + in_stable_cs))
  while :; do
    uptime_cs
    [ "$now_cs" -lt "$stable_until" ] || break
    holds_while_proved || return 1
    stable_left=$((stable_until - now_cs))
    if [ "$stable_left" -gt 20 ]; then pause_cs 20; else pause_cs "$stable_left"; fi
    if [ -n "$stable_pid" ] && ! process_alive "$stable_pid" "$stable_start"; then
      if went_to_background; then
        prove_stable
        return
      fi
      if [ "$restart" = process ] && [ "$stable_pid" = "$pid" ]; then
        process_ended
      else
        refused="pid $stable_pid exited within the stable window"
      fi
      return 1
    fi
  done
  executes "$stable_pid" "$live_image" || is_script || { refused="pid $stable_pid now executes a different file"; return 1; }
  prove_end "$stable_pid"
}

# prove_units_stable: the same of units; and at the end everything that was active before is active, and nothing else.
prove_units_stable() {
  if [ -n "$proved_units" ]; then
    # Whether they are up is seen at the end.
    start_rest || refused=
    units_stable || return 1
  fi
  prove_end "$pid" || return 1
  restore_world "$in_health_timeout_seconds"
}

# prove_end PID: at the end of the stable window.
prove_end() {
  image_of "../$in_name"
  [ "$image" = "$live_image" ] || { refused="$in_folder/$in_name was replaced by another file within the stable window"; return 1; }
  prove_bytes || return 1
  only_proved || return 1
  health_check "$prove_contains" "$1" || { refused="no longer healthy after the stable window: $health_reason"; return 1; }
}
