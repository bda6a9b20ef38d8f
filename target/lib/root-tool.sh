# What lets an account that is not root go on as root without a password: sudo, or doas.

. ./quote.sh

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
  allowing /bin/sh ''
  printf '%s' "$allowing"
}

# unit_remedy UNIT: the lines that would allow nothing but to stop and start it, and the inputs that do so. A unit that failed too often
# does not start before it is reset.
unit_remedy() {
  systemctl_path=$(command -v systemctl)
  unit_word=$1
  case $1 in *\\*) quoted "$1" && unit_word=$quoted ;; esac
  remedy_lines=
  for unit_verb in stop reset-failed start; do
    allowing "$systemctl_path" "$unit_verb $1"
    case $allowing_tool/$remedy_lines in
      */) remedy_lines=$allowing ;;
      sudo/*) remedy_lines="$remedy_lines, ${allowing#*NOPASSWD: }" ;;
      *) remedy_lines="$remedy_lines and: ${allowing#*: }" ;;
    esac
  done
  unit_command="$allowing_tool -n $systemctl_path"
  printf '%s; then set restart: command, stop-command: %s, start-command: %s' "$remedy_lines" \
    "$unit_command stop $unit_word" "$unit_command reset-failed $unit_word; $unit_command start $unit_word"
}

# allowing COMMAND ARGUMENTS: sets allowing to where a line goes that allows this account to run that as root, and the line, and
# allowing_tool to sudo or doas. No arguments stand for any.
allowing() {
  allowing_name=$(id -un)
  allowing_tool=sudo
  if command -v doas >/dev/null && ! command -v sudo >/dev/null; then
    allowing_tool=doas
    case $allowing_name in
      *[!A-Za-z0-9_.@-]*) allowing_name=\"$(printf '%s' "$allowing_name" | sed 's/[\\"]/\\&/g')\" ;;
    esac
    allowing="add to /etc/doas.conf: permit nopass $allowing_name as root cmd $1"
    [ -z "$2" ] || allowing="$allowing args $(printf '%s' "$2" | sed 's/[\\]/\\&/g')"
    return
  fi
  # sudoers takes a backslash before what has a meaning there.
  allowing_name=$(printf '%s' "$allowing_name" | sed 's/[\\ ,:=()!@]/\\&/g')
  allowing="add to sudoers (visudo): $allowing_name ALL=(root) NOPASSWD: $1"
  [ -z "$2" ] || allowing="$allowing $(printf '%s' "$2" | sed 's/[\\,:=]/\\&/g')"
  command -v sudo >/dev/null || allowing="install sudo there, and $allowing"
}
