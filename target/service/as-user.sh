# Another account's rights, from root, without a login session where possible: a session would end what it started.

# user_shell_words USER: sets user_shell_words to the words of a shell that runs as USER and reads from standard input.
user_shell_words() {
  user_shell=/bin/sh
  # bash can't export names such as UID that a program may want.
  for user_shell_try in /bin/dash /usr/bin/dash; do
    [ ! -x "$user_shell_try" ] || user_shell=$user_shell_try
  done
  user_words "$1"
  case $user_words in
    su*) user_shell_words="$user_words" ;;
    *) user_shell_words="$user_words $user_shell" ;;
  esac
  user_shell_words=${user_shell_words# }
}

# user_words USER: sets user_words to what must stand before a command; empty when we are that user.
user_words() {
  user_words=
  [ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
  # A number may have no account here, and then no groups to look up.
  user_groups=--init-groups
  user_group=$(id -g "$1" 2>/dev/null) || user_group=$1 user_groups=--clear-groups
  if command -v setpriv >/dev/null && setpriv --help 2>&1 | grep -q -- --reuid; then
    user_words="setpriv --reuid=$1 --regid=$user_group $user_groups --"
  elif chroot --help 2>&1 | grep -q -- --userspec; then
    user_words="chroot --userspec=$1:$user_group /"
  else
    user_words="su -s /bin/sh $1"
  fi
}

# as_user USER COMMAND…: runs it with the user's rights; standard input passes through.
as_user() {
  user_words "$1"
  shift
  # shellcheck disable=SC2086
  case $user_words in
    su*) $user_words -c 'exec "$0" "$@"' -- "$@" ;;
    *) $user_words "$@" ;;
  esac
}
