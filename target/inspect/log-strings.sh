# Strings that must not be in the log of the running program.

. ../lib/number.sh
. ../lib/say.sh
. ../service/as-user.sh
. ../state/folder.sh
. ./search.sh

# look_at_log: from where the running program began in it, as deploy-binary noted; all of it where that is not known.
# Read with the program's own rights: its log may be a link to what only root may read.
look_at_log() {
  [ -n "$in_log_file" ] && [ -n "$in_log_absent_strings" ] || return 0
  log_user=$me_name
  if [ "$me" = 0 ] && [ -n "$main_pid" ]; then
    process_uid "$main_pid" && name_of passwd "$process_uid" && log_user=$name_of
  fi
  if ! hidden "$in_log_file" && [ ! -e "$in_log_file" ]; then
    say log missing
    return
  fi
  # Nothing can be read again from a pipe, and it may never end: /dev/stdout, where a container has its log.
  log_kind=
  ! user_says "$log_user" stat -L -c %F -- "$in_log_file" || log_kind=$user_said
  case $log_kind in
    '' | regular*) ;;
    *)
      say log "is a $log_kind"
      return
      ;;
  esac
  if ! user_can "$log_user" test -r "$in_log_file"; then
    say log unreadable
    say log_reader "$log_user"
    return
  fi
  find_log_mark
  say log "from ${log_known:-no} $log_from"
  user_limit=300
  as_user "$log_user" tail -c "+$((log_from + 1))" -- "$in_log_file" 2>/dev/null | timed 310 cat | search_log "$in_log_absent_strings" || say log unsearched
  user_limit=10
}

# find_log_mark: sets log_from to where the running program began in the log, and log_known to yes when that is known.
find_log_mark() {
  log_from=0
  log_known=
  log_mark=$(cd -P "${in_folder:-/}" 2>/dev/null && go_into_state && state_lines sed -n 5p live) || return 0
  user_says "$log_user" stat -L -c '%i %s' -- "$in_log_file" || return 0
  for log_number in "${log_mark%% *}" "${log_mark##* }" "${user_said%% *}" "${user_said##* }"; do
    is_number "$log_number" || return 0
  done
  if [ "${log_mark%% *}" = "${user_said%% *}" ] && [ "${log_mark##* }" -le "${user_said##* }" ]; then
    log_from=${log_mark##* }
    log_known=yes
  fi
}
