# What the journal has of a start of units: its output, and how it ended.
#
# journald looks up the id of a start (the invocation) when it reads the line, not when the program writes it. For a program that
# has ended by then it finds none, or that of the next start; the unit's name and the process's number are right. Only fields that
# begin with an underscore are journald's own; every account may write the others.

. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/say.sh

# say_unit_output: the journal of the starts that remember_start_output noted, not of the version before. Called when the program
# is up again, because it may wait.
say_unit_output() {
  command -v journalctl >/dev/null || return 0
  read_all_output
  set --
  for output_id in $failed_ids; do
    set -- "$@" + "_SYSTEMD_INVOCATION_ID=$output_id"
    [ -n "$unit_user" ] || set -- "$@" + "INVOCATION_ID=$output_id" _PID=1
  done
  if [ -z "$unit_user" ]; then
    for output_unit in $failed_units; do
      nameless_pids "$output_unit"
      for output_pid in $failed_pids $nameless_pids; do set -- "$@" + "_SYSTEMD_UNIT=$output_unit" "_PID=$output_pid"; done
    done
  elif output_uid=$(id -u -- "$unit_user"); then
    for output_pid in $failed_pids; do set -- "$@" + "_UID=$output_uid" "_PID=$output_pid"; done
  fi
  [ "$#" -gt 0 ] || return 0
  shift
  say output "$(limited 5 journalctl --quiet --no-pager --boot -o cat -n 30 "$@" 2>/dev/null | tail -c 8000)"
}

# remember_start_output: before the old version is started again.
remember_start_output() {
  failed_ids=${unit_ids:-}
  failed_pids=${unit_pids:-}
  failed_units=${proved_units:-}
  failed_mark=${start_mark:-}
}

# read_all_output: journald has read what was written before. Only root may ask it to; another account waits instead.
read_all_output() {
  limited 3 journalctl --sync >/dev/null 2>&1 || pause_cs 20
}

# nameless_pids UNIT: sets nameless_pids to the processes of the unit that have written lines without an invocation since then, and
# that did not run before.
nameless_pids() {
  # Rather too early than too late by what these calls take.
  nameless_since=$(date +%s)
  uptime_cs
  nameless_since=$((nameless_since - (now_cs - failed_mark) / 100 - 1))
  nameless_pids=
  for nameless_pid in $(limited 3 journalctl --quiet --no-pager -o json --output-fields=_PID,_SYSTEMD_INVOCATION_ID "--since=@$nameless_since" "_SYSTEMD_UNIT=$1" 2>/dev/null | sed -n '/"_SYSTEMD_INVOCATION_ID"/d; s/.*"_PID" *: *"\([0-9]*\)".*/\1/p' | sort -u); do
    case " ${present_pids:-} " in *" $nameless_pid "*) ;; *) nameless_pids="$nameless_pids $nameless_pid" ;; esac
  done
}

# exit_in_journal ID: sets how_ended to how the main process of that start ended, which systemd itself has forgotten.
exit_in_journal() {
  how_ended='how is not known'
  command -v journalctl >/dev/null || return 0
  find_exit "$1"
  [ -n "$exit_status" ] || { read_all_output; find_exit "$1"; }
  case $exit_status in
    '' | *[!0-9A-Z]*) ;;
    *[!0-9]*) how_ended="killed by signal $exit_status" ;;
    *) how_ended="exit status $exit_status" ;;
  esac
}

find_exit() {
  exit_status=$(limited 3 journalctl --quiet -n 1 -o cat --output-fields=EXIT_STATUS MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15 "INVOCATION_ID=$1" 2>/dev/null)
}
