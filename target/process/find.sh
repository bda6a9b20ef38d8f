# Processes by what they execute.

# find_running FILE [OTHER…]: sets running to the pids that execute one of the files (by device and inode), or a deleted
# image of FILE, seen from our own root: a container's program of the same path is another file, while a unit with a
# mount namespace of its own is found. Sets running_unseen to those that may, by their name, but can't be looked into.
find_running() {
  running=
  running_unseen=
  sees_all
  find_comm=${1##*/}
  # The kernel keeps 15 bytes of the name.
  while [ "${#find_comm}" -gt 15 ]; do find_comm=${find_comm%?}; done
  for find_proc in /proc/[0-9]*; do
    for find_candidate in "$@"; do
      [ "$find_proc/exe" -ef "$find_candidate" ] || continue
      running="$running ${find_proc#/proc/}"
      continue 2
    done
    [ "$sees_all" = yes ] || find_unseen "$find_proc"
  done
  find_deleted "$1"
  running=${running# }
  running_unseen=${running_unseen# }
}

# find_deleted FILE: one process lists every link; one each would be slow.
find_deleted() {
  find_links=$(ls -ln /proc/[0-9]*/exe 2>/dev/null)
  case $find_links in *"/${1##*/} (deleted)"*) ;; *) return 0 ;; esac
  # The kernel tells paths without the symbolic links on their way.
  find_path=$(cd -P "${1%/*}/" 2>/dev/null && printf '%s' "${PWD%/}/${1##*/}") || find_path=$1
  find_links=$find_links$newline
  while [ -n "$find_links" ]; do
    find_link=${find_links%%"$newline"*}
    find_links=${find_links#*"$newline"}
    case $find_link in
      *"/exe -> $find_path (deleted)")
        find_pid=${find_link%"/exe -> $find_path (deleted)"}
        find_pid=${find_pid##*/proc/}
        [ ! "/proc/$find_pid/root/." -ef /. ] || running="$running $find_pid"
        ;;
    esac
  done
}

# sees_all: sets sees_all to yes when we may look into every process: a container's root often lacks that capability
# (CAP_SYS_PTRACE, bit 19).
sees_all() {
  [ -z "${sees_all:-}" ] || return 0
  sees_all=no
  while read -r sees_key sees_value; do
    case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
  done </proc/self/status
}

# find_unseen PROC: a process of that name whose program this account may not see. A dead one, not yet buried, has none.
find_unseen() {
  find_name=
  { IFS= read -r find_name <"$1/comm"; } 2>/dev/null || return 0
  if [ "$find_name" = "$find_comm" ] && ! readlink "$1/exe" >/dev/null 2>&1; then
    process_start "${1#/proc/}" || return 0
    case $process_state in Z | X) ;; *) running_unseen="$running_unseen ${1#/proc/}" ;; esac
  fi
}

# eldest_running: sets eldest to the one of $running that none of the others started: a server's workers execute the same
# file, maybe under another account.
eldest_running() {
  eldest=${running%% *}
  for find_pid in $running; do
    process_start "$find_pid"
    case " $running " in
      *" ${process_parent:-none} "*) ;;
      *)
        eldest=$find_pid
        return 0
        ;;
    esac
  done
}

# process_start PID: sets process_start to its start in clock ticks since boot, empty when it is gone, and process_parent.
process_start() {
  process_start=
  process_parent=
  { IFS= read -r process_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The name may contain blanks and parentheses: count from its end.
  process_stat=${process_stat##*) }
  # shellcheck disable=SC2086
  set -- $process_stat
  process_start=${20}
  process_state=$1
  process_parent=$2
}

# process_alive PID START: whether it is still that process, and no zombie.
process_alive() {
  process_start "$1" || return 1
  case $process_state in Z | X) return 1 ;; esac
  [ "$process_start" = "$2" ]
}
