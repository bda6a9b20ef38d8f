# What lets an account that is not root go on as root without a password: sudo, or doas.

# find_root_tool: sets root_tool to sudo, or where that refuses to doas. Sets root_tool_error, and fails, when neither allows it.
find_root_tool() {
  root_tool_error=
  for root_tool in sudo doas; do
    command -v "$root_tool" >/dev/null || continue
    if root_tool_said=$($root_tool -n -- /bin/sh -c : 2>&1 </dev/null); then return 0; fi
    root_tool_error="$root_tool_error${root_tool_error:+; }$root_tool refuses: ${root_tool_said:-no reason given}"
  done
  root_tool_error=${root_tool_error:-there is neither sudo nor doas}
  return 1
}

# root_tool_remedy: the line that would allow it.
root_tool_remedy() {
  if command -v doas >/dev/null && ! command -v sudo >/dev/null; then
    printf 'add to /etc/doas.conf: permit nopass %s as root cmd /bin/sh' "$(id -un)"
  else
    # sudoers takes a backslash before what has a meaning there.
    printf 'add to sudoers (visudo): %s ALL=(root) NOPASSWD: /bin/sh' "$(id -un | sed 's/[\\ ,:=()!@]/\\&/g')"
  fi
}
