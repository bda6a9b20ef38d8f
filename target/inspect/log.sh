# Where the program is to write and to work, seen with the rights of its account.

. ../lib/say.sh
. ../service/as-user.sh

# look_at_log: as the account that will write to it, and without opening it: it may be a pipe. One word of an answer counts.
look_at_log() {
  [ -n "$in_log_file" ] || return 0
  log_folder=${in_log_file%/*}
  log_folder=${log_folder:-/}
  # shellcheck disable=SC2016
  log_question='if [ ! -d "$2" ]; then echo folder_missing; elif [ -d "$1" ]; then echo is_folder; '
  # shellcheck disable=SC2016
  log_question=$log_question'elif [ -f "$1" ] && [ -w "$1" ]; then echo fine; elif [ -f "$1" ] && [ -w "$2" ] && [ ! -k "$2" ]; then echo foreign; '
  # shellcheck disable=SC2016
  log_question=$log_question'elif [ -f "$1" ]; then echo unwritable; elif [ -p "$1" ]; then echo pipe; elif [ -c "$1" ]; then echo device; '
  # shellcheck disable=SC2016
  log_question=$log_question'elif [ -e "$1" ] || [ -L "$1" ]; then echo odd; elif [ ! -w "$2" ]; then echo folder_unwritable; elif [ -d "$2" ]; then echo fine; fi'
  user_says "$run_as" /bin/sh -c "$log_question" sh "$in_log_file" "$log_folder"
  case $user_said in
    fine) ;;
    folder_missing) say log_folder_missing "$log_folder" ;;
    is_folder) say log_is_folder yes ;;
    foreign) say log_foreign yes ;;
    pipe | device) say log_is_odd "$user_said" ;;
    odd) say log_is_odd 'file of another kind, or a link to nothing' ;;
    folder_unwritable) say log_unwritable "$log_folder" ;;
    *) say log_unwritable "$in_log_file" ;;
  esac
}

look_at_working_directory() {
  case $in_restart in auto | process) ;; *) return 0 ;; esac
  user_can "$run_as" test -x "$in_working_directory/." || say directory_closed yes
}
