# Runs on the target: takes the lock, receives and proves the new file, hands the transaction over to a detached copy of
# itself, and tells the runner how it goes.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/clock.sh
. ../lib/account.sh
. ../lib/path.sh
. ../process/find.sh
. ../service/systemd.sh
. ../service/unit-world.sh
. ../state/folder.sh
. ../state/journal.sh
. ../state/live.sh
. ../state/lock.sh
. ../state/releases.sh
. ../transaction/activate.sh
. ../transaction/follow.sh
. ../transaction/metadata.sh
. ../transaction/receive.sh
. ../transaction/recover.sh
. ../transaction/start.sh
. ../transaction/stop.sh

main() {
  prelude
  set -u
  uptime_cs
  began_cs=$now_cs
  if [ "${in_detached:-}" = yes ]; then detached; else session; fi
}

# session: in the connection. Until the hand-over, losing it undoes everything.
session() {
  begin
  know_me
  handed=
  kept_now=
  trap 'exit 130' HUP INT TERM PIPE
  trap leave EXIT
  enter_folder "$in_folder" && enter_state create || give_up refused
  take_lock "$in_lock_timeout_seconds" || give_up locked "$lock_holder"
  [ "$in_action" = revert ] || [ "$(seen)" = "$in_seen" ] || give_up changed
  [ -d releases ] || mkdir releases
  old_sha=$in_old_sha
  old_about=$in_old_about
  exec 3<&0
  stage || give_up refused
  hand_over
}

# seen: what the runner's decisions rest on; another deploy may have come between its look and our lock.
seen() {
  stat -c '%d %i %s %Y %Z' "../$in_name" 2>/dev/null || printf 'none\n'
  [ ! -f journal ] || tail -n 1 journal
}

stage() {
  if [ "$in_action" = revert ]; then
    exec 3<&-
    handed_id=
    [ ! -f handed ] || IFS=' ' read -r handed_id _ <handed
    [ "$handed_id" = "$in_reverted" ] || { refused='another deploy has come since'; return 1; }
    return 0
  fi
  if [ "$in_action" = recover ]; then
    # What is live now is unproven: it never becomes a release.
    exec 3<&-
    return 0
  fi
  if [ "$in_strategy" = in-place ] && [ "$in_encoding" != none ]; then
    case $in_encoding in release | copy) exec 3<&- ;; esac
    [ "$in_encoding" != release ] || prove_release || return 1
    keep_packed || { refused='the previous release could not be kept, even compressed'; return 1; }
    return 0
  fi
  case $in_encoding in
    none | copy) exec 3<&- ;;
    release)
      exec 3<&-
      take_release || return 1
      ;;
    delta-*) receive || give_up delta ;;
    *) receive || return 1 ;;
  esac
  say staged "$in_sha256"
  keep_previous || { refused='the previous release could not be kept'; return 1; }
  [ "$in_encoding" != copy ] || copy_live || return 1
  [ "$in_encoding" = none ] || dress
}

leave() {
  [ -z "$handed" ] || return 0
  case $PWD in */".$in_name.deploy") rm -f incoming restored original decode.errors "releases/${kept_now:-none}" "releases/${kept_now:-none}.about" ;; esac
}

# give_up WHY [DETAIL]: nothing was touched.
give_up() {
  say gave_up "$1"
  say why "${2:-${refused:-}}"
  end
  exit 1
}

# hand_over: from here on nobody is needed but the target.
hand_over() {
  rm -f progress handed
  : >progress
  handed=yes
  scope_words
  # This program, whole, through a pipe: nothing of it is in an argument list or a file. Only what it needs is told it.
  # shellcheck disable=SC2086
  printf 'in_detached=yes\\ncore_limit=%s\\n%s' "$core_limit" "$line" |
    exec $scope_words setsid /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac' >progress 2>/dev/null &
  transaction=$!
  process_start "$transaction"
  printf '%s\n' "$in_id $transaction $process_start" >handed
  exec 9>&- 3<&-
  say handed "$transaction"
  follow "$transaction" "$process_start"
}

# scope_words: where logind ends a login's processes with it, the transaction leaves the login's scope.
scope_words() {
  scope_words=
  [ "$in_session_kills" = yes ] || return 0
  if [ "$me" = 0 ]; then
    scope_words='systemd-run --quiet --scope --collect --slice=system.slice --'
  else
    XDG_RUNTIME_DIR=/run/user/$me
    export XDG_RUNTIME_DIR
    scope_words='systemd-run --quiet --user --scope --collect --'
  fi
}

# detached: the transaction itself, in our folder, with the lock's descriptor inherited.
detached() {
  trap : HUP INT TERM QUIT PIPE USR1 USR2
  know_me
  begin
  new_sha=$in_sha256
  old_sha=$in_old_sha
  old_about=$in_old_about
  new_live=$in_workflow$newline$in_run_number$newline$in_run
  live_of_old
  restart=$in_restart
  unit=$in_unit
  unit_user=$in_unit_user
  units=$in_units
  restarted_units=$in_restarted_units
  left_units=$in_left_units
  dependents=$in_dependents
  watched_units=$in_watched_units
  world=''
  starting=new
  refused='' failed='' down_mark='' downtime_cs='' pid='' image_pid=''
  trusted=$in_accounts
  run_uid=$in_run_uid
  old_image='' new_image='' back_image='' live_image=''
  old_words='' old_env='' old_dir='' old_user='' old_log='' old_umask='' old_pid='' old_remembered=no
  was_running=no
  case $in_action in
    recover) recover ;;
    revert) revert ;;
    deploy)
      old_image=$(seen_image)
      remember_present
      [ "$in_strategy" = in-place ] || [ "$in_encoding" = none ] || { image_of incoming; new_image=$image; }
      [ "$in_encoding" != none ] || new_image=$old_image
      [ "$restart" != systemd ] || prepare_units
      journal_open
      activate
      ;;
  esac
}

# seen_image: the image of the file that the runner decided on and the session compared under the lock.
seen_image() {
  case $in_seen in
    none*) ;;
    *)
      seen_rest=${in_seen#* }
      printf '%s:%s\n' "${in_seen%% *}" "${seen_rest%% *}"
      ;;
  esac
}

# prepare_units: what systemd can do while the old version still runs.
prepare_units() {
  [ "$in_daemon_reload" != yes ] || ( exec 9>&-; systemctl_for "$unit_user" daemon-reload ) >/dev/null 2>&1
  reset_units
  read_world
}

main
