# What this account can't read for itself.

. ../lib/elevate.sh

# reason_for_root: what this account can't see for itself.
reason_for_root() {
  if hidden "$in_folder/$in_name" || hidden "${in_log_file:-/}"; then
    root_reason="$me_name can't enter $hidden"
  elif [ -e "$in_folder/$in_name" ] && [ ! -r "$in_folder/$in_name" ]; then
    root_reason="$me_name can't read $in_folder/$in_name"
  elif [ -z "$running" ] && hides_processes; then
    root_reason="the processes of other accounts are hidden from $me_name (hidepid)"
  elif [ -n "$running_unseen" ]; then
    root_reason="$me_name can't see what pid $running_unseen executes"
  elif [ -e "$in_folder/.$in_name.deploy" ] && [ ! -O "$in_folder/.$in_name.deploy" ]; then
    root_reason="the journal in $in_folder/.$in_name.deploy belongs to another account"
  elif [ -n "$in_log_file" ] && [ -e "$in_log_file" ] && [ ! -r "$in_log_file" ]; then
    root_reason="$me_name can't read $in_log_file"
  elif [ -n "$in_listen_port" ]; then
    for reason_pid in $running; do
      [ -O "/proc/$reason_pid" ] || root_reason="$me_name can't see the sockets of pid $reason_pid"
    done
  fi
}

# hidden PATH: whether a folder on its way, which it sets hidden to, can't be entered by this account: what is not there
# may well be.
hidden() {
  hidden=${1%/*}
  until [ -z "$hidden" ] || [ -d "$hidden" ]; do hidden=${hidden%/*}; done
  [ ! -x "$hidden/" ]
}
