# Asking systemd, the system's manager and those of users.

. ../lib/limit.sh
. ../lib/number.sh
. ../lib/say.sh
. ./as-user.sh

# systemctl_for USER ARGUMENT…: the manager of the system, or of USER, within systemctl_seconds (30 unless set).
systemctl_for() {
  systemctl_user=$1
  shift
  if [ -z "$systemctl_user" ]; then
    limited "${systemctl_seconds:-30}" systemctl "$@"
  else
    systemctl_uid=$(id -u -- "$systemctl_user") || return 1
    # That account's helper may leave something behind that holds the pipe, or print without an end.
    systemctl_said=$(
      {
        user_limit=${systemctl_seconds:-30}
        as_user "$systemctl_user" env "XDG_RUNTIME_DIR=/run/user/$systemctl_uid" systemctl --user "$@" 2>&1
        printf '\n%s' "$?"
      } | timed "$((${systemctl_seconds:-30} + 5))" head -c 65536
    )
    printf '%s' "${systemctl_said%"$newline"*}"
    is_number "${systemctl_said##*"$newline"}" && return "${systemctl_said##*"$newline"}"
  fi
}

# show_units USER CALLBACK PROPERTIES UNIT…: one question about all units; calls CALLBACK per unit with show_NAME set for each of
# the comma-separated properties. A property that systemd gives several times (ExecStart) has a line each. Fails, with
# unit_error, when systemd can't be asked.
show_units() {
  show_user=$1
  show_call=$2
  show_names=$3
  shift 3
  unit_error=
  if ! show_answer=$(systemctl_for "$show_user" show --property="$show_names" -- "$@" 2>&1); then
    unit_error=$show_answer
    return 1
  fi
  show_rest=$show_answer$newline$newline
  while [ -n "${show_rest#"$newline"}" ]; do
    show_block=${show_rest%%"$newline$newline"*}
    show_rest=${show_rest#*"$newline$newline"}
    show_clear
    IFS=$newline
    set -f
    # shellcheck disable=SC2086
    set -- $show_block
    set +f
    IFS=$usual_ifs
    for show_line in "$@"; do
      show_name=${show_line%%=*}
      case ,$show_names, in
        *",$show_name,"*) eval "show_$show_name=\${show_$show_name:+\$show_$show_name\$newline}\${show_line#*=}" ;;
      esac
    done
    "$show_call"
  done
}

show_clear() {
  show_Accept='' show_ActiveState='' show_BindsTo='' show_BoundBy='' show_ConditionResult=''
  show_ConsistsOf='' show_ControlGroup='' show_ExecMainCode='' show_ExecMainPID='' show_ExecMainStatus=''
  show_ExecStart='' show_Id='' show_InvocationID='' show_Job='' show_KillMode=''
  show_LoadState='' show_MainPID='' show_NRestarts='' show_Names='' show_NeedDaemonReload=''
  show_PropagatesStopTo='' show_RefuseManualStart='' show_RefuseManualStop='' show_RemainAfterExit='' show_RequiredBy=''
  show_Requires='' show_Result='' show_SubState='' show_Transient='' show_TriggeredBy=''
  show_Type='' show_UID='' show_UnitFileState='' show_User='' show_Wants=''
}

# unit_facts UNIT USER: sets unit_load unit_active unit_sub unit_main unit_restarts unit_result unit_group unit_kill unit_id and
# unit_uid, the number of the account that its User= names;
# unit_error and a failure when systemd can't be asked.
unit_facts() {
  unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_result='' unit_group='' unit_kill='' unit_id='' unit_uid=''
  show_units "$2" take_facts Id,LoadState,ActiveState,SubState,MainPID,NRestarts,Result,ControlGroup,KillMode,User,UID "$1"
}

take_facts() {
  unit_id=$show_Id
  unit_load=$show_LoadState
  unit_active=$show_ActiveState
  unit_sub=$show_SubState
  unit_main=${show_MainPID:-0}
  unit_restarts=${show_NRestarts:-0}
  unit_result=$show_Result
  unit_group=$show_ControlGroup
  unit_kill=$show_KillMode
  case $show_UID in
    # What does not run has no number yet.
    '' | *[!0-9]*) unit_uid=$(id -u -- "${show_User:-0}" 2>/dev/null) || unit_uid=${show_User:+none} ;;
    *) unit_uid=$show_UID ;;
  esac
  [ -n "$show_User" ] || unit_uid=0
}
