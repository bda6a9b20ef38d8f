# systemd units, system and user ones.

. ../lib/clock.sh
. ../lib/limit.sh
. ../lib/say.sh
. ./as-user.sh

# systemctl_for USER ARGUMENT…: the manager of the system, or of USER.
systemctl_for() {
  systemctl_user=$1
  shift
  if [ -z "$systemctl_user" ]; then
    limited 30 systemctl "$@"
  else
    systemctl_uid=$(id -u "$systemctl_user") || return 1
    ( XDG_RUNTIME_DIR=/run/user/$systemctl_uid && export XDG_RUNTIME_DIR && as_user "$systemctl_user" timeout 30 systemctl --user "$@" </dev/null 9>&- )
  fi
}

# unit_of PID: succeeds when a service unit manages it; sets unit and unit_user (empty for the system's manager).
unit_of() {
  unit=
  unit_user=
  command -v systemctl >/dev/null || return 1
  unit_path=
  while IFS=: read -r unit_level unit_controllers unit_cgroup; do
    case $unit_level:$unit_controllers in *:name=systemd | 0:) ;; *) continue ;; esac
    case $unit_cgroup in *.service | *.service/*) unit_path=$unit_cgroup ;; esac
  done <"/proc/$1/cgroup"
  [ -n "$unit_path" ] || return 1
  unit_name=
  unit_manager=
  unit_rest=$unit_path
  while [ -n "$unit_rest" ]; do
    unit_step=${unit_rest%%/*}
    case $unit_rest in */*) unit_rest=${unit_rest#*/} ;; *) unit_rest= ;; esac
    case $unit_step in
      user@*.service) unit_manager=${unit_step#user@} unit_manager=${unit_manager%.service} unit_name= ;;
      *.service) unit_name=$unit_step ;;
    esac
  done
  [ -n "$unit_name" ] || return 1
  if [ -n "$unit_manager" ]; then
    unit_manager=$(stat -c %U "/proc/$1/." 2>/dev/null) || return 1
  fi
  unit_facts "$unit_name" "$unit_manager" || return 1
  unit_manages "$1" || return 1
  unit=$unit_name
  unit_user=$unit_manager
}

# unit_manages PID: its main process, or a child of it that is more than a login or job daemon's.
unit_manages() {
  [ "$unit_main" != 0 ] || return 1
  IFS= read -r unit_comm <"/proc/$unit_main/comm" 2>/dev/null || return 1
  unit_pid=$1
  [ "$unit_pid" != "$unit_main" ] || return 0
  case $unit_comm in sshd* | dropbear* | cron* | atd | login | agetty | *runner* | containerd* | dockerd* | lxd*) return 1 ;; esac
  while [ "$unit_pid" -gt 1 ]; do
    unit_parent=
    while read -r unit_key unit_value; do
      case $unit_key in PPid:) unit_parent=$unit_value ;; esac
    done <"/proc/$unit_pid/status"
    unit_pid=${unit_parent:-0}
    [ "$unit_pid" != "$unit_main" ] || return 0
  done
  return 1
}

# unit_facts UNIT USER: sets unit_load unit_active unit_sub unit_main unit_restarts unit_type unit_triggers unit_exit
# unit_result unit_uid (of the account it runs as); unit_error and a failure when systemd can't be asked.
unit_facts() {
  unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_type='' unit_triggers='' unit_exit='' unit_result='' unit_uid=0
  unit_running_uid=''
  unit_error=
  if ! unit_answer=$(systemctl_for "$2" show -p LoadState -p ActiveState -p SubState -p MainPID -p NRestarts -p Type -p TriggeredBy -p ExecMainStatus -p Result -p User -p UID -- "$1" 2>&1); then
    unit_error=$unit_answer
    return 1
  fi
  unit_rest=$unit_answer$newline
  while [ -n "$unit_rest" ]; do
    unit_line=${unit_rest%%"$newline"*}
    unit_rest=${unit_rest#*"$newline"}
    unit_value=${unit_line#*=}
    case $unit_line in
      LoadState=*) unit_load=$unit_value ;;
      ActiveState=*) unit_active=$unit_value ;;
      SubState=*) unit_sub=$unit_value ;;
      MainPID=*) unit_main=$unit_value ;;
      NRestarts=*) unit_restarts=$unit_value ;;
      Type=*) unit_type=$unit_value ;;
      TriggeredBy=*) unit_triggers=$unit_value ;;
      ExecMainStatus=*) unit_exit=$unit_value ;;
      Result=*) unit_result=$unit_value ;;
      User=?*) unit_uid=$unit_value ;;
      UID=[0-9]*) unit_running_uid=$unit_value ;;
    esac
  done
  # What is not running has no number yet.
  case ${unit_running_uid:-$unit_uid} in
    *[!0-9]*) unit_uid=$(id -u -- "$unit_uid" 2>/dev/null) || unit_uid= ;;
    *) unit_uid=${unit_running_uid:-$unit_uid} ;;
  esac
}

# unit_stop UNIT USER SECONDS: through systemd, so that Restart= does not bring it back.
unit_stop() {
  unit_change stop "$@"
}

# unit_start UNIT USER SECONDS: also a unit that systemd gave up after too many crashes.
unit_start() {
  systemctl_for "$2" reset-failed -- "$1" >/dev/null 2>&1
  unit_change start "$@"
}

unit_change() {
  unit_error=$( (
    exec 9>&-
    systemctl_for "$3" --no-block "$1" -- "$2" 2>&1
  )) || return 1
  uptime_cs
  unit_until=$((now_cs + $4 * 100))
  while :; do
    unit_job=$(systemctl_for "$3" show -p Job -p ActiveState -- "$2" 2>&1) || { unit_error=$unit_job; return 1; }
    case $unit_job in
      *Job=[1-9]*) ;;
      *)
        case $1:$unit_job in
          stop:*ActiveState=inactive* | stop:*ActiveState=failed* | start:*ActiveState=active* | start:*ActiveState=reloading*) return 0 ;;
          start:*ActiveState=activating*) ;;
          start:*) unit_error='it did not become active'; return 1 ;;
        esac
        ;;
    esac
    uptime_cs
    if [ "$now_cs" -ge "$unit_until" ]; then
      unit_error="no end within $4 s"
      return 1
    fi
    pause_cs 2
  done
}
