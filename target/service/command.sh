# The users' own commands (start, stop, health): with an environment that is nobody's login, in /, and with their output bounded.

. ../lib/account.sh
. ../lib/limit.sh
. ../lib/quote.sh

# command_environment: sets command_environment to what a command of this account's gets: its own HOME and so on, and the way
# to its user manager, which `systemctl --user` needs. Found once, because it costs a process.
command_environment() {
  [ -z "${command_environment:-}" ] || return 0
  account_environment "$me_name"
  command_environment=$account_environment
  [ ! -d "/run/user/$me" ] || command_environment="$command_environment XDG_RUNTIME_DIR=/run/user/$me"
}

# run_command SECONDS TEXT: with a time limit.
run_command() (
  command_environment
  cd /
  eval "limited \"\$1\" env -i $command_environment /bin/sh -c \"\$2\""
)

# open_output: sets command_pipe to where a command may print to: its first 256 blocks come into the file command.output,
# the rest nowhere. What the command leaves running can print for ever: the reader lives as long as it does, so that it neither
# fills the disk nor dies of a closed pipe.
open_output() {
  command_pipe=/dev/null
  rm -f command.pipe command.output
  : >command.output
  mkfifo command.pipe || return 0
  # Both ends are open until the command has its own.
  exec 6<>command.pipe
  command_pipe=command.pipe
  (
    trap '' HUP INT TERM
    exec 5>command.output
    cd / || exit
    dd bs=4096 count=256 >&5 2>/dev/null
    exec 5>&-
    exec cat >/dev/null
  ) <command.pipe >/dev/null 2>&1 3<&- 6>&- 7>&- 8<&- 9>&- &
}

# close_output: once the command has its end.
close_output() {
  [ "$command_pipe" != command.pipe ] || exec 6>&-
  rm -f command.pipe
}
