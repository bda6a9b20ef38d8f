# systemd's own check of a unit file, before it is in place.

. ../lib/limit.sh
. ../lib/say.sh

# verify_incoming: `incoming` under the unit's name, in a folder of our own. A command that is not there yet may be a part of the same
# release. Sets refused.
verify_incoming() {
  command -v systemd-analyze >/dev/null || return 0
  rm -rf verify
  refused="the file could not be copied for its check$(room_left)"
  mkdir verify && cp incoming "verify/$in_name" || return 1
  verify_said=$(limited 60 systemd-analyze verify --man=no "$PWD/verify/$in_name" 2>&1)
  verify_code=$?
  rm -rf verify
  [ -z "$verify_said" ] || say check_output "$(printf '%s\n' "$verify_said" | tail -c 8000)"
  [ "$verify_code" -ne 0 ] || { refused=; return 0; }
  verify_rest=$verify_said$newline
  while [ -n "$verify_rest" ]; do
    verify_line=${verify_rest%%"$newline"*}
    verify_rest=${verify_rest#*"$newline"}
    case $verify_line in
      '' | *': Command /'*' is not executable: No such file or directory') ;;
      *)
        refused='systemd-analyze verify refused the file'
        return 1
        ;;
    esac
  done
  refused=
}
