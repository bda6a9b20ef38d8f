# Runs on the target: the transaction of one unit file. In the session it prepares it; detached from the connection, as a copy of
# itself, it carries it out.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/clock.sh
. ../kinds/unit.sh
. ../transaction/detached.sh
. ../transaction/session.sh

main() {
  prelude
  set -u
  uptime_cs
  began_cs=$now_cs
  if [ "${in_detached:-}" = yes ]; then detached; else session; fi
}

main
