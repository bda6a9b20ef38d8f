# A part that is a program: what the frame of a transaction calls (docs/RELEASES.md), in terms of the libraries of transaction/.

. ../service/systemd.sh
. ../service/unit-world.sh
. ../state/last-deploy.sh
. ../transaction/activate.sh
. ../transaction/prove.sh
. ../transaction/start.sh
. ../transaction/stop.sh
. ./one-file.sh

PART_KIND=binary
# What rolling back needs, by the names of the variables that hold it: for the journal.
PART_KEYS='new_sha new_live new_image old_sha old_about old_live old_image was_running old_remembered old_words old_dir old_user old_uid old_log old_umask run_relative limit_words limit_soft limit_hard accounts restart unit unit_user units restarted_units left_units dependents watched_units world'

# part_stage: the new file in the state folder, proved, with its metadata, and the previous one kept. Sets refused.
part_stage() {
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

# part_unstage: nothing was stopped, and nothing of it stays.
part_unstage() {
  rm -f incoming restored original trial trial.to reserve decode.errors
  drop_release "${kept_now:-none}"
}

# part_begin: the variables of the transaction, before what they are to be is known.
part_begin() {
  begin_part
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
  image_pid=''
  trusted=$in_accounts
  run_uid=$in_run_uid
  [ ! -f live ] || read_last
  noted_images=$last_image
  old_words='' old_env='' old_dir='' old_user='' old_log='' old_umask='' old_pid='' limit_words='' limit_soft='' limit_hard='' run_relative=no respawner='' old_remembered=no
  # An earlier version's journal has no word of these.
  accounts='' old_uid='' command_pid=''
  was_running=no
}

# part_remember: what runs now, and what can be done while it does.
part_remember() {
  old_image=$(seen_image)
  [ "$last_image" != "$old_image" ] || noted_images=
  remember_present
  [ "$in_strategy" = in-place ] || [ "$in_encoding" = none ] || { image_of incoming; new_image=$image; }
  [ "$in_encoding" != none ] || new_image=$old_image
  [ "$restart" != systemd ] || prepare_units
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
  [ "$in_daemon_reload" != yes ] || part_reload
  reset_units
  read_world
}

part_reload() {
  ( exec 9>&-; systemctl_for "$unit_user" daemon-reload ) >/dev/null 2>&1
}

part_prepare() {
  prepare_new
}

part_stop() {
  stop_all_and_check
}

part_swap() {
  swap && live_image=$new_image
}

part_start() {
  start_new
}

# part_prove: until it is healthy, where it meets the others, and through the stable window.
part_prove() {
  prove yes
}

part_accept() {
  remember_live "$new_sha" "$new_live"
  prune_releases "$new_sha"
}

part_is_untouched() {
  nothing_happened
}

# part_keep: what could not be stopped runs on, or nothing ran.
part_keep() {
  live_image=$old_image
  if find_forked; then
    # Is it still well?
    keep_running
  else
    drop_release "${old_sha:-none}"
    finish staged
  fi
}

part_undo_stop() {
  stop_all
}

# part_undo_swap: the previous file in place; returns 2 where there was none.
part_undo_swap() {
  if [ -z "$old_sha" ]; then
    rm -f "../$in_name"
    # What was started and failed is nothing to look after.
    pid=
    return 2
  fi
  live_image=$old_image
  restore_previous
}

part_undo_start() {
  start_old
}

part_undo_prove() {
  prove_old || return 1
  drop_release "$old_sha"
  remember_live "$old_sha" "$old_live"
}

# part_recall: what the journal does not hold.
part_recall() {
  known_account
  recover_environment
}

# part_resume: what was accepted runs, started again where the host lost it, and is proved.
part_resume() {
  live_image=$new_image
  command_pid=
  mark_start
  [ "$restart" != systemd ] || choose_units
  find_forked || start_it || :
  [ -z "$refused" ] && prove '' && remember_live "$new_sha" "$new_live"
}
