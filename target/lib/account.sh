# Accounts by their names, and by number where they have none: a file may belong to one that only another system knows.

# know_me: sets me and me_name: this account's number, and its name or again the number.
know_me() {
  me_name=$(id)
  me_name=${me_name#uid=}
  me_name=${me_name%% gid=*}
  me=${me_name%%(*}
  me_name=${me_name#*(}
  me_name=${me_name%)}
}

# owner_of FILE: sets owner_user, owner_group, owner_uid and owner_mode; fails when there is no such file.
owner_of() {
  owner_rest=$(stat -c '%a:%U:%G:%u:%g' "$1" 2>/dev/null) || return 1
  owner_mode=${owner_rest%%:*}
  owner_rest=${owner_rest#*:}
  owner_user=${owner_rest%%:*}
  owner_rest=${owner_rest#*:}
  owner_group=${owner_rest%%:*}
  owner_rest=${owner_rest#*:}
  owner_uid=${owner_rest%:*}
  [ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
  [ "$owner_group" != UNKNOWN ] || owner_group=${owner_rest#*:}
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
