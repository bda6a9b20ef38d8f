# The shell that becomes the program, so that it holds nothing of us: a session, an environment and limits of its own, /dev/null
# as standard input, and none of our descriptors but a pipe for what goes wrong before it is the program.
#
# It runs as the program's account, so what is in that account's realm (its folder, its log) is entered and opened by it.

. ../lib/account.sh
. ../lib/limit.sh
. ../lib/number.sh
. ../lib/quote.sh
. ../lib/say.sh
. ../service/as-user.sh

# prepare_process: run_user, run_dir, run_words (quoted arguments), run_env (quoted KEY=VALUE words; with run_whole_env=yes all of
# the environment), run_log, run_umask and run_other_dir (where run_dir may be gone, else empty) become the starter, some lines for
# a shell of that account. Done before the stop, because every process costs downtime.
prepare_process() {
  open_start_errors
  undo_ignored
  user_shell "$run_user"
  starter_values
  starter="umask $run_umask
ulimit -S -c $core_limit
set -- $run_words
$starter_values
$(starter_lines)
${run_env:+export $run_env
}exec $undo_ignored \"\$@\" </dev/null 2>&1"
}

# starter_values: sets starter_values to what the starter works with.
starter_values() {
  run_path=$in_folder/$in_name
  # Under the path it was started with: what executes itself again does so by that.
  if [ "${run_relative:-}" = yes ] && [ "$run_dir" -ef .. ]; then run_path=./$in_name; fi
  run_second_log=
  [ "$run_log" = "$in_log_file" ] || run_second_log=$in_log_file
  starter_values=
  for starter_value in "fdt_path=$run_path" "fdt_whole=$in_folder/$in_name" "fdt_dir=$run_dir" "fdt_dir2=$run_other_dir" "fdt_log=$run_log" "fdt_log2=$run_second_log"; do
    quoted "${starter_value#*=}"
    starter_values="$starter_values${starter_value%%=*}=$quoted "
  done
  [ "${run_whole_env:-}" != yes ] || return 0
  account_environment "$run_user"
  run_env="$account_environment${run_env:+ }$run_env"
}

# starter_lines: prints the starter's own program. The way back depends neither on the folder nor on the log that the program had.
# A log of another account's (root's, where root's shell started the program by `sudo -u app ./server >>log`) is moved aside, as the
# owner of its folder may: no line of it is lost. Anything but a regular file could block, or never end.
starter_lines() {
  # shellcheck disable=SC2016
  printf '%s\n' 'fdt_opens() {' \
    'if [ -e "$1" ] || [ -L "$1" ]; then' \
    '[ -f "$1" ] || return 1' \
    '[ -w "$1" ] || { mv -- "$1" "$1.until-$(date -u +%Y%m%dT%H%M%SZ)" 2>/dev/null && echo starter moved >&2; } || return 1' \
    'fi' \
    '{ true >>"$1"; } 2>/dev/null' \
    '}' \
    'if cd -- "$fdt_dir" 2>/dev/null; then :' \
    'elif [ -n "$fdt_dir2" ]; then' \
    'fdt_path=$fdt_whole' \
    'echo starter folder >&2' \
    'cd -- "$fdt_dir2" 2>/dev/null || cd /' \
    'else' \
    'echo "the folder $fdt_dir can not be entered" >&2' \
    'exit 1' \
    'fi' \
    'for fdt_at in "$fdt_log" "$fdt_log2" /dev/null; do' \
    'if [ "$fdt_at" = /dev/null ] || fdt_opens "$fdt_at"; then break; fi' \
    'done' \
    'exec >>"$fdt_at"' \
    'case $fdt_at in' \
    '"$fdt_log") ;;' \
    '/dev/null) echo starter nowhere >&2 ;;' \
    '*) echo starter log >&2 ;;' \
    'esac' \
    'if [ "$fdt_at" = /dev/null ]; then echo starter ran >&2; else stat -L -c "starter mark %i %s" -- "$fdt_at" >&2; fi' \
    'set -- "$fdt_path" "$@"' \
    '[ -x "$1" ] || { echo "$1 can not be executed by this account" >&2; exit 126; }' \
    'unset -f fdt_opens' \
    'unset fdt_path fdt_whole fdt_dir fdt_dir2 fdt_log fdt_log2 fdt_at OLDPWD PWD SHLVL'
}

# open_start_errors: opens descriptor 7, a pipe without a name: no file of ours grows by what an account writes.
open_start_errors() {
  [ -z "${start_pipe:-}" ] || return 0
  start_pipe=yes
  rm -f start.errors
  if mkfifo start.errors; then exec 7<>start.errors; else exec 7<>/dev/null; fi
  rm -f start.errors
}

# start_process: the environment goes through a pipe: in an argument list or a file others could read it.
start_process() {
  # A pipe's last command keeps its pid through every exec up to the program itself.
  # shellcheck disable=SC2086
  printf '%s\n' "$starter" | {
    limit_by_hand
    if [ "${user_tool:-}" = su ] && [ -n "$user_words" ]; then
      exec $limit_words setsid env -i "PATH=$PATH" $user_words "$user_name"
    else
      exec $limit_words setsid env -i "PATH=$PATH" $user_words "$user_shell"
    fi
  } >/dev/null 2>&7 3<&- 7>&- 8<&- 9>&- &
  pid=$!
  start_unread=yes
}

# read_start: what the starter said, once: sets start_errors, says what is not as it was, and notes where the log began
# (log_inode, log_from) unless that is known. A starter that came so far has said something, so this does not wait.
read_start() {
  [ "${start_unread:-}" = yes ] || return 0
  start_unread=
  start_errors=
  start_rest=$(timed 1 dd bs=8000 count=1 2>/dev/null <&7)$newline
  while [ -n "$start_rest" ]; do
    start_line=${start_rest%%"$newline"*}
    start_rest=${start_rest#*"$newline"}
    case $start_line in
      '' | 'starter ran') ;;
      'starter moved') say note "the log belonged to an account other than $run_user; it was moved to LOG.until-TIME" ;;
      'starter folder') say note "$run_user can no longer enter the working directory of the previous process; it runs in another one" ;;
      'starter log') say note "$run_user can no longer write to the previous log; the output goes to $in_log_file" ;;
      'starter nowhere') say note "$run_user can't write to any log; the output is lost" ;;
      'starter mark '*) begin_log "${start_line#starter mark }" ;;
      *) start_errors=$start_errors$start_line$newline ;;
    esac
  done
}

# begin_log INODE SIZE, in one text
begin_log() {
  [ -z "${log_from:-}" ] || return 0
  is_number "${1%% *}" && is_number "${1#* }" || return 0
  log_inode=${1%% *}
  log_from=${1#* }
}

# carry_limits PID: sets limit_words to what gives a program the limits of that process (open files, processes), where we may.
carry_limits() {
  limit_words=
  limit_soft=
  limit_hard=
  limit_files=
  limit_processes=
  while read -r limit_1 limit_2 limit_3 limit_4 limit_5 _; do
    case "$limit_1 $limit_2 $limit_3" in
      'Max open files') limit_files=$limit_4:$limit_5 ;;
      "Max processes $limit_3") limit_processes=$limit_3:$limit_4 ;;
    esac
  done 2>/dev/null <"/proc/$1/limits"
  [ -n "$limit_files" ] || return 0
  if command -v prlimit >/dev/null; then
    for limit_word in "--nofile=$limit_files" ${limit_processes:+"--nproc=$limit_processes"}; do
      ! prlimit "$limit_word" true 2>/dev/null || limit_words="$limit_words${limit_words:+ }$limit_word"
    done
    limit_words=${limit_words:+prlimit $limit_words}
  else
    limit_soft=${limit_files%:*}
    limit_hard=${limit_files#*:}
  fi
}

# limit_by_hand: the same for open files, where there is no prlimit. Soft, hard, soft: neither may pass the other.
limit_by_hand() {
  [ -n "${limit_soft:-}" ] || return 0
  for limit_way in "-S -n $limit_soft" "-H -n $limit_hard" "-S -n $limit_soft"; do
    # shellcheck disable=SC2086
    ulimit $limit_way 2>/dev/null
  done
}

# undo_ignored: a shell starts what it puts into the background with INT and QUIT ignored, and no shell can undo that for
# the program. Sets undo_ignored to the words of what can, empty where nothing does.
undo_ignored() {
  undo_ignored=
  case $in_folder/$in_name in *=*) return 0 ;; esac
  if env --default-signal=INT,QUIT true 2>/dev/null; then
    undo_ignored="$(command -v env) --default-signal=INT,QUIT"
  fi
}
