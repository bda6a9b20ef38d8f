# The folder of the file, the file system that it is on, and what keeps both from being changed.

. ../lib/account.sh
. ../lib/say.sh

look_at_folder() {
  say folder "$PWD"
  owner_of .
  say folder_owner "$owner_user"
  say folder_mode "$owner_mode"
  [ ! -w . ] || say folder_writable yes
  df -P . | {
    read -r _
    read -r _ _ _ folder_free _ folder_mount
    say free_kb "$folder_free"
    say mount "$folder_mount"
    folder_options=
    while read -r _ mount_point _ mount_options _; do
      [ "$mount_point" != "$folder_mount" ] || folder_options=$mount_options
    done </proc/self/mounts
    say mount_options "$folder_options"
  }
  # A file system that makes them as it needs them says 0 or nothing.
  df -P -i . 2>/dev/null | {
    read -r _
    read -r _ folder_inodes _ folder_free _
    case $folder_inodes in 0 | '' | *[!0-9]*) ;; *) say free_inodes "$folder_free" ;; esac
  }
  look_for_immutable folder -d .
}

# look_for_immutable NAME ARGUMENT…: the flag that lets not even root change a file.
look_for_immutable() {
  command -v lsattr >/dev/null || return 0
  immutable_name=$1
  shift
  immutable_flags=$(lsattr "$@" 2>/dev/null)
  case ${immutable_flags%% *} in *[ia]*) say immutable "$immutable_name" ;; esac
}
