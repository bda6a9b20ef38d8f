# Who holds the port that the program is to listen on.

. ../lib/say.sh
. ../process/port.sh

look_at_port() {
  [ -n "$in_listen_port" ] || return 0
  # shellcheck disable=SC2086
  if [ -n "$running" ] && port_owned_by "$in_listen_port" $running; then
    say port ours
    return
  fi
  port_owner "$in_listen_port"
  if [ -z "$port_inodes" ]; then
    say port closed
  elif [ -n "$port_unseen" ]; then
    say port unseen
  else
    for port_pid in $port_owner_pids; do
      say port "held by pid $port_pid ($(readlink "/proc/$port_pid/exe" 2>/dev/null || cat "/proc/$port_pid/comm"))"
    done
  fi
}
