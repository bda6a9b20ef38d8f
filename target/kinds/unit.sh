# A part that is the file of a systemd unit: what the frame of a transaction calls (docs/RELEASES.md). It stops and starts nothing:
# what runs the unit is another part.

. ../service/systemd.sh
. ../state/journal.sh
. ../transaction/barriers.sh
. ../unit-file/enable.sh
. ../unit-file/verify.sh
. ./read-file.sh

PART_KIND=unit
# What rolling back needs, by the names of the variables that hold it: for the journal.
PART_KEYS='new_sha new_live old_sha old_about old_live old_enabled'

# part_stage: the new file in the state folder, proved and verified, and the previous one kept. Sets refused.
part_stage() {
  stage_file || return 1
  [ "$in_encoding" = none ] || { verify_incoming && prepare_deployed; }
}

# part_unstage: nothing was changed, and nothing of it stays.
part_unstage() {
  rm -rf verify
  rm -f incoming restored original trial trial.to reserve decode.errors deployed.new
  drop_release "${kept_now:-none}"
}

# part_begin: the variables of the transaction, before what they are to be is known.
part_begin() {
  begin_without_process
  old_enabled=''
}

part_remember() {
  read_enabled
  old_enabled=$enabled
}

part_prepare() {
  find_timeout
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
  restore_previous
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

part_resume() {
  part_reload
  remember_live "$new_sha" "$new_live" && keep_deployed
}
