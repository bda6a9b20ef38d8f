# The file at the destination.

. ../inspect/folder.sh
. ../lib/account.sh
. ../lib/digest.sh
. ../lib/read-regular.sh
. ../lib/say.sh
. ../state/folder.sh
. ../state/live.sh

look_at_file() {
  file_identity "./$in_name"
  file_seen=${file_identity:-none}
  if [ -L "./$in_name" ]; then
    say file_link "$(readlink "./$in_name")"
  elif [ -d "./$in_name" ]; then
    say file_folder yes
  elif [ -e "./$in_name" ] && [ ! -f "./$in_name" ]; then
    say file_odd "$(stat -c %F "./$in_name")"
  elif [ -e "./$in_name" ]; then
    look_at_program
  fi
}

look_at_program() {
  owner_of "./$in_name" && file_user=$owner_user
  say file_owner "$owner_user:$owner_group"
  say file_ids "$owner_uid:$owner_gid"
  say file_mode "$owner_mode"
  file_bytes=${file_seen#* * }
  say file_bytes "${file_bytes%% *}"
  look_for_immutable file "./$in_name"
  if command -v getcap >/dev/null; then
    file_capabilities=$(getcap "./$in_name" 2>/dev/null)
    file_capabilities=${file_capabilities#"./$in_name"}
    file_capabilities=${file_capabilities# = }
    say file_capabilities "${file_capabilities# }"
  fi
  file_sha256
}

# file_sha256: of the live file, where it is not known from the last deploy.
file_sha256() {
  file_sum=$(enter_state && live_digest "$file_seen")
  if [ -n "$file_sum" ]; then
    say file_sha256 "$file_sum"
    return
  fi
  if [ ! -r "./$in_name" ]; then
    say file_unreadable yes
    return
  fi
  file_sum=$(read_regular "./$in_name" | digest)
  say file_sha256 "$file_sum"
}
