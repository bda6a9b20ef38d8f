# What is to be known of a folder before it is replaced.

. ../lib/account.sh
. ../lib/path.sh
. ../lib/say.sh
. ../state/folder.sh
. ../state/release-order.sh
. ./list.sh

# inspect_folder: of in_folder/in_name, without the paths of in_keep, one pattern of `find` a line.
inspect_folder() {
  # Without an owner the folder keeps the one that it has.
  folder_owner=$in_owner
  [ -n "$folder_owner" ] || [ -z "$folder_entered" ] || ! owner_of "./$in_name" || folder_owner=$owner_uid:$owner_gid
  ids_of "${folder_owner:-${in_login:-$me_name}}"
  say wanted_ids "$ids_uid${ids_gid:+:$ids_gid}"
  [ ! -e /proc/self/stat ] || say tool /proc
  for folder_tool in flock setsid sha256sum stat timeout; do
    ! command -v "$folder_tool" >/dev/null || say tool "$folder_tool"
  done
  for folder_tool in tar gzip base64 find xargs fold od; do
    command -v "$folder_tool" >/dev/null || say missing_tool "$folder_tool"
  done
  if [ -z "$folder_entered" ]; then
    say folder_refused "${refused:-$in_folder does not exist}"
    return
  fi
  say folder "$PWD"
  inspect_folder_state
  if [ -L "./$in_name" ]; then
    say tree_refused "it is a symbolic link to $(readlink "./$in_name")"
  elif [ ! -e "./$in_name" ]; then
    say seen none
  elif [ ! -d "./$in_name" ]; then
    say tree_refused 'it is not a folder'
  elif [ "$(stat -c %d "./$in_name")" != "$(stat -c %d .)" ]; then
    say tree_refused 'it is a file system of its own, which can not be renamed'
  else
    ( list_live_folder )
  fi
}

list_live_folder() {
  say seen "$(stat -c '%d:%i' "./$in_name")"
  folder_at=${PWD%/}
  cd -P "./$in_name" && [ "$PWD" = "$folder_at/$in_name" ] || { say tree_refused 'it was replaced while it was inspected'; return; }
  set --
  keep_rest=$in_keep
  while [ -n "$keep_rest" ]; do
    set -- "$@" "${keep_rest%%"$newline"*}"
    case $keep_rest in *"$newline"*) keep_rest=${keep_rest#*"$newline"} ;; *) keep_rest= ;; esac
  done
  list_tree "$@"
}

inspect_folder_state() (
  enter_state || { [ $? = 2 ] || say state_refused "$refused"; return; }
  look_for_unfinished
  if [ -f lock ] && ! flock -n -s 9 9<lock; then
    IFS= read -r folder_holder <lock
    say locked "$folder_holder"
  fi
  [ ! -f ended ] || tail -n 20 ended | while IFS= read -r folder_line; do say ended "$folder_line"; done
  [ ! -f history ] || tail -n 5 history | while IFS= read -r folder_line; do say history "$folder_line"; done
  [ -z "$state_phase" ] || say last_phase "$state_phase"
  [ ! -f live ] || say live_sha256 "$(head -c 64 live)"
  newest_releases | while read -r folder_release; do say release "$folder_release"; done
)
