# The units that have to do with the file, before anything is stopped: those that run it, those whose command it is, what
# triggers them, what stops and starts with them.

. ../lib/limit.sh
. ../lib/say.sh
. ../process/process.sh
. ../service/as-user.sh
. ../service/cgroup.sh
. ../service/systemd.sh
. ../service/unit-of.sh
. ../state/folder.sh

# inspect_units: says a line `unit` for each, of the system's manager and of the one of the account run_as; `service_error`
# when systemd can't be asked. Expects running and strangers.
inspect_units() {
  command -v systemctl >/dev/null && [ -d /run/systemd/system ] || {
    [ -z "$in_service" ] || say service_error 'systemd is not running there'
    return 0
  }
  world_file=${PWD%/}/$in_name
  world_last=$(go_into_state && [ -O . ] && [ -f journal ] && sed -n 's/^unit=//p' journal | head -n 1)
  world_uid=$(id -u "$run_as" 2>/dev/null)
  system_candidates=
  user_candidates=
  for world_pid in $running ${strangers:-}; do add_candidates "$world_pid"; done
  if [ -n "$in_service" ]; then
    if [ "$in_service_is_user" = yes ]; then user_candidates="$in_service $user_candidates"; else system_candidates="$in_service $system_candidates"; fi
  fi
  search_unit_files ''
  inspect_manager '' "$system_candidates $world_last"
  inspect_user_manager
}

# add_candidates PID: the unit of its control group, and those of its parents: su and sudo move what they start to a login's group.
add_candidates() {
  add_pid=$1
  while [ "${add_pid:-0}" -gt 1 ]; do
    if cgroup_unit "$add_pid"; then
      case $cgroup_uid in
        '') system_candidates="$system_candidates $cgroup_unit" ;;
        "$world_uid") user_candidates="$user_candidates $cgroup_unit" ;;
        *) say other_user_unit "pid=$1 uid=$cgroup_uid unit=$cgroup_unit" ;;
      esac
      return
    fi
    process_start "$add_pid" || return 0
    add_pid=$process_parent
  done
}

# search_unit_files USER: adds the units whose files name the program, loaded or not, to the candidates.
search_unit_files() {
  if [ -z "$1" ]; then
    search_files=$(limited 10 grep -rlsF -- "/$in_name" /etc/systemd/system /run/systemd/system /run/systemd/generator.late /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system /etc/init.d 2>/dev/null | head -n 50)
  else
    search_home=$(getent passwd "$1" 2>/dev/null | cut -d : -f 6)
    # With the account's own rights: these files are its.
    search_files=$(as_user "$1" timeout 10 grep -rlsF -- "/$in_name" /etc/systemd/user /usr/lib/systemd/user "${search_home:-/nonexistent}/.config/systemd/user" </dev/null 2>/dev/null | head -n 50)
  fi
  search_found=
  IFS=$newline
  for search_path in $search_files; do
    search_name=${search_path##*/}
    case $search_path in
      *.service.d/*)
        search_name=${search_path%/*}
        search_name=${search_name##*/}
        search_name=${search_name%.d}
        ;;
      /etc/init.d/*) search_name=$search_name.service ;;
    esac
    is_unit_name "$search_name" || continue
    case $search_name in
      *@.service) add_instances "$1" "${search_name%.service}" ;;
      *.service) search_found="$search_found $search_name" ;;
    esac
  done
  IFS=$usual_ifs
  if [ -z "$1" ]; then system_candidates="$system_candidates$search_found"; else user_candidates="$user_candidates$search_found"; fi
}

is_unit_name() {
  case $1 in '' | *[!A-Za-z0-9:_.@\\-]*) return 1 ;; esac
}

# add_instances USER TEMPLATE: those that are loaded, and those that are enabled.
add_instances() {
  instances=$(IFS=$usual_ifs; systemctl_for "$1" list-units --all --plain --no-legend --full "$2*.service" 2>/dev/null | while read -r instance _; do printf '%s\n' "$instance"; done)
  for instance in $instances /etc/systemd/system/*.wants/"$2"*.service; do
    instance=${instance##*/}
    [ "$instance" = "$2.service" ] || ! is_unit_name "$instance" || search_found="$search_found $instance"
  done
}

inspect_user_manager() {
  [ -n "$world_uid" ] || return 0
  if [ "$me" != 0 ] && [ "$me" != "$world_uid" ]; then return 0; fi
  [ ! -e "/var/lib/systemd/linger/$run_as" ] || say run_as_lingers yes
  if [ ! -S "/run/user/$world_uid/systemd/private" ]; then
    [ "$in_service_is_user" != yes ] || say user_manager none
    return 0
  fi
  search_unit_files "$run_as"
  [ -n "$user_candidates" ] || return 0
  inspect_manager "$run_as" "$user_candidates"
}

# inspect_manager USER UNIT…: says the units, then what belongs to them, at most four steps away.
inspect_manager() {
  world_user=$1
  world_todo=$2
  world_seen=' '
  world_role=program
  world_step=0
  while [ -n "${world_todo# }" ] && [ "$world_step" -lt 5 ]; do
    world_next=
    world_ask=
    for world_name in $world_todo; do
      world_entry=${world_name##*,}
      case "$world_seen" in *" $world_entry "*) continue ;; esac
      world_seen="$world_seen$world_entry "
      world_ask="$world_ask $world_entry"
    done
    world_roles=" $world_todo "
    [ -n "$world_ask" ] || break
    # shellcheck disable=SC2086
    show_units "$world_user" say_unit "$WORLD_PROPERTIES" $world_ask || {
      say service_error "${unit_error:-systemd does not answer}"
      return
    }
    world_todo=$world_next
    world_role=
    world_step=$((world_step + 1))
  done
}

WORLD_PROPERTIES=Id,Names,LoadState,ActiveState,SubState,UnitFileState,Type,User,MainPID,RemainAfterExit,Transient,NeedDaemonReload,ExecStart,KillMode,ControlGroup,TriggeredBy,RequiredBy,BoundBy,ConsistsOf,PropagatesStopTo,Requires,Wants,BindsTo,Accept,RefuseManualStart,RefuseManualStop

# say_unit: one answer of show_units.
say_unit() {
  world_role=program
  for unit_entry in $world_roles; do
    case $unit_entry in
      "$show_Id") world_role=program; break ;;
      *",$show_Id") world_role=${unit_entry%%,*}; break ;;
    esac
  done
  unit_command=no
  unit_pids=
  if [ "$world_role" = program ]; then
    command_of_unit
    pids_of_unit
    [ "$show_Id" != "$world_last" ] || [ "$unit_command" != no ] || unit_command=last
    # The file of an unrelated unit may happen to name the program.
    case " $show_Names $show_Id " in
      *" ${in_service:-/} "*) ;;
      *) [ -n "$unit_pids" ] || [ "$unit_command" != no ] || return 0 ;;
    esac
  fi
  case $world_role in trigger | wanted) ;; *) follow_unit ;; esac
  joined "$show_Names" && unit_names=$joined
  joined "$show_TriggeredBy" && unit_triggers=$joined
  joined "$unit_pids" && unit_pids=$joined
  joined "$show_Requires $show_Wants $show_BindsTo" && unit_wants=$joined
  joined "$show_RequiredBy $show_BoundBy $show_ConsistsOf $show_PropagatesStopTo" && unit_dependents=$joined
  say unit "name=$show_Id role=$world_role user=$world_user names=$unit_names load=$show_LoadState active=$show_ActiveState sub=$show_SubState enabled=$show_UnitFileState type=$show_Type account=$show_User main=$show_MainPID remain=$show_RemainAfterExit transient=$show_Transient reload=$show_NeedDaemonReload accept=$show_Accept command=$unit_command pids=$unit_pids triggers=$unit_triggers dependents=$unit_dependents wants=$unit_wants start_refused=$show_RefuseManualStart stop_refused=$show_RefuseManualStop"
}

# follow_unit: what triggers it, what is stopped with it, what is started with it.
follow_unit() {
  if [ "$world_role" = program ]; then
    for follow_name in $show_TriggeredBy; do world_next="$world_next trigger,$follow_name"; done
  fi
  for follow_name in $show_Requires $show_Wants $show_BindsTo; do
    case $follow_name in
      *.service | *.path | *.timer | *.socket) world_next="$world_next wanted,$follow_name" ;;
    esac
  done
  case $show_ActiveState in inactive | failed) return 0 ;; esac
  for follow_name in $show_RequiredBy $show_BoundBy $show_ConsistsOf $show_PropagatesStopTo; do
    world_next="$world_next dependent,$follow_name"
  done
}

# command_of_unit: sets unit_command: `exact` when the unit starts the file itself, `mention` when its command line names it,
# `script` for a script that does.
command_of_unit() {
  case $show_ExecStart in
    *"path=$world_file ;"* | *"path=$in_folder/$in_name ;"*) unit_command=exact ;;
    *"path=/etc/init.d/"*) unit_command=script ;;
    *[\ \'\"=]"$world_file"[\ \'\"\;]* | *[\ \'\"=]"$in_folder/$in_name"[\ \'\"\;]*) unit_command=mention ;;
    *"/$in_name ;"*)
      command_path=${show_ExecStart#*path=}
      [ ! "${command_path%% ;*}" -ef "$world_file" ] || unit_command=exact
      ;;
  esac
}

# pids_of_unit: sets unit_pids to the processes that execute the file and that it manages.
pids_of_unit() {
  for unit_pid in $running ${strangers:-}; do
    if ! in_cgroup "$unit_pid" "$show_ControlGroup"; then
      [ -z "$cgroup_unit" ] && [ "${show_MainPID:-0}" != 0 ] && descends_from "$unit_pid" "$show_MainPID" || continue
    fi
    unit_manages "$unit_pid" "${show_MainPID:-0}" "$show_KillMode" || continue
    unit_pids="$unit_pids $unit_pid"
  done
}

# joined WORDS: sets joined to them with commas between.
joined() {
  joined=
  for joined_word in $1; do joined=$joined,$joined_word; done
  joined=${joined#,}
}
