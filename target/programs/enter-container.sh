# Runs on the host of a container: enters it. What follows on standard input is the program that runs there.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/root-tool.sh
. ../lib/say.sh

main() {
  prelude
  set -u
  PATH=$PATH:/snap/bin
  tool=$in_kind
  case $in_kind in
    lxd)
      tool=lxc
      sockets="${LXD_SOCKET:-${LXD_DIR:-/var/lib/lxd}/unix.socket} /var/snap/lxd/common/lxd/unix.socket /var/snap/lxd/common/lxd-user/unix.socket"
      ;;
    # The second one is for accounts that may use a project of their own only.
    incus) sockets="${INCUS_SOCKET:-${INCUS_DIR:-/var/lib/incus}/unix.socket} ${INCUS_DIR:-/var/lib/incus}/unix.socket.user" ;;
    docker) sockets=/var/run/docker.sock ;;
    *) sockets= ;;
  esac
  command -v "$tool" >/dev/null || { refuse "there is no $tool on the host" "install $tool there, or name the kind of container that the host has."; return; }
  root_tool=
  if needs_sudo; then
    find_root_tool || { refuse "$(id -un) may not use $tool, and $root_tool_error" "put $(id -un) into the group that may use $tool, or $(root_tool_remedy)."; return; }
  fi
  enter
}

# needs_sudo: root and whoever may write to a socket of the daemon do not. Podman's containers belong to an account, and so do the
# remote servers that a client knows.
needs_sudo() {
  [ "$(id -u)" != 0 ] || return 1
  case $in_sudo/$in_remote in
    always/*) return 0 ;;
    never/* | */?*) return 1 ;;
  esac
  needs_sudo=1
  for socket in $sockets; do
    [ ! -w "$socket" ] || return 1
    [ ! -e "$socket" ] || needs_sudo=0
  done
  return "$needs_sudo"
}

enter() {
  case $in_kind in
    lxd | incus) set -- ${in_project:+--project "$in_project"} -T "${in_remote:+$in_remote:}$in_name" -- ;;
    *) set -- -i -u 0 "$in_name" ;;
  esac
  # What the container sets for its programs (BASH_ENV, LD_PRELOAD, functions) must not change ours.
  # shellcheck disable=SC2016
  set -- "$(command -v "$tool")" exec "$@" /bin/sh -c '[ -x /usr/bin/env ] && exec /usr/bin/env -i "PATH=$PATH" /bin/sh -c "$0"; exec /bin/sh -c "$0"' "$in_run_program"
  # By way of a shell: that is the one command that a line of sudoers or doas.conf has to allow.
  # shellcheck disable=SC2016
  [ -z "$root_tool" ] || set -- "$root_tool" -n -- /bin/sh -c 'exec "$@"' sh "$@"
  exec "$@"
}

# refuse WHY REMEDY
refuse() {
  begin
  say container_error "$1"
  say container_remedy "$2"
  end
}

main
