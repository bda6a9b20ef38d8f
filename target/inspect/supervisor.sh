# Which supervisor starts a process again when it ends.

. ../process/process.sh

# supervisor_of PID: sets supervisor to its name, supervisor_pid, and supervised to the name that it knows the process by: for runit, s6
# and daemontools the folder of the service; empty where that is not known.
supervisor_of() {
  supervisor_above "$1" || supervisor_by_environment "$1" || return 1
  supervised=
  case $supervisor in
    runsv | s6-supervise | supervise) supervised=$(readlink "/proc/$supervisor_pid/cwd" 2>/dev/null) ;;
    supervisord)
      started_with "$1" SUPERVISOR_GROUP_NAME
      supervised_group=$started_with
      started_with "$1" SUPERVISOR_PROCESS_NAME
      supervised=$started_with
      [ -z "$supervised" ] || [ "$supervised_group" = "$supervised" ] || supervised=$supervised_group:$supervised
      ;;
    pm2) started_with "$1" name && supervised=$started_with ;;
    monit) started_with "$1" MONIT_SERVICE && supervised=$started_with ;;
  esac
  # It becomes a word of a command.
  case $supervised in *[!A-Za-z0-9_./:@+-]*) supervised= ;; esac
}

supervisor_above() {
  supervisor=
  supervisor_pid=$1
  while :; do
    process_start "$supervisor_pid" && supervisor_pid=$process_parent || return 1
    [ "$supervisor_pid" -gt 0 ] || return 1
    { IFS= read -r supervisor <"/proc/$supervisor_pid/comm"; } 2>/dev/null
    case $supervisor in
      supervisord | runsv | s6-supervise | monit | supervise | circusd) return 0 ;;
      PM2*) supervisor=pm2; return 0 ;;
    esac
    supervisor=
  done
}

# supervisor_by_environment PID: monit leaves what it starts to init.
supervisor_by_environment() {
  started_with "$1" MONIT_SERVICE || return 1
  for supervisor_proc in /proc/[0-9]*; do
    supervisor_name=
    { IFS= read -r supervisor_name <"$supervisor_proc/comm"; } 2>/dev/null
    [ "$supervisor_name" = monit ] || continue
    supervisor=monit
    supervisor_pid=${supervisor_proc#/proc/}
    return 0
  done
  return 1
}

# started_with PID NAME: sets started_with to that variable of its environment; fails when it has none.
started_with() {
  started_with=$(tr '\n\0' ' \n' 2>/dev/null <"/proc/$1/environ" | sed -n "s/^$2=//p" | head -n 1)
  [ -n "$started_with" ]
} 2>/dev/null
