# Going on as root.

. ./say.sh

# elevate: runs this whole program again as root, when a step needs it and `sudo -n` may. What a step needs is told by
# reason_for_root of the program, which sets root_reason. Succeeds when the rest was said by root.
elevate() {
  root_reason=
  [ "$me" != 0 ] && [ "$in_sudo" != never ] || return 1
  if [ "$in_sudo" = always ]; then root_reason='sudo: always'; else reason_for_root; fi
  [ -n "$root_reason" ] || return 1
  say needs_root "$root_reason"
  if ! sudo_error=$(sudo -n true 2>&1); then
    say sudo_error "$sudo_error"
    return 1
  fi
  printf 'in_elevated=yes\\nin_login=%s\\n%s' "$me_name" "$line" |
    sudo -n -- /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac'
}
