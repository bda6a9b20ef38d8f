# The destination's folder and the state folder beside the file. Both often lie in the service account's realm: paths
# are walked step by step and the shell stays inside what it checked, so that nothing can be swapped afterwards.

# enter_folder PATH: cd to it. As root a symbolic link on the way is followed only if root owns it. Sets refused.
enter_folder() {
  if [ "$me" != 0 ]; then
    cd -P -- "$1" 2>/dev/null && return 0
    refused="$1 can't be entered by $me_name"
    return 1
  fi
  cd / || return 1
  walk_rest=$1
  walk_links=0
  while [ -n "$walk_rest" ]; do
    walk_step=${walk_rest%%/*}
    case $walk_rest in */*) walk_rest=${walk_rest#*/} ;; *) walk_rest= ;; esac
    case $walk_step in '' | .) continue ;; esac
    if [ -L "./$walk_step" ]; then
      follow_link "./$walk_step" || return 1
      continue
    fi
    walk_at=${PWD%/}
    cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is no folder"; return 1; }
    [ "$walk_step" = .. ] || [ "$PWD" = "$walk_at/$walk_step" ] || { refused="$walk_at/$walk_step was swapped while it was entered"; return 1; }
  done
}

# follow_link LINK: goes on from where a trusted link points to.
follow_link() {
  if [ "$(stat -c %u "$1")" != 0 ]; then
    refused="$PWD/${1#./} is a symbolic link of another account, and root does not follow it"
    return 1
  fi
  walk_links=$((walk_links + 1))
  [ "$walk_links" -le 20 ] || { refused='too many symbolic links in the path'; return 1; }
  walk_link=$(readlink "$1" && echo x)
  walk_link=${walk_link%?x}
  case $walk_link in /*) cd / ;; esac
  walk_rest=$walk_link/$walk_rest
}

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
  state_phase=$(as_user "$owner_user" tail -n 1 journal)
  case $state_phase in
    phase=end) ;;
    phase=*)
      say unfinished "${state_phase#phase=}"
      state_run=$(as_user "$owner_user" head -n 1 journal)
      say unfinished_run "${state_run#transaction=}"
      ;;
  esac
}
