# Starting the program, as `restart` says.

. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/quote.sh
. ../process/find.sh
. ../process/words.sh
. ../service/command.sh
. ../service/unit-start.sh
. ./starter.sh

# start_it: as `restart` says; sets pid (empty when there is none to name yet) and start_mark. Sets refused.
start_it() {
  mark_start
  case $restart in
    none) return 0 ;;
    systemd) start_unit ;;
    command) start_by_command ;;
    process) start_process ;;
  esac
}

mark_start() {
  pid=
  reaped=
  adopted=
  image_pid=
  uptime_cs
  start_mark=$now_cs
}

start_unit() {
  choose_units
  [ "$starting" != old ] || reset_units
  # shellcheck disable=SC2086
  start_units $started_units
}

# What it leaves running must not fill the disk with its output, nor hold our folder.
start_by_command() {
  command_environment
  open_output
  (
    cd / || exit
    ulimit -S -c "$core_limit"
    eval "exec env -i $command_environment setsid /bin/sh -c \"\$in_start_command\""
  ) </dev/null >&4 2>&1 3<&- 4>&- 7>&- 8<&- 9>&- &
  command_pid=$!
  exec 4>&-
}

# remember_present: whether the old version runs, and how it was started, so that going back starts it the same way. Only a process
# of the account that this step starts it as, or that the last deploy did, is imitated: others may execute the file as well.
remember_present() {
  find_executors
  [ -z "$running" ] || was_running=yes
  present_pids=$running
  accounts=$trusted
  old_user=$in_run_as
  old_uid=$in_run_uid
  [ "$restart" = process ] || return 0
  main_process "$in_run_uid"
  if [ -z "$main_pid" ] && [ -n "$in_last_run_uid" ]; then
    main_process "$in_last_run_uid"
    [ -z "$main_pid" ] || { old_user=$in_last_run_as; old_uid=$in_last_run_uid; }
  fi
  [ -z "$main_pid" ] || remember_running "$main_pid"
  [ -z "$old_pid" ] || remember_parent
}

# remember_parent: who may start the old version again when it ends: a shell's loop, runit without a unit.
remember_parent() {
  process_start "$old_pid" && [ "$process_parent" -gt 1 ] || return 0
  parent_pid=$process_parent
  process_start "$parent_pid" && respawner=$parent_pid:$process_start
}

# adopt_respawned CS: takes the process that somebody else has started again, instead of a second one. A copy of the file that was
# replaced meanwhile is ended. Waits for so long; fails when there is none.
adopt_respawned() {
  uptime_cs
  respawn_until=$((now_cs + $1))
  while [ -n "$respawner" ] && process_alive "${respawner%:*}" "${respawner#*:}"; do
    find_executors
    for respawn_pid in $running; do
      executes "$respawn_pid" "$live_image" || ! process_start "$respawn_pid" || kill -s KILL "$respawn_pid" 2>/dev/null
    done
    if find_forked; then
      adopted=yes
      started_by "$pid"
      say note "pid $pid, which this step did not start, is taken as the program$started_by"
      return 0
    fi
    uptime_cs
    [ "$now_cs" -lt "$respawn_until" ] || return 1
    pause_cs 2
  done
  return 1
}

# remember_running PID: its arguments, environment, folder, log and umask. The environment stays in this shell's memory.
remember_running() {
  process_start "$1" || return 0
  remember_start=$process_start
  if program_words "$1"; then
    old_words=$program_words
  else
    old_words=$in_args
    say note "pid $1 shows a title in the place of its arguments; a rollback starts it with those of this step"
  fi
  old_env=$(environment_of "$1")
  old_dir=$(readlink "/proc/$1/cwd")
  old_log=$(readlink "/proc/$1/fd/1" 2>/dev/null)
  case $old_log in /*' (deleted)' | '') old_log=/dev/null ;; /*) ;; *) old_log=/dev/null ;; esac
  old_umask=022
  while read -r remember_key remember_value; do
    case $remember_key in Umask:) old_umask=$remember_value ;; esac
  done <"/proc/$1/status"
  carry_limits "$1"
  was_relative "$1"
  # What was read is that process's only while it lives.
  process_alive "$1" "$remember_start" && old_remembered=yes && old_pid=$1
}

# was_relative PID: sets run_relative to yes when it was started as ./NAME, which its way of being started again may rest on.
was_relative() {
  run_relative=no
  case $(limited 2 head -c 2 "/proc/$1/cmdline" 2>/dev/null) in ./) run_relative=yes ;; esac
}

# environment_of PID: as quoted words, without what a shell can't export.
environment_of() {
  zero_words "/proc/$1/environ" '/^[A-Za-z_][A-Za-z0-9_]*=/!d; /^\(UID\|EUID\|PPID\|SHELLOPTS\|BASHOPTS\|BASH_VERSINFO\|_\)=/d'
}
