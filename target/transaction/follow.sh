. ../lib/clock.sh
. ../lib/say.sh
. ../process/process.sh

# follow PID START: prints what the transaction says, until its end; `died` when it ended without one, `gone` when the process
# it proved has ended since: a host that went down in between.
follow() {
  follow_ended=
  follow_pid=
  follow_pause=1
  exec 8<progress
  while [ -z "$follow_ended" ]; do
    process_alive "$1" "$2" || follow_ended=yes
    while IFS= read -r follow_line <&8; do
      case $follow_line in
        begin) continue ;;
        end)
          [ -z "$follow_pid" ] || is_there "$follow_pid" || say gone "$follow_pid"
          end
          return 0
          ;;
        pid=*) follow_pid=${follow_line#pid=} ;;
      esac
      printf '%s\n' "$follow_line"
      follow_pause=1
    done
    [ -n "$follow_ended" ] || pause_cs "$follow_pause"
    # News come close together or after seconds, and each look is a process.
    [ "$follow_pause" -ge 10 ] || follow_pause=$((follow_pause + 1))
  done
  say died yes
  end
}

# is_there PID: and no zombie, whose parent may take its time.
is_there() {
  process_start "$1" || return 1
  case $process_state in Z | X) return 1 ;; esac
}
