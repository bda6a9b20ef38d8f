# Runs on the target when a configuration is not what the last deploy put there: says what somebody changed. It opens nothing for writing.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/account.sh
. ../lib/limit.sh
. ../lib/path.sh
. ../service/as-user.sh
. ../state/folder.sh

DRIFT_BYTES=100000

main() {
  prelude
  set -u
  know_me
  begin
  refused=
  ! enter_folder "$in_folder" || show_drift
  end
}

# show_drift: only of a file that everybody on the host may read, and with the rights of the folder's owner: at its name that account
# can put a link to another file.
show_drift() {
  owner_of "./$in_name" || return 0
  case $owner_mode in *[4567]) ;; *) say drift_hidden yes; return 0 ;; esac
  drift_mode=$(stat -c %F "./$in_name")
  [ "$drift_mode" = 'regular file' ] || return 0
  owner_of .
  drift_user=$owner_user
  [ "$me" = 0 ] || drift_user=$me_name
  user_limit=10
  drift_now=$(as_user "$drift_user" head -c "$DRIFT_BYTES" "$PWD/$in_name" 2>/dev/null | timed 15 head -c "$DRIFT_BYTES")
  enter_state && [ -f deployed ] && [ ! -L deployed ] && command -v diff >/dev/null || return 0
  say drift "$(printf '%s\n' "$drift_now" | timed 10 diff -U 0 deployed - 2>/dev/null | sed '1,2d' | timed 10 head -n 21 | head -c 6000)"
}

main
