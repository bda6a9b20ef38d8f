# The unit that is to run the file.

. ../lib/account.sh
. ../lib/say.sh
. ../process/process.sh
. ../service/cgroup.sh
. ../service/systemd.sh
. ../service/unit-of.sh

look_at_service() {
  [ -n "$in_service" ] || return 0
  service_user=
  if [ "$in_service_is_user" = yes ]; then
    service_user=$in_run_as
    if [ -z "$service_user" ] && [ -n "$main_pid" ]; then
      process_uid "$main_pid" && name_of passwd "$process_uid" && service_user=$name_of
    fi
    [ -n "$service_user" ] || service_user=$(stat -L -c %U "$file" 2>/dev/null)
  fi
  if unit_facts "$in_service" "$service_user"; then
    say service "load=$unit_load active=$unit_active sub=$unit_sub main=$unit_main restarts=$unit_restarts result=$unit_result pids=$(pids_in_unit)"
  else
    say service_error "${unit_error:-systemd does not answer}"
  fi
}

# pids_in_unit: those of the processes that the unit manages, with commas between.
pids_in_unit() {
  for service_pid in $running; do
    if ! in_cgroup "$service_pid" "$unit_group"; then
      [ -z "$cgroup_unit" ] && [ "$unit_main" != 0 ] && descends_from "$service_pid" "$unit_main" || continue
    fi
    ! unit_manages "$service_pid" "$unit_main" "$unit_kill" || printf '%s,' "$service_pid"
  done
}
