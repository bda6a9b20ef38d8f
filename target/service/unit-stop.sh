# Stopping units, so that no job of systemd's is left that would stop them later.

. ../lib/clock.sh
. ../lib/say.sh
. ../process/find.sh
. ./cgroup.sh
. ./systemd.sh

# stop_units: stops $units through systemd, so that Restart= does not bring them back. What still lives after
# in_stop_timeout_seconds is killed through its unit. Sets refused.
stop_units() {
  [ -n "$units" ] || return 0
  stop_tries=0
  systemctl_seconds=$in_stop_timeout_seconds
  # shellcheck disable=SC2086
  until unit_error=$(exec 9>&-; systemctl_for "$unit_user" stop -- $units 2>&1); do
    stop_code=$?
    case $stop_code in
      124 | 137 | 143) ;;
      *)
        systemctl_seconds=30
        refused="systemd could not stop $units: $unit_error"
        return 1
        ;;
    esac
    stop_tries=$((stop_tries + 1))
    if [ "$stop_tries" -gt 4 ]; then
      systemctl_seconds=30
      refused="$units did not stop, not even after KILL"
      return 1
    fi
    [ "$stop_tries" -gt 1 ] || say note "$units did not stop within $in_stop_timeout_seconds s; sending KILL"
    systemctl_seconds=3
    # shellcheck disable=SC2086
    kill_units $units $dependents
  done
  systemctl_seconds=30
}

# kill_units UNIT…: all their processes, those of a stop command too.
kill_units() {
  ( exec 9>&-; systemctl_for "$unit_user" kill --signal=KILL -- "$@" ) >/dev/null 2>&1
}

# spare_units: takes those processes out of running and strangers that belong to a unit which is restarted after the swap, or left
# alone.
spare_units() {
  [ -n "$restarted_units$left_units" ] || return 0
  # shellcheck disable=SC2086
  not_spared $running
  running=$not_spared
  # shellcheck disable=SC2086
  not_spared $strangers
  strangers=$not_spared
}

# not_spared PID…: sets not_spared to the others.
not_spared() {
  not_spared=
  for spare_pid in "$@"; do
    cgroup_unit "$spare_pid"
    case " $restarted_units $left_units " in
      *" ${cgroup_unit:-/} "*) ;;
      *) is_instance_left "$cgroup_unit" || not_spared="$not_spared $spare_pid" ;;
    esac
  done
  not_spared=${not_spared# }
}

# is_instance_left UNIT: an instance per connection, of a template of which another instance was left alone: they come and go.
is_instance_left() {
  case $1 in *@*) ;; *) return 1 ;; esac
  case " $left_units" in *" ${1%%@*}@"*) ;; *) return 1 ;; esac
}
