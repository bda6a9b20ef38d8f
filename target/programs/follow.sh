# Runs on the target after a lost connection: waits for the end of the transaction in_id and tells it.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/clock.sh
. ../lib/account.sh
. ../lib/path.sh
. ../state/ended.sh
. ../state/folder.sh
. ../transaction/follow.sh

main() {
  prelude
  set -u
  begin
  know_me
  refused=
  if ! enter_folder "$in_folder" || ! enter_state; then
    say never yes
    end
    return
  fi
  wait_for_transaction
  if [ -n "$transaction" ]; then
    follow "$transaction" "$transaction_start"
    return
  fi
  if end_of "$in_id"; then tell_end; elif is_ours_unfinished; then say died yes; else say never yes; fi
  end
}

# wait_for_transaction: what was still on its way when the connection broke may yet arrive. Until ours has begun, which sets
# transaction and transaction_start, or its end is known, or nobody holds the lock any more.
wait_for_transaction() {
  while :; do
    is_free=yes
    [ ! -f lock ] || flock -n -s 9 9<lock || is_free=
    is_handed && return 0
    [ -z "$is_free" ] || return 0
    ! end_of "$in_id" || return 0
    pause_cs 20
  done
}

# is_handed: sets transaction and transaction_start, empty when it is another's or not yet known.
is_handed() {
  handed_id=
  transaction=
  [ ! -f handed ] || IFS=' ' read -r handed_id transaction transaction_start <handed
  [ "$handed_id" = "$in_id" ] || transaction=
  [ -n "$transaction" ]
}

# tell_end: what is left of it, when another run has worked here since.
tell_end() {
  case $end_state in
    active) ;;
    *)
      say failed transaction
      say why "it was finished on the target before the connection was restored, by the run $end_run"
      ;;
  esac
  say pid "$end_pid"
  say state "$end_state"
}

# is_ours_unfinished: whether the journal is that of ours, killed in the middle.
is_ours_unfinished() {
  [ -f journal ] && [ "$(sed -n 's/^id=//p' journal | head -n 1)" = "$in_id" ] || return 1
  case $(tail -n 1 journal) in phase=end) return 1 ;; esac
}

main
