# Nothing but what was proved runs.

. ../lib/say.sh
. ../process/find.sh
. ../process/process.sh
. ./stop.sh

# only_proved: nothing but the proved process and what it started executes the file, and nothing at all an older image of it: what
# restarts the program on its own must not pass with a second copy, or with the old one.
only_proved() {
  find_executors
  for only_pid in $running; do
    if ! executes "$only_pid" "$live_image"; then
      process_running "$only_pid" || continue
      started_by "$only_pid"
      refused="pid $only_pid still runs another version of the file$started_by"
      return 1
    fi
    [ "$restart" = process ] || continue
    belongs_to "$only_pid" "$stable_pid" && continue
    process_running "$only_pid" || continue
    started_by "$only_pid"
    refused="pid $only_pid also runs the file, besides pid $stable_pid$started_by"
    return 1
  done
  only_others=
  for only_pid in $strangers; do
    # A unit may run it as any account, through su or sudo.
    case "${units_marks:-} " in *" $only_pid:"*) ;; *) only_others="$only_others $only_pid" ;; esac
  done
  [ -z "$only_others" ] || say note "other accounts also execute the file: pid$only_others"
}

# belongs_to PID ANCESTOR: the same process, one that it started, or one of its session.
belongs_to() {
  [ "$1" != "$2" ] || return 0
  process_start "$2" && belongs_session=$process_session
  process_start "$1" || return 0
  [ "$process_session" != "${belongs_session:-none}" ] || return 0
  descends_from "$1" "$2"
}

# started_by PID: sets started_by to words for who started it, empty for one whose parent is gone.
started_by() {
  started_by=
  process_start "$1" && [ "$process_parent" -gt 1 ] || return 0
  started_name=
  { IFS= read -r started_name <"/proc/$process_parent/comm"; } 2>/dev/null
  started_by="; pid $process_parent ($started_name) started it and may start it again"
}
