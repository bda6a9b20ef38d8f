# Proof that units run the program: a process of each executes the file, systemd calls the unit active, and nothing of it moves.

. ../lib/say.sh
. ../process/find.sh
. ./cgroup.sh
. ./systemd.sh
. ./unit-output.sh
. ./unit-start.sh

# units_up: asks once about all of $proved_units. Succeeds when each is active and runs the file; sets pid to the process of the
# first one, units_seen to the main process and restarts of each, units_marks to the processes. Sets gone and refused when
# waiting longer is pointless, health_reason otherwise.
units_up() {
  pid=
  units_seen=
  units_marks=
  units_found=
  health_reason=
  # shellcheck disable=SC2086
  show_units "$unit_user" judge_unit Id,ActiveState,SubState,MainPID,NRestarts,Result,ExecMainPID,ExecMainCode,ExecMainStatus,ControlGroup,InvocationID,Job,ConditionResult $proved_units || {
    health_reason="systemd could not be queried: $unit_error"
    return 1
  }
  [ -z "$gone" ] && [ -z "$health_reason" ]
}

judge_unit() {
  [ -z "$gone" ] || return 0
  unit_label=
  [ "$proved_units" = "$show_Id" ] || unit_label="$show_Id: "
  case $show_ActiveState/$show_SubState in
    failed/*) unit_failed ;;
    */auto-restart*)
      how_ended
      unit_ended "the program exited ($how_ended), and systemd keeps restarting it"
      ;;
    inactive/*)
      if [ -n "${show_Job#0}" ]; then health_reason="${unit_label}waiting for systemd to start it"; else unit_inactive; fi
      ;;
    deactivating/*) health_reason="$unit_label$show_SubState" ;;
    *) unit_alive ;;
  esac
}

# note_start: this start's output is found in the journal by its id and its main process.
note_start() {
  case "$unit_pids " in *" $show_ExecMainPID "*) ;; *) unit_pids="$unit_pids ${show_ExecMainPID#0}" ;; esac
  case "$unit_ids " in *" $show_InvocationID "*) ;; *) unit_ids="$unit_ids $show_InvocationID" ;; esac
  case "$unit_starts " in
    *" $show_Id="*) ;;
    *) unit_starts="$unit_starts $show_Id=$show_InvocationID" ;;
  esac
  first_start=${unit_starts#*" $show_Id="}
  first_start=${first_start%% *}
}

# how_ended: sets how_ended to how the main process ended, as systemd has seen it.
how_ended() {
  note_start
  case $show_ExecMainCode in
    1) how_ended="exit status $show_ExecMainStatus" ;;
    2 | 3) how_ended="killed by signal $show_ExecMainStatus" ;;
    *) how_ended='how is not known' ;;
  esac
}

unit_ended() {
  gone=yes
  refused="$unit_label$1"
}

unit_failed() {
  if [ "$show_Result" = start-limit-hit ] && [ -z "$units_reset" ]; then
    units_reset=yes
    reset_units
    # shellcheck disable=SC2086
    change_units start --no-block $proved_units || refused=
    health_reason="${unit_label}start limit hit; started once more"
    return
  fi
  how_ended
  unit_ended "the unit failed: $show_Result, $how_ended"
}

unit_inactive() {
  how_ended
  if [ "$show_ConditionResult" = no ]; then
    unit_ended 'a condition of the unit (Condition…=) is not met, so systemd did not start it'
  elif [ "${show_ExecMainPID:-0}" = 0 ]; then
    unit_ended 'systemd did not start the unit; one that it requires may have failed'
  else
    unit_ended "the program exited ($how_ended)"
  fi
}

unit_alive() {
  note_start
  if [ "${show_NRestarts:-0}" -gt 0 ]; then
    exit_in_journal "${first_start:-none}"
    unit_ended "the program exited ($how_ended), and systemd started it again"
    return
  fi
  if [ "$show_ActiveState" = activating ]; then
    health_reason="${unit_label}systemd is still starting it ($show_SubState)"
    return
  fi
  unit_process || { health_reason="${unit_label}no process executes the file yet"; return; }
  process_start "$unit_process" || { health_reason="${unit_label}pid $unit_process just exited"; return; }
  units_marks="$units_marks $unit_process:$process_start"
  units_seen="$units_seen $show_Id:${show_MainPID:-0}:${show_NRestarts:-0}"
  [ "$show_Id" != "$unit" ] && [ -n "$pid" ] || pid=$unit_process
}

# unit_process: sets unit_process to the process of the unit that executes the live file; a script's is its main process.
unit_process() {
  unit_process=${show_MainPID:-0}
  if [ "$unit_process" != 0 ] && executes "$unit_process" "$live_image"; then return 0; fi
  if [ -z "$units_found" ]; then
    find_running '' "$live_image"
    units_found=yes
  fi
  for unit_candidate in $running ${strangers:-}; do
    if in_cgroup "$unit_candidate" "$show_ControlGroup" || { [ -z "$cgroup_unit" ] && [ "$unit_process" != 0 ] && descends_from "$unit_candidate" "$unit_process"; }; then
      unit_process=$unit_candidate
      return 0
    fi
  done
  [ "$unit_process" != 0 ] && is_script
}

# units_stable: through the stable window the same processes, main processes and restarts. Sets refused.
units_stable() {
  stable_seen=$units_seen
  stable_marks=$units_marks
  uptime_cs
  stable_until=$((stable_from + in_stable_cs))
  while [ "$now_cs" -lt "$stable_until" ]; do
    stable_left=$((stable_until - now_cs))
    if [ "$stable_left" -gt 5 ]; then pause_cs 5; else pause_cs "$stable_left"; fi
    for stable_mark in $stable_marks; do
      process_alive "${stable_mark%:*}" "${stable_mark#*:}" && continue
      # How it ended is told by systemd, once it has seen it.
      pause_cs 2
      units_up
      refused=${refused:-"pid ${stable_mark%:*} exited within the stable window"}
      return 1
    done
    uptime_cs
  done
  units_up || { refused=${refused:-"no longer as at the start of the stable window: $health_reason"}; return 1; }
  [ "$units_seen" = "$stable_seen" ] || { refused="systemd restarted it within the stable window (unit, main process and restarts:$stable_seen, then$units_seen)"; return 1; }
}
