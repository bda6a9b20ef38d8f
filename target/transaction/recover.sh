# The end of a deploy that another one left: an interrupted one is finished or undone, a good one reverted.

. ../lib/clock.sh
. ../lib/digest.sh
. ../process/find.sh
. ../state/journal.sh
. ../state/live-file.sh
. ../state/release.sh
. ./activate.sh
. ./prove.sh
. ./roll-back.sh
. ./start.sh

# recover: a transaction before us never came to its end. The live file is unproven, the journal knows the one that was.
recover() {
  journal_read || { finish untouched; return; }
  settle_release
  part_recall
  if [ "$decision" = commit ]; then
    if part_is_new; then keep_accepted; else leave_broken 'the release was accepted, but its file is not in place'; fi
    return
  fi
  # After a power cut the journal may be ahead of the disk.
  if [ -z "$decision" ] && [ "$journal_phase" = accept ] && part_is_new; then keep_accepted; else go_back; fi
}

# settle_release: what became of the release, by its folder; by this journal where that is gone. Where nothing was decided, the
# release is undone. Sets decision, empty for a deploy of one part.
settle_release() {
  decision=
  [ -n "$release" ] || return 0
  if rejoin_release; then
    decide abort
  elif [ "$journal_phase" = accept ]; then
    decision=commit
  else
    decision=abort
  fi
  refused=
}

# rejoin_release: the release of the journal that was read; comes back to the state folder. Fails where its folder is gone.
rejoin_release() {
  in_release=$release
  in_part=$release_part
  in_parts=$release_parts
  in_members=$members
  in_first_folder=$release_folder
  in_first_name=$release_name
  exec 6<.
  enter_release || in_release=
  cd -P /proc/self/fd/6 || return 1
  exec 6<&-
  [ -n "$in_release" ] && join_as_member && prepare_decision
}

# known_account: the one that going back starts; an earlier version's journal names whoever executed the file.
known_account() {
  trusted="$trusted $accounts"
  [ -n "$old_uid" ] || { old_user=$in_run_as; old_uid=$in_run_uid; }
}

# recover_environment: of what runs now, if its account is the one that going back starts: the journal holds no secrets.
recover_environment() {
  known_live_image
  find_executors
  main_process "$old_uid"
  old_env=
  [ -z "$main_pid" ] || old_env=$(environment_of "$main_pid")
}

# known_live_image: what is live counts only while its bytes are those of a version that the journal names.
known_live_image() {
  noted_images="$last_image $old_image $new_image"
  take_original || return 0
  image_of original
  known_sum=$(digest <original)
  rm -f original
  case $known_sum in
    "$new_sha") new_image=$image ;;
    "$old_sha") back_image=$image ;;
    *) return 0 ;;
  esac
  # That one is seen, not only noted.
  case " $noted_images " in *" $image "*) noted_images= ;; esac
}

# keep_accepted: it was proved, and only the last words were missing; but a host that went down may have lost the process.
keep_accepted() {
  part_prepare
  stable_phase=accept
  starting=new
  if part_resume; then
    remember_release
    finish active
  else
    remember_failure
    # The other parts stay as they were accepted.
    [ "$decision" != commit ] || { leave_broken "the accepted version does not run: $failure"; return; }
    stable_phase=rollback-stable
    go_back
  fi
}

# revert: the deploy before us was good, but the step was not, on another target. Its journal knows what was there before.
revert() {
  journal_read || { leave_broken 'the journal is gone'; return; }
  [ "$journal_id" = "$in_reverted" ] || { journal_is_open=; leave_broken 'the journal belongs to another deploy'; return; }
  part_recall
  go_back
}
