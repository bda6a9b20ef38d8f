# Work inside of a folder whose names another account can swap. It is done with the rights of that account: root follows, reads and
# writes nothing there.

. ../lib/account.sh
. ../lib/limit.sh
. ../service/as-user.sh

# tree_shell USER FOLDER SECONDS PROGRAM ARGUMENT…: runs the text PROGRAM by a shell of USER's inside of FOLDER, which that account
# may have no way to by its path. Standard input and output pass through: what is read there is that account's word.
tree_shell() (
  tree_seconds=$3
  tree_program=$4
  user_words "$1"
  tree_words=$user_words
  cd -P "./$2" 2>/dev/null || exit 1
  shift 4
  # This one would change to /.
  case $tree_words in */chroot' '*) tree_words="${tree_words%/}--skip-chdir /" ;; esac
  # shellcheck disable=SC2016,SC2086
  if [ "${user_tool:-}" = su ] && [ -n "$tree_words" ]; then
    timed "$tree_seconds" env -i "PATH=$PATH" LC_ALL=C $tree_words "$user_name" -c 'exec "$0" "$@"' -- /bin/sh -c "$tree_program" sh "$@"
  else
    timed "$tree_seconds" env -i "PATH=$PATH" LC_ALL=C $tree_words /bin/sh -c "$tree_program" sh "$@"
  fi
)

# tree_user FOLDER: sets tree_user to the account with whose rights FOLDER is worked in: its owner.
tree_user() {
  owner_of "$1" || return 1
  tree_user=$owner_user
  [ "$me" = 0 ] || tree_user=$me_name
}

# remove_tree NAME: in the state folder. What its owner can't remove (a folder of another account in it) root removes only with an
# rm that follows no folder which is swapped meanwhile.
remove_tree() {
  [ -e "./$1" ] || [ -L "./$1" ] || return 0
  if [ ! -d "./$1" ] || [ -L "./$1" ]; then
    rm -f "./$1"
    return
  fi
  tree_user "./$1"
  tree_shell "$tree_user" "$1" 600 'chmod -R u+rwX . ; find . -mindepth 1 -maxdepth 1 -exec rm -rf {} +' </dev/null
  rmdir "./$1" || { rm --version | grep -q -i -e GNU -e uutils && rm -rf "./$1"; }
} >/dev/null 2>&1
