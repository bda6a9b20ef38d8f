# What the kinds have in common whose file is read by a service, and executed by nothing: a configuration, a unit file.

. ../config/deployed.sh
. ./no-process.sh
. ./one-file.sh

# stage_file: the new file in the state folder, proved, with its metadata, and the previous one kept. Sets refused.
stage_file() {
  case $in_encoding in
    none | copy | release) exec 3<&- ;;
    *) receive || return 1 ;;
  esac
  [ "$in_encoding" != release ] || take_release || return 1
  say staged "$in_sha256"
  keep_previous || return 1
  [ "$in_encoding" != copy ] || copy_live || return 1
  [ "$in_encoding" = none ] || dress incoming
}

part_swap() {
  swap
}

part_keep() {
  rm -f deployed.new
  drop_release "${old_sha:-none}"
  finish staged
}

part_accept() {
  remember_live "$new_sha" "$new_live"
  prune_releases "$new_sha"
  keep_deployed
}
