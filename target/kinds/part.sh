# What the kinds of parts have in common.

. ../lib/say.sh
. ../state/live-file.sh

# begin_part: the variables of every transaction, before what they are to be is known.
begin_part() {
  new_sha=$in_sha256
  old_sha=$in_old_sha
  old_about=$in_old_about
  new_live=$in_workflow$newline$in_run_number$newline$in_run
  live_of_old
  pid=''
  old_image='' new_image='' back_image='' live_image='' last_image=''
}
