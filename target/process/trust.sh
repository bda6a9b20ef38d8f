# Whose processes can be the program. Anybody may execute a file that everybody can read: such a process is never imitated, and
# proves nothing.

. ../service/unit-of.sh
. ./find.sh

# trust NAME: adds its number, trust_uid, to trusted; an account that does not exist has no processes.
trust() {
  case $1 in
    *[!0-9]*) trust_uid=$(id -u -- "$1" 2>/dev/null) || trust_uid= ;;
    *) trust_uid=$1 ;;
  esac
  trust_number "$trust_uid"
}

trust_number() {
  [ -n "$1" ] || return 0
  case " $trusted " in *" $1 "*) ;; *) trusted="$trusted $1" ;; esac
}

# trust_units: of the strangers that a system unit runs as the account that its User= names, because root chose it. Succeeds when
# that makes an account trusted that was not.
trust_units() {
  trust_before=$trusted
  trust_left=10
  for trust_pid in $strangers; do
    [ "$trust_left" -gt 0 ] || break
    trust_left=$((trust_left - 1))
    unit_of "$trust_pid" && [ -z "$unit_user" ] && process_uid "$trust_pid" || continue
    [ "$unit_uid" != "$process_uid" ] || trust_number "$process_uid"
  done
  [ "$trusted" != "$trust_before" ]
}
