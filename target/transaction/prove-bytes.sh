# Proof that the file still has the bytes that were put there. Its owner could write to it between the rename and the start; while a
# process executes it, the kernel lets nobody write to it.

. ../lib/digest.sh
. ../lib/read-regular.sh

# read_bytes: within the stable window, so that it costs no time of its own.
read_bytes() {
  find_nofollow
  bytes_seen=$(read_regular "../$in_name" | digest)
}

# prove_bytes: whether they are those of the version that was started. Sets refused.
prove_bytes() {
  bytes_sha=$new_sha
  [ "$starting" = new ] || bytes_sha=$old_sha
  [ "$bytes_seen" != "$bytes_sha" ] || return 0
  refused="the bytes of $in_folder/$in_name were changed after it was put there"
  return 1
}
