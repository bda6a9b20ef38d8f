# Starting units, and with them what was stopped with them.

. ../lib/clock.sh
. ../lib/say.sh
. ../process/find.sh
. ./cgroup.sh
. ./systemd.sh
. ./unit-stop.sh
. ./unit-world.sh

# reset_units: lets systemd forget earlier failures: it refuses to start what was started too often.
reset_units() {
  # shellcheck disable=SC2086
  ( exec 9>&-; systemctl_for "$unit_user" reset-failed -- $units $restarted_units ) >/dev/null 2>&1
}

# choose_units: sets started_units and proved_units: all for the new version; for the old one what ran before.
choose_units() {
  started_units=$units
  if [ "$starting" = old ]; then
    # shellcheck disable=SC2086
    active_before $units
    started_units=$active_before
  fi
  proved_units="$started_units $restarted_units"
  proved_units=${proved_units# }
  proved_units=${proved_units% }
  units_reset=
  unit_ids=
  unit_pids=
  unit_starts=
}

# start_units UNIT…: those of $units to start; and $restarted_units. Does not wait: prove does. Sets refused.
start_units() {
  start_mode=
  if [ "$in_start_alone" = yes ]; then
    start_mode=--job-mode=ignore-dependencies
    # shellcheck disable=SC2086
    [ -z "$in_start_first" ] || change_units start "$start_mode" $in_start_first || return 1
  elif [ "$#" -gt 0 ]; then
    # shellcheck disable=SC2086
    active_before $dependents
    for start_unit in $active_before; do
      case $start_unit in *.target) ;; *) set -- "$@" "$start_unit" ;; esac
    done
  fi
  [ "$#" = 0 ] || change_units start --no-block $start_mode "$@" || return 1
  [ -z "$restarted_units" ] || restart_units
}

# start_rest: the dependents that start_units left out, once the program is up, and without what they want: the start of a target
# starts all of it, also what somebody has stopped.
start_rest() {
  # shellcheck disable=SC2086
  active_before $dependents
  set --
  for rest_unit in $active_before; do
    case $in_start_alone/$rest_unit in yes/* | *.target) set -- "$@" "$rest_unit" ;; esac
  done
  [ "$#" = 0 ] || change_units start --no-block --job-mode=ignore-dependencies "$@"
}

# change_units COMMAND OPTION… UNIT…
change_units() {
  unit_error=$(exec 9>&-; systemctl_for "$unit_user" "$@" 2>&1) && return 0
  refused="systemd could not $1 the unit: $unit_error"
  return 1
}

# restart_units: clients wait meanwhile in the socket that systemd holds.
restart_units() {
  restart_marks=
  # shellcheck disable=SC2086
  find_running '' $old_image $back_image
  for restart_pid in $running $strangers; do
    cgroup_unit "$restart_pid"
    case " $restarted_units " in *" ${cgroup_unit:-/} "*) ;; *) continue ;; esac
    process_start "$restart_pid" && restart_marks="$restart_marks $restart_pid:$process_start"
    [ "$starting" = old ] || present_pids="$present_pids $restart_pid"
  done
  uptime_cs
  down_mark=${down_mark:-$now_cs}
  [ "$starting" != old ] || revive_triggers
  # shellcheck disable=SC2086
  change_units restart --no-block $start_mode $restarted_units || return 1
  restart_until=$((now_cs + in_stop_timeout_seconds * 100))
  restart_killed=
  restart_pause=1
  for restart_mark in $restart_marks; do
    while process_alive "${restart_mark%:*}" "${restart_mark#*:}"; do
      uptime_cs
      if [ "$now_cs" -ge "$restart_until" ]; then
        [ "$restart_killed" != yes ] || { refused="pid ${restart_mark%:*} is still alive 5 s after KILL"; return 1; }
        say note "pid ${restart_mark%:*} did not exit within $in_stop_timeout_seconds s; sending KILL"
        # shellcheck disable=SC2086
        kill_units $restarted_units
        restart_killed=yes
        restart_until=$((now_cs + 500))
      fi
      pause_ms "$restart_pause"
      [ "$restart_pause" -ge 8 ] || restart_pause=$((restart_pause * 2))
    done
  done
}

# revive_triggers: a socket that systemd gave up because its service failed too often can't be started while the service is up.
revive_triggers() {
  dead_triggers=
  # shellcheck disable=SC2086
  [ -z "$watched_units" ] || show_units "$unit_user" note_dead_trigger Id,ActiveState $watched_units
  [ -n "$dead_triggers" ] || return 0
  # shellcheck disable=SC2086
  change_units stop $restarted_units || refused=
  # shellcheck disable=SC2086
  change_units start $dead_triggers || refused=
}

note_dead_trigger() {
  case $show_Id/$show_ActiveState in
    *.socket/failed | *.socket/inactive | *.path/failed | *.timer/failed) ! was_active "$show_Id" || dead_triggers="$dead_triggers $show_Id" ;;
  esac
}
