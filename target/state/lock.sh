# One deploy of a destination at a time. The lock is held by an open descriptor (9), inherited by the transaction, so
# that it lives exactly as long as somebody works here: killed, crashed and rebooted holders free it by themselves.

. ../lib/clock.sh

# take_lock SECONDS: fails after that long, lock_holder says who has it.
take_lock() {
  exec 9>>lock || return 1
  uptime_cs
  lock_until=$((now_cs + $1 * 100))
  until flock -n 9; do
    uptime_cs
    if [ "$now_cs" -ge "$lock_until" ]; then
      lock_holder=
      IFS= read -r lock_holder <lock
      return 1
    fi
    pause_cs 20
  done
  printf '%s\n' "$in_run (started $(date -u +%Y-%m-%dT%H:%M:%SZ), at most $in_limit_seconds s)" >lock
}
