# A part that is a tree, replaced as a whole: what the frame of a transaction calls (docs/RELEASES.md). Nothing is stopped.

. ../folder/stage.sh
. ../folder/swap.sh
. ../folder/tree-shell.sh
. ../lib/say.sh
. ../state/journal.sh
. ../state/live-file.sh
. ../state/releases.sh
. ../transaction/barriers.sh
. ../transaction/roll-back.sh
. ../transaction/try-tools.sh
. ./no-process.sh

PART_KIND=folder
# What rolling back needs, by the names of the variables that hold it: for the journal.
PART_KEYS='new_sha new_live new_tree old_sha old_about old_live old_tree kept_paths'

# part_seen: the folder that the runner decided on. What is in it is proved file by file while it is staged.
part_seen() {
  image_of_tree "../$in_name"
  printf '%s\n' "${image_of_tree:-none}"
}

part_stage() {
  remove_tree previous
  stage_tree
  case $? in
    0) say staged "$in_sha256" ;;
    2) give_up changed ;;
    *) return 1 ;;
  esac
}

part_unstage() {
  remove_tree incoming
  rm -f trial trial.to reserve
}

part_begin() {
  begin_without_process
  kept_paths=$in_keep
  new_tree='' old_tree=''
  find_exchange
}

part_remember() {
  image_of_tree incoming
  new_tree=$image_of_tree
  image_of_tree "../$in_name"
  old_tree=$image_of_tree
}

part_prepare() {
  :
}

part_swap() {
  swap_trees
}

part_reload() {
  limited 30 systemctl daemon-reload >/dev/null 2>&1
}

part_start() {
  failed=start
  journal start
}

part_prove() {
  failed=health
  reach_health || return 1
  failed=stable
  journal "${stable_phase:-stable}" || refused=
  image_of_tree "../$in_name"
  [ "$image_of_tree" = "$new_tree" ] && return 0
  refused="$in_folder/$in_name was replaced by another folder"
  return 1
}

# part_accept: the old tree becomes a release. Its size costs no time: it is renamed.
part_accept() {
  remember_live "$new_sha" "$new_live"
  if find_tree "$old_tree" && [ "$find_tree" != "../$in_name" ] && [ -n "$old_sha" ]; then
    remove_tree "releases/$old_sha"
    rename_file "$find_tree" "releases/$old_sha" && write_about
  fi
  prune_trees
}

# prune_trees: the newest in_keep_releases stay, and never the one that is live.
prune_trees() {
  drop_tree "$new_sha"
  prune_seen=0
  for prune_sha in $(newest_releases); do
    prune_seen=$((prune_seen + 1))
    [ "$prune_seen" -le "$in_keep_releases" ] || drop_tree "$prune_sha"
  done
}

drop_tree() {
  remove_tree "releases/$1"
  rm -f "releases/$1.about"
}

part_keep() {
  remove_tree incoming
  finish staged
}

part_undo_stop() {
  :
}

# part_undo_swap: the previous tree in place; returns 2 where there was none.
part_undo_swap() {
  if [ -z "$old_tree" ]; then
    if find_tree "$new_tree" && [ "$find_tree" = "../$in_name" ]; then
      remove_tree incoming
      rename_file "../$in_name" incoming || { refused="the new folder could not be removed from $in_folder"; return 1; }
    fi
    sync ..
    remove_tree incoming
    return 2
  fi
  restore_tree || return 1
  sync ..
}

part_undo_start() {
  refused=
  journal restart-old || refused=
}

part_undo_prove() {
  vote undo-healthy
  stable_phase=rollback-stable
  journal rollback-stable || refused=
  image_of_tree "../$in_name"
  [ "$image_of_tree" = "$old_tree" ] || { refused="$in_folder/$in_name is another folder"; return 1; }
  remove_tree incoming
  remove_tree previous
  [ -z "$old_sha" ] || remember_live "$old_sha" "$old_live"
}

part_recall() {
  :
}

part_is_new() {
  find_tree "$new_tree" && [ "$find_tree" = "../$in_name" ]
}

part_resume() {
  vote healthy || :
  part_is_new || return 1
  part_accept
}
