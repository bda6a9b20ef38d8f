# What the transaction will ask of the target's tools is tried before anything is stopped, on files of our own.

. ../lib/limit.sh
. ../state/releases.sh
. ./rename.sh

# try_tools: sets refused, and rename_way.
try_tools() {
  rename_way='mv'
  refused="no file could be written in $PWD$(room_left)"
  printf 'trial\n' >trial || return 1
  sync trial || { refused='`sync FILE` fails on the target'; return 1; }
  case $(stat -c '%d %i %s %y' trial 2>/dev/null) in
    [0-9]*' '[0-9]*' 6 '[0-9]*) ;;
    *) refused='`stat -c` on the target does not understand %d %i %s %y'; return 1 ;;
  esac
  [ "$(tail -c +3 trial 2>/dev/null)" = ial ] || { refused='`tail -c +N` fails on the target'; return 1; }
  timed 10 true || { refused='`timeout` fails on the target'; return 1; }
  setsid true || { refused='`setsid` fails on the target'; return 1; }
  refused="no file could be written in $PWD$(room_left)"
  find_rename || return 1
  rm -f trial trial.to
} 2>/dev/null
