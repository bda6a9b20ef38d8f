# Paths inside of the folder that belong to the host: they move from the old tree to the new one.

. ../lib/account.sh
. ../lib/path.sh
. ../lib/say.sh
. ../transaction/rename.sh

# move_kept FROM TO: each of $kept_paths, one a line, that is in FROM and not in TO. Only the last name is renamed, between two
# folders that were entered step by step, so that nothing is swapped on the way. Sets refused.
move_kept() {
  keep_rest=$kept_paths
  while [ -n "$keep_rest" ]; do
    keep_path=${keep_rest%%"$newline"*}
    case $keep_rest in *"$newline"*) keep_rest=${keep_rest#*"$newline"} ;; *) keep_rest= ;; esac
    [ -z "$keep_path" ] || move_one_kept "$1" "$2" || return 1
  done
}

move_one_kept() {
  keep_state=$PWD
  keep_folder=
  case $keep_path in */*) keep_folder=${keep_path%/*} ;; esac
  keep_name=${keep_path##*/}
  refused="$keep_path, which belongs to the host, could not be moved to the new folder"
  keep_code=0
  # Where it is not, nothing has to be moved.
  enter_kept "$1" && { [ -e "./$keep_name" ] || [ -L "./$keep_name" ]; } || keep_code=skip
  if [ "$keep_code" = 0 ]; then
    exec 5<.
    cd "$keep_state" || return 1
    if make_kept_folder "$2"; then
      { [ ! -e "./$keep_name" ] && [ ! -L "./$keep_name" ] && rename_file "/proc/self/fd/5/$keep_name" "./$keep_name"; } || keep_code=1
    else
      keep_code=1
    fi
    exec 5<&-
  fi
  cd "$keep_state" || return 1
  [ "$keep_code" != 1 ]
}

# enter_kept TREE: the folder of the path in it, by no link of another account.
enter_kept() {
  enter_steps "$1${keep_folder:+/$keep_folder}"
} 2>/dev/null

# make_kept_folder TREE: the same, made where it is not there yet: owned like the tree.
make_kept_folder() {
  enter_steps "$1${keep_folder:+/$keep_folder}" yes
} 2>/dev/null

# enter_steps PATH [MAKE]: step by step, never through a link.
enter_steps() {
  steps_rest=$1/
  steps_owner=
  while [ -n "$steps_rest" ]; do
    steps_name=${steps_rest%%/*}
    steps_rest=${steps_rest#*/}
    case $steps_name in
      '') continue ;;
      ..)
        cd -P .. || return 1
        continue
        ;;
    esac
    [ -z "${2:-}" ] || [ -z "$steps_owner" ] || [ -e "./$steps_name" ] || [ -L "./$steps_name" ] || {
      mkdir -m 755 "./$steps_name" && chown -h "$steps_owner" "./$steps_name" || return 1
    }
    [ ! -L "./$steps_name" ] || return 1
    steps_at=${PWD%/}
    cd -P "./$steps_name" && [ "$PWD" = "$steps_at/$steps_name" ] || return 1
    owner_of . && steps_owner=$owner_uid:$owner_gid
  done
}
