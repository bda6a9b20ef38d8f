# The new tree as `incoming` in the state folder, made with the rights of the account that is to own it.

. ../lib/account.sh
. ../lib/say.sh
. ../state/releases.sh
. ./tree-shell.sh

# What the stream holds beside the tree: lists, for which the runner lets no file of the tree have this name.
TREE_LISTS=.forgejo-deploy-lists

# stage_tree: receives a tar stream (descriptor 3) of what is not on the target yet, copies the rest from the live folder, and
# proves each file by its digest. Copies, not links: a program that writes to a file of the old tree, or a chmod of one, must not
# change the new one, nor the other way round. A file system that can share blocks does so. Sets refused.
stage_tree() {
  remove_tree incoming
  refused="$PWD/incoming could not be made"
  stage_user=${in_owner%%:*}
  stage_user=${stage_user:-$me}
  name_of passwd "$stage_user"
  stage_user=$name_of
  mkdir -m 700 incoming && { [ -z "$in_owner" ] || chown "$in_owner" incoming; } || return 1
  # What is made in it gets its group from it, whatever the account's own is.
  chmod g+s incoming
  stage_from=
  [ "$in_reuse" != yes ] || stage_from=${in_folder%/}/$in_name
  stage_said=$(
    {
      unpack_payload <&3 |
        tree_shell "$stage_user" incoming "$in_upload_limit_seconds" "$(stage_program)" "$TREE_LISTS" "$stage_from" "$in_folder_mode" "$in_mode" "$in_exec_mode" 2>&1
      printf '\n'
    } | timed "$((in_upload_limit_seconds + 5))" tail -c 2000
  )
  exec 3<&-
  case $stage_said in
    *'stage whole'*) ;;
    *'stage differs'*)
      refused='the live folder changed while it was copied, or not all of the upload arrived'
      return 2
      ;;
    *)
      stage_said=${stage_said%"${stage_said##*[!"$newline"]}"}
      refused="the new folder could not be made: ${stage_said##*"$newline"}$(room_left)"
      return 1
      ;;
  esac
  # All files at once, not each one by one.
  timed 300 sync -f incoming 2>/dev/null || timed 300 sync
}

unpack_payload() {
  case $in_encoding in
    gzip) timed "$in_upload_limit_seconds" gzip -d -c ;;
    *) timed "$in_upload_limit_seconds" cat ;;
  esac
}

stage_program() {
  # shellcheck disable=SC2016
  printf '%s\n' 'lists=$1 from=$2 folder_mode=$3 mode=$4 exec_mode=$5' \
    'umask 077' \
    'tar -x -o -f - || exit' \
    'exec 5<. 6<"$lists/same" 7<"$lists/moved"' \
    'keep=-p' \
    'if cp --preserve=timestamps "$lists/same" "$lists/trial" 2>/dev/null; then keep=--preserve=timestamps; fi' \
    'if [ -n "$from" ]; then' \
    '( cd "$from" && xargs -0 -r sh -c '\''keep=$1; shift; exec cp -P "$keep" --parents "$@" /proc/self/fd/5/'\'' sh "$keep" <&6' \
    'xargs -0 -r -n 500 sh -c '\''while [ $# -gt 1 ]; do cp -P -p "$1" "/proc/self/fd/5/$2"; shift 2; done'\'' sh <&7 ) 2>/dev/null' \
    'fi' \
    'if [ -s "$lists/sums" ]; then sha256sum -c "$lists/sums" >/dev/null 2>&1 || { echo stage differs; exit; }; fi' \
    'xargs -0 -r -n 200 sh -c '\''while [ $# -gt 1 ]; do sum=$(sha256sum <"$2") && [ "${sum%% *}" = "$1" ] || exit 255; shift 2; done'\'' sh <"$lists/odd" 2>/dev/null || { echo stage differs; exit; }' \
    'exec 6<"$lists/exec"' \
    'rm -rf "$lists"' \
    'find . -type f -exec chmod "$mode" {} + && xargs -0 -r chmod "$exec_mode" <&6 && find . -type d -exec chmod g-s {} + && find . -depth -type d -exec chmod "$folder_mode" {} + && echo stage whole'
}
