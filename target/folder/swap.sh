# The new tree takes the place of the old one, and back again, from whatever instant it was interrupted at. Which of the two a name
# holds is told by its device and inode.
#   ../NAME    the live folder         incoming          the new tree, until it is live
#   previous   the old tree            releases/SHA256   the same, once the new one is accepted

. ../state/journal.sh
. ../transaction/rename.sh
. ./exchange.sh
. ./keep.sh

# image_of_tree NAME: sets image_of_tree, empty where no folder is, or a link.
image_of_tree() {
  image_of_tree=
  [ ! -L "$1" ] && [ -d "$1" ] && image_of_tree=$(stat -c '%d:%i' "$1" 2>/dev/null)
}

# find_tree IMAGE: sets find_tree to the name that holds it, empty where none does.
find_tree() {
  for find_tree in "../$in_name" incoming previous "releases/${old_sha:-none}"; do
    image_of_tree "$find_tree"
    [ -z "$1" ] || [ "$image_of_tree" != "$1" ] || return 0
  done
  find_tree=
  return 1
}

# swap_trees: sets refused.
swap_trees() {
  failed=swap
  journal swap || return 1
  refused="$in_folder/$in_name was replaced by something else"
  image_of_tree "../$in_name"
  [ "$image_of_tree" = "$old_tree" ] || return 1
  [ -n "$old_tree" ] || { [ ! -e "../$in_name" ] && [ ! -L "../$in_name" ]; } || return 1
  [ -z "$old_tree" ] || move_kept "../$in_name" incoming || return 1
  put_tree incoming || return 1
  find_tree "$old_tree" && [ "$find_tree" = incoming ] || return 0
  rename_file incoming previous
}

# put_tree NAME: it and the live folder change places; where there is none, or they can't in one instant, by renames. Sets refused.
put_tree() {
  refused="the folder could not be renamed to $in_folder/$in_name"
  if [ -e "../$in_name" ] || [ -L "../$in_name" ]; then
    exchange "$1" "../$in_name" && return 0
    [ "$1" != previous ] || { rename_file previous incoming && set -- incoming; }
    rename_file "../$in_name" previous || return 1
  fi
  rename_file "$1" "../$in_name"
}

# restore_tree: the old tree is live, with what belongs to the host. Sets refused.
restore_tree() {
  refused='the previous folder is gone'
  find_tree "$old_tree" || return 1
  [ "$find_tree" = "../$in_name" ] || put_old_tree || return 1
  if find_tree "$new_tree"; then move_kept "$find_tree" "../$in_name" || return 1; fi
  refused=
}

# put_old_tree: by two renames the names must not get in each other's way.
put_old_tree() {
  [ "$find_tree" = previous ] || { [ ! -e previous ] && rename_file "$find_tree" previous || return 1; }
  exchange previous "../$in_name" && return 0
  refused="the previous folder could not be renamed to $in_folder/$in_name"
  if [ -e "../$in_name" ] || [ -L "../$in_name" ]; then
    [ ! -e incoming ] && rename_file "../$in_name" incoming || return 1
  fi
  rename_file previous "../$in_name"
}
