# The check of a new configuration, before anything reads it.
#
# It runs on a file in the destination's folder, with the destination's name behind a prefix: relative includes and what a program
# concludes from a suffix mean the same. The prefix begins with a dot, which a shell's and libc's wildcards (`include conf.d/*.conf`)
# leave out, and the file is there only while the check runs.

. ../lib/account.sh
. ../lib/limit.sh
. ../lib/number.sh
. ../lib/quote.sh
. ../lib/say.sh
. ../service/as-user.sh
. ../service/command.sh
. ./apply.sh

# check_incoming: runs in_check_command on `incoming`. Sets refused, and says output.
check_incoming() {
  [ -n "$in_check_command" ] || return 0
  drop_check
  refused="the file could not be put beside $in_folder/$in_name for its check$(room_left)"
  # A second name, because whatever stands at that name could be written through.
  ln incoming "../$check_name" || return 1
  check_words
  find_check_account
  if [ -z "$check_user" ]; then check_as_me; else check_as_owner; fi
  drop_check
  say_command_output check_output
  [ "$check_code" -ne 0 ] || return 0
  refused="the check refused the file (exit code $check_code)"
  case $check_code in
    124 | 137 | 143) refused="the check did not end within $in_health_timeout_seconds s" ;;
    126 | 127) refused="the check could not be run (exit code $check_code)" ;;
  esac
  return 1
} 2>/dev/null

# check_words: sets check_words to the command with the file's path for {file}: as it is where no shell reads more into it, so that a
# user's own quotes around it do no harm.
check_words() {
  check_path=${in_folder%/}/$check_name
  case $check_path in
    *[!A-Za-z0-9_./@%+,:=-]*)
      quoted "$check_path"
      check_path=$quoted
      ;;
  esac
  check_words=
  check_rest=$in_check_command
  while :; do
    case $check_rest in *'{file}'*) ;; *) break ;; esac
    check_words=$check_words${check_rest%%'{file}'*}$check_path
    check_rest=${check_rest#*'{file}'}
  done
  check_words=$check_words$check_rest
}

# find_check_account: sets check_user, empty for this account. Where others can write to the folder they could put another file at
# that name, and root would print what it says: then the check has the rights of the folder's owner.
find_check_account() {
  check_user=
  [ "$me" = 0 ] && owner_of .. || return 0
  case $owner_uid/$owner_mode in
    0/*[0145][0145]) ;;
    0/*) check_user=nobody ;;
    *) check_user=$owner_user ;;
  esac
}

check_as_me() {
  open_output
  run_command "$in_health_timeout_seconds" "$check_words" >&4 2>&1 4>&-
  check_code=$?
  exec 4>&-
}

check_as_owner() {
  account_environment "$check_user"
  find_timeout
  check_said=$(
    {
      user_limit=$in_health_timeout_seconds
      # shellcheck disable=SC2016
      as_user "$check_user" /bin/sh -c 'cd / && eval "exec env -i $1 /bin/sh -c \"\$2\""' sh "$account_environment" "$check_words" 2>&1
      printf '\n%s' "$?"
    } | timed "$((in_health_timeout_seconds + 5))" tail -c 8000
  )
  check_code=${check_said##*"$newline"}
  is_number "$check_code" || check_code=1
  printf '%s' "${check_said%"$newline"*}" >command.output
}

# drop_check: also one that a killed run left behind.
drop_check() {
  check_name=.forgejo-deploy-$in_name
  rm -f "../$check_name"
}
