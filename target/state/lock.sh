# One deploy of a destination at a time. The lock is held by an open descriptor (9), inherited by the transaction, so
# that it lives exactly as long as somebody works here: killed, crashed and rebooted holders free it by themselves.

. ../lib/clock.sh
. ../lib/say.sh

# take_lock SECONDS: fails after that long, lock_holder says who has it; 2 when there can be no lock, which refused tells.
take_lock() {
  # A special builtin that fails to redirect ends the shell.
  lock_error=$( (true >>lock) 2>&1) || { refused="$PWD/lock could not be written: ${lock_error##*: }"; return 2; }
  exec 9>>lock
  uptime_cs
  lock_until=$((now_cs + $1 * 100))
  lock_said=$now_cs
  until flock -n 9; do
    uptime_cs
    lock_holder=
    IFS= read -r lock_holder <lock
    [ "$now_cs" -lt "$lock_until" ] || return 1
    if [ "$now_cs" -ge "$lock_said" ]; then
      say note "waiting for another deploy of this file: ${lock_holder:-unknown}"
      lock_said=$((now_cs + 1500))
    fi
    pause_cs 20
  done
  printf '%s\n' "$in_run (started $(date -u +%Y-%m-%dT%H:%M:%SZ), at most $in_limit_seconds s)" >lock
}
