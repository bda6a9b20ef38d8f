# Who listens on a TCP port: socket, inode, process.

# port_inodes PORT [PID]: sets port_inodes to the listening sockets' inodes in that process's network namespace.
port_inodes() {
  port_inodes=
  [ "${port_hex_of:-}" = "$1" ] || port_hex=$(printf '%04X' "$1")
  port_hex_of=$1
  port_net=/proc/${2:-self}/net
  port_inodes=$(sed -n "s/^ *[0-9]*: [0-9A-F]*:$port_hex [0-9A-F]*:0000 0A [^ ]* [^ ]* [^ ]* *[0-9]* *[0-9]* \([0-9]*\) .*/\1/p" "$port_net/tcp" "$port_net/tcp6" 2>/dev/null)
}

# port_owned_by PORT PID…: whether one of the processes holds such a socket, in its own network namespace.
port_owned_by() {
  port_number=$1
  shift
  for port_pid in "$@"; do
    port_inodes "$port_number" "$port_pid"
    [ -n "$port_inodes" ] || continue
    port_held_by "$port_pid" && return 0
  done
  return 1
}

# port_held_by PID: whether it holds one of port_inodes.
port_held_by() {
  port_links=$(ls -l "/proc/$1/fd" 2>/dev/null)
  for port_inode in $port_inodes; do
    case $port_links in *"socket:[$port_inode]"*) return 0 ;; esac
  done
  return 1
}

# port_owner PORT: sets port_owner_pids to the processes that listen on it, and port_unseen=yes when a socket's owner
# can't be seen by this account.
port_owner() {
  port_owner_pids=
  port_unseen=
  port_inodes "$1"
  [ -n "$port_inodes" ] || return 0
  for port_proc in /proc/[0-9]*; do
    if port_held_by "${port_proc#/proc/}"; then port_owner_pids="$port_owner_pids ${port_proc#/proc/}"; fi
  done
  port_owner_pids=${port_owner_pids# }
  [ -n "$port_owner_pids" ] || port_unseen=yes
}
