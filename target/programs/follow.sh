# Runs on the target after a lost connection: waits for the end of the transaction in_id and tells it.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/clock.sh
. ../lib/account.sh
. ../lib/path.sh
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
  transaction=
  transaction_start=
  [ ! -f handed ] || IFS=' ' read -r transaction_id transaction transaction_start <handed
  if [ -z "$transaction" ] || [ "$transaction_id" != "$in_id" ]; then
    say never yes
    end
    return
  fi
  follow "$transaction" "$transaction_start"
}

# wait_for_transaction: what was still on its way when the connection broke may yet arrive: ours has begun, or nobody
# holds the lock any more.
wait_for_transaction() {
  while :; do
    [ ! -f handed ] || IFS=' ' read -r transaction_id _ <handed
    [ "${transaction_id:-}" != "$in_id" ] || return 0
    [ -f lock ] || return 0
    if flock -n -s 9 9<lock; then return 0; fi
    pause_cs 20
  done
}

main
