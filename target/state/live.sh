# live: what is live now.
#   1   its digest, and the file's identity: device, inode, size, time of change of its bytes and of anything
#   2-4 the workflow, number and URL of the run that brought it
#   5   inode and length of its log when it was started
#   6   the boot, and the second, in which this was written
#   7   the account that this tool started it as, empty where something else starts it

# file_identity FILE: sets file_identity; of a link, not of what it points to. A file's owner can set every time but the last.
# An old busybox knows whole seconds only.
file_identity() {
  file_identity=$(TZ=UTC0 stat -c '%d %i %s %y %z' "$1" 2>/dev/null)
}

# live_digest: on standard output the digest of the live file as remembered, when nothing can have changed it since. In the
# same second another change might not show, and a host that went down may have lost bytes.
live_digest() {
  [ -f live ] || return 1
  {
    IFS=' ' read -r known_sha known_identity
    read -r _ && read -r _ && read -r _ && read -r _
    IFS=' ' read -r known_boot known_second
  } <live
  boot_id=
  read -r boot_id </proc/sys/kernel/random/boot_id
  [ -n "$boot_id" ] && [ "$known_boot" = "$boot_id" ] && [ "$known_identity" = "$1" ] || return 1
  known_change=$(stat -c %Z "../$in_name") && [ "$known_change" -lt "$known_second" ] && printf '%s\n' "$known_sha"
} 2>/dev/null
