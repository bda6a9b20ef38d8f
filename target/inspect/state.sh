# What earlier deploys have recorded in the state folder.

. ../lib/say.sh
. ../state/folder.sh
. ../state/last-release.sh
. ../state/release-order.sh

look_at_state() {
  state_seen=$file_seen
  (
    if enter_state; then
      look_into_state
    else
      [ $? = 2 ] || say state_refused "$refused"
      say seen "$state_seen"
    fi
  )
}

look_into_state() {
  look_for_unfinished
  say seen "$state_seen${state_phase:+"$newline$state_phase"}"
  if [ -f lock ] && ! flock -n -s 9 9<lock; then
    IFS= read -r state_holder <lock
    say locked "$state_holder"
  fi
  if [ -f live ]; then
    {
      IFS=' ' read -r state_sha _
      read -r state_workflow && read -r state_number && read -r state_run
      say live_sha256 "$state_sha"
      say live_workflow "$state_workflow"
      say live_run_number "$state_number"
      say live_run "$state_run"
    } <live
  fi
  newest_releases | while read -r state_sha; do say release "$state_sha"; done
  say_last_release
  [ ! -f ended ] || tail -n 20 ended | while IFS= read -r state_line; do say ended "$state_line"; done
  [ ! -f history ] || tail -n 5 history | while IFS= read -r state_line; do say history "$state_line"; done
}
