# The processes that execute the file, and how each of them was started.

. ../inspect/strangers.sh
. ../inspect/supervisor.sh
. ../lib/account.sh
. ../lib/quote.sh
. ../lib/say.sh
. ../process/find.sh
. ../process/words.sh
. ../process/process.sh

look_at_processes() {
  say accounts "$trusted"
  say run_uid "$run_uid"
  say last_run_as "$last_run_as"
  say last_run_uid "$last_run_uid"
  say unseen "$running_unseen"
  say maybe "$maybe_running"
  say contained "$contained"
  for found_pid in $running; do look_at_process "$found_pid"; done
  say_strangers
}

look_at_process() {
  found_same=yes
  # What a program made of itself is not a difference: its title, or the folder / that daemons enter.
  ! program_words "$1" || [ "${program_words% }" = "$in_args" ] || found_same=args
  [ "/proc/$1/cwd" -ef "$in_working_directory" ] || [ "/proc/$1/cwd" -ef / ] || found_same=folder
  same_environment "$1" || found_same=environment
  found_live=no
  ! executes "$1" "$live_image" || found_live=yes
  process_start "$1" && process_uid "$1" || return 0
  found_worker=no
  case " $running " in *" $process_parent "*) found_worker=yes ;; esac
  account_name "$process_uid"
  supervisor_of "$1" || supervisor_pid='' supervised=''
  say process "pid=$1 uid=$process_uid worker=$found_worker live=$found_live same=$found_same supervisor=$supervisor supervisor_pid=$supervisor_pid supervised=$supervised user=$account_name"
}

# account_name UID: sets account_name, without a process for the usual ones.
account_name() {
  case $1 in
    "$run_uid") account_name=$run_as ;;
    "$me") account_name=$me_name ;;
    *)
      name_of passwd "$1"
      account_name=$name_of
      ;;
  esac
}

# same_environment PID: whether every KEY=VALUE wanted is in its environment. Compared in memory.
same_environment() {
  [ -n "$in_environment" ] || return 0
  found_env=" $(zero_words "/proc/$1/environ" '')"
  eval "set -- $in_environment"
  for wanted in "$@"; do
    quoted "$wanted"
    case $found_env in *" $quoted "*) ;; *) return 1 ;; esac
  done
}

# narrow_unseen: a process of that name which can't be looked into counts only if it may well run this very file: under
# root or an account that has to do with it. Another tenant's program of the same name does not.
narrow_unseen() {
  maybe_running=
  [ -n "$running_unseen" ] || return 0
  narrow_left=
  narrow_owner=$(stat -c %U "$in_folder/$in_name" 2>/dev/null)
  for narrow_pid in $running_unseen; do
    case $(stat -c %U "/proc/$narrow_pid" 2>/dev/null) in
      root | "${in_run_as:-root}" | "${in_owner%%:*}" | "${narrow_owner:-root}") narrow_left="$narrow_left $narrow_pid" ;;
    esac
  done
  # What nobody else can be concludes nothing either: where no process of the file is seen, one that can't be seen may be it.
  [ -n "$running" ] || maybe_running=$running_unseen
  running_unseen=${narrow_left# }
}
