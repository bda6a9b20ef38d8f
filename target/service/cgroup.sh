# Which service unit a process belongs to, read from its control group without asking systemd.

# cgroup_unit PID: sets cgroup_path, cgroup_unit (the service unit, empty for none) and cgroup_uid (whose user manager, empty for
# the system's). A scope is not a unit that can be started again.
cgroup_unit() {
  cgroup_path=
  cgroup_unit=
  cgroup_uid=
  { while IFS=: read -r cgroup_level cgroup_controllers cgroup_read; do
    # Where systemd does not use one of the two, every process is in the root of it.
    case $cgroup_level:$cgroup_controllers:$cgroup_read in
      *:name=systemd:/?*) cgroup_path=$cgroup_read ;;
      0::/?*) cgroup_path=${cgroup_path:-$cgroup_read} ;;
    esac
  done <"/proc/$1/cgroup"; } 2>/dev/null
  cgroup_rest=$cgroup_path
  while [ -n "$cgroup_rest" ]; do
    cgroup_step=${cgroup_rest%%/*}
    case $cgroup_rest in */*) cgroup_rest=${cgroup_rest#*/} ;; *) cgroup_rest= ;; esac
    case $cgroup_step in
      user@*.service)
        cgroup_uid=${cgroup_step#user@}
        cgroup_uid=${cgroup_uid%.service}
        cgroup_unit=
        ;;
      *.service) cgroup_unit=$cgroup_step ;;
    esac
  done
  [ -n "$cgroup_unit" ]
}

# in_cgroup PID GROUP: whether the process is in this control group of a unit, or below it.
in_cgroup() {
  cgroup_unit "$1" || :
  [ -n "$2" ] || return 1
  # A manager in a container may name its groups from its own root.
  case $cgroup_path/ in "$2"/* | */*"$2"/*) return 0 ;; esac
  return 1
}
