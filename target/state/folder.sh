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
  state_at=${PWD%/}
  if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
    refused="$state_at/$state_folder is no folder of ours"
    return 1
  fi
  case $(stat -c '%u %a' .) in
    "$me 700") ;;
    "$me "*) chmod 700 . ;;
    *) refused="$state_at/$state_folder belongs to another account than $me_name, who deploys"; return 1 ;;
  esac
}

# look_for_unfinished: in the state folder: says `unfinished` and its run when the journal of a deploy was left open. Sets
# state_phase to the journal's last line. Read with the rights of the folder's owner: a file there may be a link.
look_for_unfinished() {
  state_phase=
  [ -f journal ] || return 0
  owner_of .
  ! user_says "$owner_user" tail -n 1 journal || state_phase=$user_said
  case $state_phase in
    phase=end) ;;
    phase=*)
      say unfinished "${state_phase#phase=}"
      user_says "$owner_user" head -n 1 journal
      say unfinished_run "${user_said#transaction=}"
      ;;
  esac
}
