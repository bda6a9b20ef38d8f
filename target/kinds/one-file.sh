# What the kinds of parts that are one file have in common: a program, a configuration, a unit file.

. ../state/live-file.sh
. ../state/releases.sh
. ../transaction/metadata.sh
. ../transaction/receive.sh
. ../transaction/roll-back.sh
. ../transaction/swap.sh
. ../transaction/try-tools.sh
. ./part.sh

# part_seen: the file that the runner decided on.
part_seen() {
  file_identity "../$in_name"
  printf '%s\n' "${file_identity:-none}"
}

# part_is_new: whether what is live is what the journal calls the new file.
part_is_new() {
  live_is "$new_sha"
}

# restore_previous: the previous file in place again. Sets refused.
restore_previous() {
  if ! live_is_old && ! restore_old; then
    refused="the previous release $old_sha could not be restored: $refused"
    return 1
  fi
  rm -f restored
}
