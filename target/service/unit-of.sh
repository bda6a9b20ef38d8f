# The unit that manages a process.

. ./cgroup.sh
. ./systemd.sh

# unit_of PID: succeeds when a service unit manages it; sets unit and unit_user (empty for the system's manager).
unit_of() {
  unit=
  unit_user=
  command -v systemctl >/dev/null && cgroup_unit "$1" || return 1
  unit_facts "$cgroup_unit" "$cgroup_uid" || return 1
  unit_manages "$1" "$unit_main" "$unit_kill" || return 1
  unit=$cgroup_unit
  unit_user=$cgroup_uid
}

# unit_manages PID MAIN KILL_MODE: whether the unit of that main process (0 for none) manages one of its processes: not so where
# it is a daemon for logins or jobs, whose children live on without it.
unit_manages() {
  [ "$2" != "$1" ] && [ "$2" != 0 ] || return 0
  manages_comm=
  { IFS= read -r manages_comm <"/proc/$2/comm"; } 2>/dev/null
  case $manages_comm in sshd* | dropbear* | cron* | atd | login | agetty | *runner* | containerd* | dockerd* | lxd*) return 1 ;; esac
  [ "$3" != process ]
}
