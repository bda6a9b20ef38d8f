# What is wanted and who is trusted: the accounts that a deploy is about.

. ../lib/account.sh
. ../lib/say.sh
. ../process/trust.sh
. ../state/last-deploy.sh

# know_accounts: sets trusted to the accounts whose processes can be the program: root, this login, the owner of the file and of its
# folder, the owner that it is to have, run-as, and the one that the last deploy started it as. Sets last_image to what that left.
know_accounts() {
  last_image=''
  last_run_as=''
  last_run_uid=''
  trusted=0
  trust_number "$me"
  [ -z "${in_login:-}" ] || trust "$in_login"
  if [ -n "$folder_entered" ]; then
    last_deploy
    trust_number "$(stat -c %u .)"
    if owner_of "./$in_name"; then
      file_user=$owner_user
      trust_number "$owner_uid"
    fi
  fi
  run_as=${in_run_as:-${in_owner%%:*}}
  [ -n "$run_as" ] || run_as=$file_user
  trust "$run_as"
  run_uid=$trust_uid
  [ -z "$in_owner" ] || trust "${in_owner%%:*}"
  if [ -n "$last_run_as" ]; then
    trust "$last_run_as"
    last_run_uid=$trust_uid
  fi
}

# name_wanted: what is wanted, by name for people and by number for everything else.
name_wanted() {
  wanted_ids=
  if [ -n "$in_owner" ]; then
    ids_of "$in_owner"
    wanted_ids=$ids_uid${ids_gid:+:$ids_gid}
  fi
  ids_of "${in_login:-$me_name}"
  login_ids=$ids_uid${ids_gid:+:$ids_gid}
  name_of passwd "$in_run_as"
  in_run_as=$name_of
  name_of passwd "${in_owner%%:*}"
  wanted_user=$name_of
  case $in_owner in
    *:*)
      name_of group "${in_owner#*:}"
      in_owner=$wanted_user:$name_of
      ;;
    *) in_owner=$wanted_user ;;
  esac
}

look_at_accounts() {
  for account in ${in_owner:+"${in_owner%%:*}"} ${in_run_as:+"$in_run_as"}; do
    exists passwd "$account" || say missing_user "$account"
  done
  case $in_owner in
    *:*) exists group "${in_owner#*:}" || say missing_group "${in_owner#*:}" ;;
  esac
}
