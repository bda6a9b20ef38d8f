# One process: when it started, who started it, whether it is still the same one.

# process_start PID: sets process_start to its start in clock ticks since boot, empty when it is gone, and process_parent.
process_start() {
  process_start=
  process_parent=
  process_stat=
  [ -n "$1" ] || return 1
  { while IFS= read -r process_line; do process_stat=$process_stat$process_line; done <"/proc/$1/stat"; } 2>/dev/null
  # The name may contain blanks, parentheses and line ends: count from its end.
  process_stat=${process_stat##*) }
  # shellcheck disable=SC2086
  set -- $process_stat
  [ "$#" -ge 20 ] || return 1
  process_start=${20}
  process_state=$1
  process_parent=$2
  process_session=$4
}

# process_alive PID START: whether it is still that process, and no zombie.
process_alive() {
  process_start "$1" || return 1
  case $process_state in Z | X) return 1 ;; esac
  [ "$process_start" = "$2" ]
}

# process_uid PID: sets process_uid to the number of the account that started it, and process_effective_uid to that of its
# rights. The owner of /proc/PID does not tell: it is root for a program with file capabilities.
process_uid() {
  process_uid=
  process_effective_uid=
  { while read -r uid_key uid_real uid_effective _; do
    case $uid_key in
      Uid:)
        process_uid=$uid_real
        process_effective_uid=$uid_effective
        break
        ;;
    esac
  done <"/proc/$1/status"; } 2>/dev/null
  [ -n "$process_uid" ]
}
