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
. ../state/last-deploy.sh
. ../state/live-file.sh
. ../state/lock.sh
. ../state/releases.sh
. ../transaction/activate.sh
. ../transaction/follow.sh
. ../transaction/metadata.sh
. ../transaction/receive.sh
. ../transaction/recover.sh
. ../transaction/start.sh
. ../transaction/stop.sh
. ../transaction/try-tools.sh

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
  refused=
  trap 'exit 130' HUP INT TERM PIPE
  trap leave EXIT
  enter_folder "$in_folder" && enter_state create || give_up refused
  if ! take_lock "$in_lock_timeout_seconds"; then
    [ -z "$refused" ] || give_up refused
    give_up locked "$lock_holder"
  fi
  [ "$in_action" = revert ] || [ "$(seen)" = "$in_seen" ] || give_up changed
  # Whoever held the lock may have been killed in that very phase.
  [ "$in_action" != deploy ] || ! is_unfinished || give_up changed
  if [ ! -d releases ] && ! mkdir releases; then give_up refused "$PWD/releases could not be made"; fi
  old_sha=$in_old_sha
  old_about=$in_old_about
  exec 3<&0
  # What an interrupted deploy left behind is finished all the same, also on a full disk.
  free_reserve
  try_tools || [ "$in_action" != deploy ] || give_up refused
  stage || give_up refused
  hand_over
}

# seen: what the runner's decisions rest on; another deploy may have come between its look and our lock.
seen() {
  file_identity "../$in_name"
  printf '%s\n' "${file_identity:-none}"
  [ ! -f journal ] || tail -n 1 journal
}

is_unfinished() {
  [ -f journal ] || return 1
  case $(tail -n 1 journal) in phase=end) return 1 ;; phase=*) return 0 ;; esac
  return 1
}

stage() {
  if [ "$in_action" = revert ]; then
    exec 3<&-
    handed_id=
    [ ! -f handed ] || IFS=' ' read -r handed_id _ <handed
    [ "$handed_id" = "$in_reverted" ] || { refused='another deploy has run since'; return 1; }
    return 0
  fi
  if [ "$in_action" = recover ]; then
    # What is live now is unproven: it never becomes a release.
    exec 3<&-
    return 0
  fi
  if [ "$in_strategy" = in-place ] && [ "$in_encoding" != none ]; then
    case $in_encoding in release | copy) exec 3<&- ;; esac
    [ "$in_encoding" != release ] || prove_kept "$in_sha256" || return 1
    keep_packed || return 1
    has_room_in_place || return 1
    # Between stop and start nothing should be tried for the first time.
    true >trial && dress trial && rm -f trial
    return
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
  keep_previous || return 1
  [ "$in_encoding" != copy ] || copy_live || return 1
  [ "$in_encoding" = none ] || dress incoming
}

# has_room_in_place: for the new file once the old one is gone, and so for the way back, which puts that in its place again.
has_room_in_place() {
  case $in_encoding in release | copy) return 0 ;; esac
  room_kb=$(df -P . | { read -r _ && read -r _ _ _ df_free _ && printf '%s' "$df_free"; }) || return 0
  freed_kb=0
  room_rest=$(stat -c '%h %b' "../$in_name" 2>/dev/null) || room_rest=
  case $room_rest in '1 '[0-9]*) freed_kb=$((${room_rest#1 } / 2)) ;; esac
  [ "$(((room_kb + freed_kb) * 1024))" -ge "$((in_size + 200000))" ] && return 0
  refused="$in_size bytes are needed in place, but only $(((room_kb + freed_kb) * 1024)) would be free without the old file"
  return 1
}

leave() {
  [ -z "$handed" ] || return 0
  case $PWD in
    */".$in_name.deploy")
      rm -f incoming restored original trial trial.to reserve decode.errors
      drop_release "${kept_now:-none}"
      ;;
  esac
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
  # A full disk must not keep it from being told: of `handed` nothing but its bytes is written afterwards.
  if ! true >progress || ! printf '%s %60s\n' "$in_id" '' >handed || ! keep_reserve; then
    [ "$in_action" != deploy ] || give_up refused "there is no room for the journal$(room_left)"
  fi
  handed=yes
  scope_words
  # This program, whole, through a pipe: nothing of it is in an argument list or a file. Only what it needs is told it.
  # shellcheck disable=SC2086
  printf 'in_detached=yes\\ncore_limit=%s\\nrename_way=%s\\n%s' "$core_limit" "$rename_way" "$line" |
    exec $scope_words setsid /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac' >progress 2>/dev/null &
  transaction=$!
  process_start "$transaction"
  printf '%s\n' "$in_id $transaction $process_start" 1<>handed
  exec 9>&- 3<&-
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
  journal_id=$in_id
  journal_is_open=
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
  old_image='' new_image='' back_image='' live_image='' last_image=''
  [ ! -f live ] || read_last
  noted_images=$last_image
  old_words='' old_env='' old_dir='' old_user='' old_log='' old_umask='' old_pid='' limit_words='' limit_soft='' limit_hard='' run_relative=no respawner='' old_remembered=no
  # An earlier version's journal has no word of these.
  accounts='' old_uid='' command_pid=''
  was_running=no
  case $in_action in
    recover) recover ;;
    revert) revert ;;
    deploy)
      old_image=$(seen_image)
      [ "$last_image" != "$old_image" ] || noted_images=
      remember_present
      [ "$in_strategy" = in-place ] || [ "$in_encoding" = none ] || { image_of incoming; new_image=$image; }
      [ "$in_encoding" != none ] || new_image=$old_image
      [ "$restart" != systemd ] || prepare_units
      if journal_open; then activate; else leave_unbegun; fi
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
