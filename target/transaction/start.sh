# Starting the program so that it holds nothing of us: own session, /dev/null as standard input, none of our descriptors.

. ../lib/clock.sh
. ../lib/quote.sh
. ../process/find.sh
. ../service/as-user.sh
. ../service/unit-start.sh

# start_it: as `restart` says; sets pid (empty when there is none to name yet) and start_mark. Sets refused.
start_it() {
  pid=
  reaped=
  adopted=
  image_pid=
  uptime_cs
  start_mark=$now_cs
  case $restart in
    none) return 0 ;;
    systemd) start_unit ;;
    command) start_by_command ;;
    process) start_process ;;
  esac
}

start_unit() {
  choose_units
  [ "$starting" != old ] || reset_units
  # shellcheck disable=SC2086
  start_units $started_units
}

# Its output goes to our own folder: a log's path could be a link that root must not write through.
start_by_command() {
  : >command.output
  (ulimit -S -c "$core_limit"; exec setsid /bin/sh -c "$in_start_command") </dev/null >command.output 2>&1 9>&- &
  command_pid=$!
}

# prepare_process: run_user, run_dir, run_words (quoted arguments), run_env (quoted KEY=VALUE words), run_log and run_umask
# become the starter, a few lines for a shell of that account. Done before the stop, for every process costs downtime.
prepare_process() {
  quoted "$run_dir" && start_dir=$quoted
  quoted "$run_log" && start_log=$quoted
  if [ "$run_dir" -ef .. ]; then quoted "./$in_name"; else quoted "$in_folder/$in_name"; fi
  undo_ignored
  starter="umask $run_umask
ulimit -S -c $core_limit
${run_env:+export $run_env
}cd -- $start_dir && exec $undo_ignored $quoted $run_words </dev/null >>$start_log 2>&1 9>&- 3<&- 8<&-"
  user_shell_words "$run_user"
}

# start_process: the environment goes through a pipe: in an argument list or a file others could read it.
start_process() {
  # A pipe's last command keeps its pid through every exec up to the program itself.
  # shellcheck disable=SC2086
  printf '%s\n' "$starter" | exec setsid $user_shell_words >/dev/null 2>start.errors 9>&- &
  pid=$!
}

# undo_ignored: a shell starts what it puts into the background with INT and QUIT ignored, and no shell can undo that for
# the program. Sets undo_ignored to the words of what can, empty where nothing does.
undo_ignored() {
  undo_ignored=
  case $in_folder/$in_name in *=*) return 0 ;; esac
  if env --default-signal=INT,QUIT true 2>/dev/null; then
    undo_ignored="$(command -v env) --default-signal=INT,QUIT"
  fi
}

# remember_present: whether the old version runs, and how it was started, so that going back starts it the same way. Only a process
# of the account that this step starts it as, or that the last deploy did, is imitated: others may execute the file as well.
remember_present() {
  find_executors
  [ -z "$running" ] || was_running=yes
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
}

# remember_running PID: its arguments, environment, folder, log and umask. The environment stays in this shell's memory.
remember_running() {
  process_start "$1" || return 0
  remember_start=$process_start
  old_words=$(zero_words "/proc/$1/cmdline" 1d)
  old_env=$(environment_of "$1")
  old_dir=$(readlink "/proc/$1/cwd")
  old_log=$(readlink "/proc/$1/fd/1" 2>/dev/null)
  case $old_log in /*' (deleted)' | '') old_log=/dev/null ;; /*) ;; *) old_log=/dev/null ;; esac
  old_umask=022
  while read -r remember_key remember_value; do
    case $remember_key in Umask:) old_umask=$remember_value ;; esac
  done <"/proc/$1/status"
  # What was read is that process's only while it lives.
  process_alive "$1" "$remember_start" && old_remembered=yes
}

# environment_of PID: as quoted words, without what a shell can't export.
environment_of() {
  zero_words "/proc/$1/environ" '/^[A-Za-z_][A-Za-z0-9_]*=/!d; /^\(UID\|EUID\|PPID\|SHELLOPTS\|BASHOPTS\|BASH_VERSINFO\|_\)=/d'
}
