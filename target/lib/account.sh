# Accounts by their names, and by number where they have none: a file may belong to one that only another system knows.

. ./quote.sh

# know_me: sets me and me_name: this account's number, and its name or again the number.
know_me() {
  me_name=$(id)
  me_name=${me_name#uid=}
  me_name=${me_name%% gid=*}
  me=${me_name%%(*}
  me_name=${me_name#*(}
  me_name=${me_name%)}
}

# owner_of FILE: sets owner_user, owner_group, owner_uid, owner_gid and owner_mode; names may have blanks. Fails when there is no such file.
owner_of() {
  owner_rest=$(stat -c '%a:%U:%G:%u:%g' "$1" 2>/dev/null) || return 1
  owner_mode=${owner_rest%%:*}
  owner_rest=${owner_rest#*:}
  owner_user=${owner_rest%%:*}
  owner_rest=${owner_rest#*:}
  owner_group=${owner_rest%%:*}
  owner_rest=${owner_rest#*:}
  owner_uid=${owner_rest%:*}
  owner_gid=${owner_rest#*:}
  [ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
  [ "$owner_group" != UNKNOWN ] || owner_group=$owner_gid
}

# name_of passwd|group WRITTEN: sets name_of to the name of a number, and to WRITTEN where that is no number or has no name.
name_of() {
  name_of=
  case $2 in
    '' | *[!0-9]*) ;;
    *) name_of=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null | sed -n "s/^\([^:]*\):[^:]*:$2:.*/\1/p" | head -n 1) ;;
  esac
  name_of=${name_of:-$2}
}

# account_of USER: sets account_name, account_home and account_shell, of a name or a number; what has no account is at home in /.
account_of() {
  account_name=$1
  account_home=/
  account_shell=/bin/sh
  account_line=$(getent passwd "$1" 2>/dev/null </dev/null) || account_line=$(line_of_passwd "$1")
  case $account_line in *:*:*:*:*:*:*) ;; *) return 0 ;; esac
  account_name=${account_line%%:*}
  account_shell=${account_line##*:}
  account_line=${account_line%:*}
  account_home=${account_line##*:}
  account_home=${account_home:-/}
  account_shell=${account_shell:-/bin/sh}
}

# line_of_passwd USER: for systems without getent.
line_of_passwd() {
  while IFS= read -r passwd_line; do
    passwd_rest=${passwd_line#*:*:}
    case $1 in "${passwd_line%%:*}" | "${passwd_rest%%:*}") ;; *) continue ;; esac
    printf '%s\n' "$passwd_line"
    return 0
  done </etc/passwd
}

# account_environment USER: sets account_environment to quoted NAME=VALUE words: all that a program of USER's gets from us.
# Nothing of this login is in it.
account_environment() {
  account_of "$1"
  account_environment=
  host_language
  for account_word in "PATH=$PATH" "HOME=$account_home" "USER=$account_name" "LOGNAME=$account_name" "SHELL=$account_shell" "LANG=$host_language"; do
    quoted "$account_word"
    account_environment="$account_environment${account_environment:+ }$quoted"
  done
}

# host_language: sets host_language to the locale that the host gives its services, else C.UTF-8.
host_language() {
  host_language=
  for language_file in /etc/default/locale /etc/locale.conf; do
    [ -f "$language_file" ] || continue
    while IFS= read -r language_line; do
      case $language_line in LANG=*) host_language=${language_line#LANG=} ;; esac
    done <"$language_file"
  done
  host_language=${host_language#[\"\']}
  host_language=${host_language%[\"\']}
  case $host_language in '' | *[!A-Za-z0-9_.@-]*) host_language=C.UTF-8 ;; esac
}

# ids_of USER[:GROUP]: sets ids_uid and ids_gid to the numbers, the group that of the account where none is given. Empty when
# there is none; a number is what it says.
ids_of() {
  entry_of passwd "${1%%:*}"
  ids_uid=$entry_id
  ids_gid=$entry_group
  case $1 in
    *:*)
      entry_of group "${1#*:}"
      ids_gid=$entry_id
      ;;
  esac
}

# exists passwd|group NAME: a number always does, because a file may belong to an account that only another system knows.
exists() {
  entry_of "$@"
  [ -n "$entry_id" ]
}

# entry_of passwd|group NAME: sets entry_id, and entry_group to the fourth field. A directory may answer with another spelling.
entry_of() {
  entry_line=$(getent "$1" "$2" 2>/dev/null) || entry_line=$(entry_in_file "$@")
  entry_line=${entry_line#*:}
  entry_line=${entry_line#*:}
  entry_id=${entry_line%%:*}
  entry_line=${entry_line#*:}
  entry_group=${entry_line%%:*}
  [ "$1" = passwd ] || entry_group=
  case $2/$entry_id in */[0-9]*) ;; *[!0-9]*/) ;; *) entry_id=$2 ;; esac
}

entry_in_file() {
  while IFS=: read -r entry_name _ entry_number entry_rest; do
    [ "$entry_name" != "$2" ] && [ "$entry_number" != "$2" ] || { printf '%s::%s:%s\n' "$entry_name" "$entry_number" "$entry_rest"; return; }
  done <"/etc/$1"
} 2>/dev/null
