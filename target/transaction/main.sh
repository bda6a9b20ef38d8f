# The transaction of one part, of whichever kind: in the session it prepares it; detached from the connection, as a copy of itself, it
# carries it out.

. ../lib/clock.sh
. ../lib/prelude.sh
. ./detached.sh
. ./session.sh

main() {
  prelude
  set -u
  uptime_cs
  began_cs=$now_cs
  if [ "${in_detached:-}" = yes ]; then detached; else session; fi
}
