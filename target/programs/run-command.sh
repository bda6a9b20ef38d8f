# Runs one command of the user's on the target, or on the host around it: before-command, after-command.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/account.sh
. ../lib/limit.sh
. ../service/command.sh

main() {
  prelude
  set -u
  begin
  know_me
  find_timeout
  exec 5>&1
  command_code=$({ { run_command "$in_limit_seconds" "$in_command" 2>&1 5>&- 6>&-; printf '%s' "$?" >&6; } | show_output >&5 5>&- 6>&-; } 6>&1)
  say command_code "$command_code"
  end
}

# show_output: says what is printed, line by line, as it comes; the rest of a long output is read and dropped. What the command leaves
# running may hold the pipe open.
show_output() {
  timed "$((in_limit_seconds + 5))" head -c 64000 | while IFS= read -r output_line || [ -n "$output_line" ]; do say output "$output_line"; done
  timed 5 cat >/dev/null
}

main
