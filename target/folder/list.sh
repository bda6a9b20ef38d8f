# What is in a folder, for the runner, which compares it with what is to be there.

. ./tree-shell.sh

# list_tree PATTERN…: of the folder that is the shell's own: without the paths that match a PATTERN, which stay as they are. On
# standard output, compressed and in base64, in lines of `tree=…`:
#   MODE UID:GID SIZE ./PATH    each entry, the mode in hex with the kind of entry
#   SHA256  ./PATH              each file by its bytes, each link by where it points to
#   odd HEX MODE UID:GID SIZE SHA256   one whose name has a line end or a backslash
# Root lists no folder that another account can write to: its names could be swapped for a device's.
list_tree() {
  tree_user .
  list_guard=
  [ "$owner_uid" != 0 ] || list_guard=yes
  tree_shell "$tree_user" . 300 "$(list_program)" "$list_guard" "$@" </dev/null 2>/dev/null | timed 310 head -c 40000000 |
    gzip -c | base64 | tr -d '\n' | timed 310 head -c 3600000 | fold -w 9000 | sed 's/^/tree=/'
  printf '\n'
}

list_program() {
  # shellcheck disable=SC2016
  printf '%s\n' 'guard=$1' \
    'shift' \
    'left=$#' \
    'while [ "$left" -gt 0 ]; do set -- "$@" -path "./$1" -prune -o; shift; left=$((left - 1)); done' \
    '[ -z "$guard" ] || set -- "$@" -type d "(" ! -user 0 -o -perm -020 -o -perm -002 ")" -prune -o' \
    'odd=$(printf "*[\n\\\\\\\\]*")' \
    'find . "$@" ! -path "$odd" -print0 | xargs -0 -r stat -c "%f %u:%g %s %n"' \
    'find . "$@" -type f ! -path "$odd" -print0 | xargs -0 -r sha256sum' \
    'find . "$@" -type l ! -path "$odd" -print0 | xargs -0 -r -n 200 sh -c '\''for link; do sum=$(readlink -n "$link" | sha256sum); printf "%s  %s\n" "${sum%% *}" "$link"; done'\'' sh' \
    'find . "$@" -path "$odd" -print0 | head -c 500000 | xargs -0 -r -n 200 sh -c '\''for name; do' \
    'sum=-; if [ -L "$name" ]; then sum=$(readlink -n "$name" | sha256sum); elif [ -f "$name" ]; then sum=$(sha256sum <"$name"); fi' \
    'printf "odd %s %s %s\n" "$(printf %s "$name" | od -An -v -tx1 | tr -d " \n")" "$(stat -c "%f %u:%g %s" "$name")" "${sum%% *}"; done'\'' sh'
}
