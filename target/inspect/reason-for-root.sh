# What a deploy needs root for.

. ../process/find.sh
. ../service/unit-of.sh

# reason_for_root: the first step that this account can't do by itself.
reason_for_root() {
  if [ -z "$folder_entered" ] || [ ! -w . ]; then
    root_reason="$me_name can't write to $in_folder"
  elif [ -e "./.$in_name.deploy" ] && [ ! -O "./.$in_name.deploy" ]; then
    root_reason="the releases in $in_folder/.$in_name.deploy belong to another account"
  elif [ -e "./$in_name" ] && [ ! -O "./$in_name" ]; then
    root_reason="$in_folder/$in_name belongs to another account"
  elif [ -n "$in_owner" ] && ! is_me "${in_owner%%:*}"; then
    root_reason="the file's owner must be set to $in_owner"
  elif [ -n "$in_run_as" ] && ! is_me "$in_run_as"; then
    root_reason="the program runs as $in_run_as"
  elif [ -n "$in_capabilities" ]; then
    root_reason='file capabilities are to be set'
  elif [ -n "$(getcap "./$in_name" 2>/dev/null)" ]; then
    root_reason='its file capabilities are to be carried over'
  elif [ -n "$running_unseen$maybe_running" ]; then
    root_reason="pid ${running_unseen:-$maybe_running} may run the file, and $me_name can't see it"
  elif [ -z "$running" ] && hides_processes; then
    root_reason="the processes of other accounts are hidden from $me_name (hidepid)"
  elif [ -n "$in_service" ] && [ "$in_service_is_user" != yes ]; then
    root_reason="$in_service is a system unit"
    ! unit_facts "$in_service" '' || [ "$unit_uid" != "$me" ] || root_unit=$unit_id
  else
    reason_of_processes
  fi
}

reason_of_processes() {
  for reason_pid in $running; do
    if [ ! -O "/proc/$reason_pid" ]; then
      root_reason="pid $reason_pid belongs to another account"
    elif unit_of "$reason_pid" && [ -z "$unit_user" ] && [ "$in_restart" != command ]; then
      root_reason="pid $reason_pid belongs to the system unit $unit"
      root_unit=$unit
    fi
  done
}

is_me() {
  [ "$1" = "$me_name" ] || [ "$1" = "$me" ]
}
