# A part that is the file of a systemd unit: what the frame of a transaction calls (docs/RELEASES.md). It stops and starts nothing:
# what runs the unit is another part.

. ../config/deployed.sh
. ../lib/say.sh
. ../service/systemd.sh
. ../state/journal.sh
. ../state/live-file.sh
. ../state/releases.sh
. ../transaction/barriers.sh
. ../transaction/metadata.sh
. ../transaction/receive.sh
. ../transaction/roll-back.sh
. ../transaction/swap.sh
. ../transaction/try-tools.sh
. ../unit-file/enable.sh
. ../unit-file/verify.sh

PART_KIND=unit
# What rolling back needs, by the names of the variables that hold it: for the journal.
PART_KEYS='new_sha new_live old_sha old_about old_live old_enabled'

# part_seen: the file that the runner decided on.
part_seen() {
  file_identity "../$in_name"
  printf '%s\n' "${file_identity:-none}"
}

# part_stage: the new file in the state folder, proved and verified, and the previous one kept. Sets refused.
part_stage() {
  case $in_encoding in
    none | copy | release) exec 3<&- ;;
    *) receive || return 1 ;;
  esac
  [ "$in_encoding" != release ] || take_release || return 1
  say staged "$in_sha256"
  keep_previous || return 1
  [ "$in_encoding" != copy ] || copy_live || return 1
  [ "$in_encoding" != none ] || return 0
  dress incoming && verify_incoming && prepare_deployed
}

# part_unstage: nothing was changed, and nothing of it stays.
part_unstage() {
  rm -rf verify
  rm -f incoming restored original trial trial.to reserve decode.errors deployed.new
  drop_release "${kept_now:-none}"
}

# part_begin: the variables of the transaction, before what they are to be is known.
part_begin() {
  new_sha=$in_sha256
  old_sha=$in_old_sha
  old_about=$in_old_about
  new_live=$in_workflow$newline$in_run_number$newline$in_run
  live_of_old
  restart=none
  pid=''
  unit='' unit_user='' units=''
  old_image='' new_image='' back_image='' live_image='' last_image=''
  old_enabled=''
}

part_remember() {
  read_enabled
  old_enabled=$enabled
}

part_prepare() {
  find_timeout
}

part_stop() {
  failed=stop
}

part_swap() {
  swap
}

# part_reload: of systemd, once for all parts of a release.
part_reload() {
  ( exec 9>&-; systemctl_for '' daemon-reload ) >/dev/null 2>&1
}

part_start() {
  failed=start
  journal start || return 1
  [ -n "$in_release" ] || part_reload
  [ "$in_enable" != yes ] || change_enabled enable
}

# part_prove: systemd reads the file. That the unit runs is proved by the part that is its program.
part_prove() {
  failed=health
  unit_facts "$in_name" '' || { refused="systemd could not be queried: $unit_error"; return 1; }
  [ "$unit_load" = loaded ] || [ "$unit_load" = masked ] || { refused="systemd does not load $in_name ($unit_load)"; return 1; }
  reach_health || return 1
  failed=stable
  journal "${stable_phase:-stable}"
}

part_accept() {
  remember_live "$new_sha" "$new_live"
  prune_releases "$new_sha"
  keep_deployed
}

part_is_untouched() {
  [ "$failed" = stop ]
}

part_keep() {
  rm -f deployed.new
  drop_release "${old_sha:-none}"
  finish staged
}

part_undo_stop() {
  :
}

# part_undo_swap: the previous file in place; returns 2 where there was none.
part_undo_swap() {
  rm -f deployed.new
  if [ -z "$old_sha" ]; then
    # While the file is there, which says where it was enabled.
    [ "$in_enable" != yes ] || change_enabled disable || refused=
    rm -f "../$in_name"
    sync ..
    part_reload
    return 2
  fi
  live_is_old || restore_old || { refused="the previous release $old_sha could not be restored: $refused"; return 1; }
  rm -f restored
}

part_undo_start() {
  refused=
  journal restart-old || refused=
  [ -n "$in_release" ] || part_reload
  [ "$in_enable" != yes ] || [ "$old_enabled" != disabled ] || change_enabled disable
}

part_undo_prove() {
  vote undo-healthy
  stable_phase=rollback-stable
  journal rollback-stable || refused=
  drop_release "$old_sha"
  remember_live "$old_sha" "$old_live"
}

part_recall() {
  :
}

# part_is_new: whether what is live is what the journal calls the new file.
part_is_new() {
  live_is "$new_sha"
}

part_resume() {
  part_reload
  remember_live "$new_sha" "$new_live" && keep_deployed
}
