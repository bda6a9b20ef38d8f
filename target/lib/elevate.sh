# Going on as root, by sudo or doas.

. ./quote.sh
. ./root-tool.sh
. ./say.sh

# elevate: runs this whole program again as root, when a step needs it and sudo or doas allows it without a password. What a
# step needs is told by reason_for_root of the program, which sets root_reason, and root_unit where all that is needed is to restart
# that unit. Succeeds when the rest was said by root.
elevate() {
  root_reason=
  root_unit=
  [ "$me" != 0 ] && [ "$in_sudo" != never ] || return 1
  if [ "$in_sudo" = always ]; then root_reason='sudo: always'; else reason_for_root; fi
  [ -n "$root_reason" ] || return 1
  say needs_root "$root_reason"
  if ! find_root_tool; then
    say sudo_error "$root_tool_error"
    say sudo_remedy "$(root_tool_remedy)"
    [ -z "$root_unit" ] || say unit_remedy "$(unit_remedy "$root_unit")"
    return 1
  fi
  # The name of a directory's account may hold blanks and backslashes (CORP\new admin).
  quoted "$me_name"
  encoded "in_elevated=yes
in_root_tool=$root_tool
in_login=$quoted"
  printf '%s' "$encoded\\n$line" |
    $root_tool -n -- /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac'
}
