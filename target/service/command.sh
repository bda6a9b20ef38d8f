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

# open_output: opens descriptor 4, where a command may print to: the first 256 blocks come into the file command.output, the rest
# nowhere. What the command leaves running can print for ever: the reader lives as long as it does, so that it neither fills the
# disk nor dies of a closed pipe.
open_output() {
  rm -f command.pipe command.output
  : >command.output
  if mkfifo command.pipe; then
    # Opened both ways first, because either alone waits for the other.
    exec 6<>command.pipe
    exec 5<command.pipe
    exec 4>command.pipe 6>&-
    keep_output &
    exec 5<&-
  else
    exec 4>/dev/null
  fi
  rm -f command.pipe
}

# keep_output: in a process of its own. By exec, because dash keeps a copy of what is redirected for one command.
keep_output() {
  exec <&5 >/dev/null 2>&1 3<&- 4>&- 7>&- 8<&- 9>&-
  trap '' HUP INT TERM
  exec 5>command.output
  cd / || exit
  dd bs=4096 count=256 >&5 2>/dev/null
  exec 5>&-
  exec cat >/dev/null
}
