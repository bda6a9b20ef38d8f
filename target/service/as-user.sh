# Another account's rights, from root, without a login session where possible: a session would end what it started.
#
# An account can trace its own processes, these helpers too. So a helper holds no descriptor of ours, has a time limit that root
# keeps, and its answer is one bit (user_can) or a text that the caller checks (user_says).

. ../lib/account.sh
. ../lib/limit.sh

# user_can USER COMMAND…: whether it succeeds with the user's rights.
user_can() {
  as_user "$@" >/dev/null 2>&1
}

# user_says USER COMMAND…: sets user_said to what it prints, at most 8000 bytes; fails when that is nothing. Who reads has a
# limit too: a child of the helper may hold the pipe open for ever.
user_says() {
  find_timeout
  user_said=$(as_user "$@" 2>/dev/null | timed "$((${user_limit:-10} + 5))" head -c 8000)
  [ -n "$user_said" ]
}

# as_user USER COMMAND…: runs it with the user's rights, an empty environment and nothing on standard input, for at most
# user_limit seconds (10). Its standard output and error must be pipes that a limited reader reads, or /dev/null.
as_user() {
  user_words "$1"
  shift
  # shellcheck disable=SC2016,SC2086
  if [ "${user_tool:-}" = su ] && [ -n "$user_words" ]; then
    limited "${user_limit:-10}" env -i "PATH=$PATH" LC_ALL=C $user_words "$user_name" -c 'exec "$0" "$@"' -- "$@"
  else
    limited "${user_limit:-10}" env -i "PATH=$PATH" LC_ALL=C $user_words "$@"
  fi
}

# user_words USER: sets user_words to what must stand before a command (for su before "$user_name" -c); empty when we are
# that user. By numbers, because a name may have blanks.
user_words() {
  user_name=$1
  user_words=
  [ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
  find_user_tool
  # A number may have no account here, and then no groups to look up.
  user_groups=--init-groups
  if user_group=$(id -g -- "$1" 2>/dev/null) && user_number=$(id -u -- "$1" 2>/dev/null); then :; else
    user_number=$1 user_group=$1 user_groups=--clear-groups
  fi
  case $user_tool in
    */setpriv) user_words="$user_tool --reuid=$user_number --regid=$user_group $user_groups --" ;;
    */chroot) user_words="$user_tool --userspec=$user_number:$user_group /" ;;
    su)
      # It takes no number.
      name_of passwd "$1"
      user_name=$name_of
      user_words='su -s /bin/sh'
      ;;
  esac
}

# find_user_tool: sets user_tool to what changes the account here: the path of a setpriv or chroot that can, else su. By paths,
# because a busybox shell takes its own applets first, which can't. Asked once.
find_user_tool() {
  [ -z "${user_tool:-}" ] || return 0
  for user_tool in /usr/bin/setpriv /bin/setpriv /run/current-system/sw/bin/setpriv; do
    [ -x "$user_tool" ] || continue
    case $("$user_tool" --help 2>&1) in *--reuid*) return 0 ;; esac
  done
  for user_tool in /usr/sbin/chroot /usr/bin/chroot /sbin/chroot; do
    [ -x "$user_tool" ] || continue
    case $("$user_tool" --help 2>&1) in *--userspec*) return 0 ;; esac
  done
  user_tool=su
}

# user_shell USER: sets user_words, and user_shell to a shell that can run as USER and read from standard input.
user_shell() {
  user_shell=/bin/sh
  # bash can't export names such as UID that a program may want.
  for user_shell_try in /bin/dash /usr/bin/dash; do
    [ ! -x "$user_shell_try" ] || ! "$user_shell_try" -c : 2>/dev/null || user_shell=$user_shell_try
  done
  user_words "$1"
}
