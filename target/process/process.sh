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

# short_name NAME: sets short_name to the 15 bytes of it that the kernel keeps as a process's name.
short_name() {
  short_name=$1
  while [ "${#short_name}" -gt 15 ]; do short_name=${short_name%?}; done
}

# descends_from PID ANCESTOR: whether one of its parents is that process.
descends_from() {
  descends_pid=$1
  while [ "${descends_pid:-0}" -gt 1 ]; do
    process_start "$descends_pid" || return 1
    descends_pid=$process_parent
    [ "$descends_pid" != "$2" ] || return 0
  done
  return 1
}
