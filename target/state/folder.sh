# The state folder beside the file, .NAME.deploy.

. ../lib/account.sh
. ../lib/say.sh
. ../service/as-user.sh

# enter_state: from the destination's folder into .NAME.deploy, made if it is not there and in_create=yes.
# Only a folder that belongs to this account is entered. Sets refused; returns 2 when there is none.
enter_state() {
  state_folder=.$in_name.deploy
  if [ ! -e "./$state_folder" ] && [ ! -L "./$state_folder" ]; then
    [ "${1:-}" = create ] || return 2
    mkdir -m 700 "./$state_folder" || { refused="$PWD/$state_folder can't be made"; return 1; }
  fi
  go_into_state || return 1
  case $(stat -c '%u %a' .) in
    "$me 700") ;;
    "$me "*) chmod 700 . ;;
    *) refused="$state_at/$state_folder is owned by another account, not by $me_name, which deploys"; return 1 ;;
  esac
}

# go_into_state: not through a link.
go_into_state() {
  state_folder=.$in_name.deploy
  state_at=${PWD%/}
  if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
    refused="$state_at/$state_folder was not created by this tool"
    return 1
  fi
}

# look_for_unfinished: in the state folder: says `unfinished` and its run when the journal of a deploy was left open. Sets
# state_phase to the journal's last line.
look_for_unfinished() {
  state_phase=
  [ -f journal ] || return 0
  state_phase=$(state_lines tail -n 1 journal)
  case $state_phase in
    phase=end) ;;
    phase=*)
      say unfinished "${state_phase#phase=}"
      state_lines head -n 9 journal | while IFS= read -r state_line; do
        state_value=${state_line#*=}
        case $state_line in
          transaction=*) say unfinished_run "$state_value" ;;
          id=*) say unfinished_id "$state_value" ;;
          release=?*) say unfinished_release "$state_value" ;;
          part_kind=?*) say unfinished_kind "$state_value" ;;
          # Escaped in the journal as it is here.
          members=?*) printf 'unfinished_members=%s\n' "$state_value" ;;
        esac
      done
      ;;
  esac
}

# state_lines COMMAND…: of a file in the state folder, with the rights of that folder's owner: it may be a link, or a pipe.
state_lines() {
  owner_of .
  user_says "$owner_user" "$@" && printf '%s\n' "$user_said"
}
