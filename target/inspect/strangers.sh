# The processes of other accounts that execute the file. Somebody may have started thousands: at most ten are reported.

. ../lib/account.sh
. ../lib/say.sh
. ../process/process.sh

say_strangers() {
  strangers_left=10
  for stranger_pid in $strangers; do
    [ "$strangers_left" -gt 0 ] || break
    strangers_left=$((strangers_left - 1))
    process_uid "$stranger_pid" || continue
    name_of passwd "$process_uid"
    say stranger "pid=$stranger_pid uid=$process_uid user=$name_of"
  done
}
