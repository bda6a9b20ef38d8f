# The transaction itself, in the state folder, with the lock's descriptor inherited, and in a release that of its folder.

. ../lib/account.sh
. ../lib/say.sh
. ../state/journal.sh
. ../state/release.sh
. ./activate.sh
. ./recover.sh

detached() {
  trap : HUP INT TERM QUIT PIPE USR1 USR2
  know_me
  begin
  journal_id=$in_id
  journal_is_open=
  part_kind=$PART_KIND
  refused='' failed='' down_mark='' downtime_cs=''
  release=$in_release
  release_part=$in_part
  release_parts=$in_parts
  release_folder=$in_first_folder
  release_name=$in_first_name
  members=$in_members
  part_begin
  [ -z "$in_release" ] || join_as_member && prepare_decision || { [ "$in_action" != deploy ] || { leave_unbegun; return; }; }
  case $in_action in
    recover) recover ;;
    revert) revert ;;
    deploy)
      part_remember
      if journal_open && vote begun; then activate; else leave_unbegun; fi
      ;;
  esac
}
