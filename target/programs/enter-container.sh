# Runs on the host of a container: goes into it. What follows on standard input is the program that runs there.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/root-tool.sh
. ../lib/say.sh

main() {
  prelude
  set -u
  PATH=$PATH:/snap/bin
  socket=
  case $in_kind in
    lxd)
      tool=lxc
      socket=${LXD_DIR:-/var/lib/lxd}/unix.socket
      [ -e "$socket" ] || socket=/var/snap/lxd/common/lxd/unix.socket
      ;;
    incus)
      tool=incus
      socket=${INCUS_DIR:-/var/lib/incus}/unix.socket
      ;;
    docker)
      tool=docker
      socket=/var/run/docker.sock
      ;;
    *) tool=$in_kind ;;
  esac
  command -v "$tool" >/dev/null || { refuse "there is no $tool on the host" "install $tool there, or name the kind of container that the host has."; return; }
  by_sudo=
  if needs_sudo; then
    find_root_tool || { refuse "$(id -un) may not use $tool, and $root_tool_error" "put $(id -un) into the group that may use $tool, or $(root_tool_remedy)."; return; }
    by_sudo="$root_tool -n --"
  fi
  enter
}

# needs_sudo: root and whoever may write to the daemon's socket need none. Podman's containers belong to an account.
needs_sudo() {
  case $in_sudo in
    always) [ "$(id -u)" != 0 ] ;;
    never) return 1 ;;
    *) [ "$(id -u)" != 0 ] && [ -e "$socket" ] && [ ! -w "$socket" ] ;;
  esac
}

enter() {
  case $in_kind in
    lxd | incus) set -- -T "$in_name" -- ;;
    *) set -- -i -u 0 "$in_name" ;;
  esac
  # What the container sets for its programs (BASH_ENV, LD_PRELOAD, functions) must not change ours.
  # shellcheck disable=SC2016,SC2086
  exec $by_sudo "$tool" exec "$@" /bin/sh -c '[ -x /usr/bin/env ] && exec /usr/bin/env -i "PATH=$PATH" /bin/sh -c "$0"; exec /bin/sh -c "$0"' "$in_run_program"
}

# refuse WHY REMEDY
refuse() {
  begin
  say container_error "$1"
  say container_remedy "$2"
  end
}

main
