# Runs on the target before anything is decided about a folder: says what is there. It opens nothing for writing.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/account.sh
. ../lib/elevate.sh
. ../folder/inspect.sh

main() {
  prelude
  set -u
  know_me
  [ "${in_elevated:-}" = yes ] || begin
  refused=
  folder_entered=
  ! enter_folder "$in_folder" || folder_entered=yes
  # On success the rest is said by this same program, run as root.
  if [ "${in_elevated:-}" != yes ] && elevate; then exit 0; fi
  say user "$me_name"
  say login "${in_login:-$me_name}"
  say uid "$me"
  inspect_folder
  end
}

# reason_for_root: the first step that this account can't do by itself.
reason_for_root() {
  if [ -z "$folder_entered" ] || [ ! -w . ]; then
    root_reason="$me_name can't write to $in_folder"
  elif [ -e "./.$in_name.deploy" ] && [ ! -O "./.$in_name.deploy" ]; then
    root_reason="the releases in $in_folder/.$in_name.deploy belong to another account"
  elif [ -e "./$in_name" ] && [ ! -O "./$in_name" ]; then
    root_reason="$in_folder/$in_name belongs to another account"
  elif [ -n "$in_owner" ]; then
    ids_of "$in_owner"
    [ "$ids_uid" = "$me" ] || root_reason="the folder's owner must be set to $in_owner"
  fi
}

main
