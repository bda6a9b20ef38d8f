# One rename(2), whatever stands at the new name: with `mv` as it is usual, a folder put there would be entered.

. ../lib/account.sh

# find_rename: sets rename_way to what does it here, tried in our own folder. Sets refused.
find_rename() {
  rename_way='mv'
  true >trial && true >trial.to || return 1
  for rename_way in mv perl; do
    rename_file trial trial.to 2>/dev/null && [ ! -e trial ] && return 0
  done
  # A busybox before 1.34. Where nobody else can change the folder, nobody can put anything there.
  owner_of ..
  rename_way=plain
  case $owner_uid/$owner_mode in "$me"/*[0145][0145]) return 0 ;; esac
  refused="\`mv\` on the target has no option -T, and others can write to $in_folder: install coreutils or perl there"
  return 1
}

# rename_file FROM TO: two names of one file are that already, which no tool does anything about.
rename_file() {
  case $rename_way in
    mv) mv -fT "$1" "$2" 2>/dev/null || is_one_file "$1" "$2" || return 1 ;;
    perl) perl -e 'rename $ARGV[0], $ARGV[1] or exit 1' "$1" "$2" || return 1 ;;
    plain) [ ! -d "$2" ] && mv -f "$1" "$2" || return 1 ;;
  esac
  [ ! -e "$1" ] || rm -f "$1"
}

# is_one_file FILE OTHER: neither a link followed.
is_one_file() {
  is_one=$(stat -c '%d %i' "$1" 2>/dev/null) && [ "$is_one" = "$(stat -c '%d %i' "$2" 2>/dev/null)" ]
}
