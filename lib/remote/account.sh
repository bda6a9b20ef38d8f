# Accounts by their names, and by number where they have none: a file may belong to one that only another system knows.

# owner_of FILE: sets owner_user and owner_group.
owner_of() {
  owner_ids=$(stat -c '%U:%G:%u:%g' "$1" 2>/dev/null) || return 1
  owner_user=${owner_ids%%:*}
  owner_ids=${owner_ids#*:}
  owner_group=${owner_ids%%:*}
  owner_ids=${owner_ids#*:}
  [ "$owner_user" != UNKNOWN ] || owner_user=${owner_ids%:*}
  [ "$owner_group" != UNKNOWN ] || owner_group=${owner_ids#*:}
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
