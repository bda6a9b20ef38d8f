# Runs on the target before anything is decided: says what is there. It opens nothing for writing.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/limit.sh
. ../health/health.sh
. ../health/http.sh
. ../inspect/password.sh
. ../inspect/aliases.sh
. ../inspect/commands.sh
. ../inspect/log.sh
. ../inspect/reason-for-root.sh
. ../inspect/root-path.sh
. ../inspect/session.sh
. ../inspect/supervisor.sh
. ../inspect/units.sh
. ../lib/account.sh
. ../lib/digest.sh
. ../lib/elevate.sh
. ../lib/path.sh
. ../lib/quote.sh
. ../lib/read-regular.sh
. ../process/find.sh
. ../process/port.sh
. ../process/trust.sh
. ../service/as-user.sh
. ../service/systemd.sh
. ../state/folder.sh
. ../state/last-deploy.sh
. ../state/live.sh
. ../state/release-order.sh

main() {
  prelude
  set -u
  know_me
  find_timeout
  [ "${in_elevated:-}" = yes ] || begin
  kernel=$(uname -sm)
  machine=${kernel##* }
  kernel=${kernel% *}
  if [ "$kernel" != Linux ]; then
    say kernel "$kernel"
    end
    return
  fi
  look
  end
}

look() {
  refused=
  folder_entered=
  file_sum=
  file_seen=none
  file_user=${in_login:-$me_name}
  name_wanted
  live_image=
  if enter_folder "$in_folder"; then
    folder_entered=yes
    image_of "./$in_name"
    live_image=$image
  fi
  know_accounts
  noted_images=$last_image
  [ "$last_image" != "$live_image" ] || noted_images=
  # shellcheck disable=SC2086
  find_running "${PWD%/}/$in_name" $live_image $last_image
  # shellcheck disable=SC2086
  ! trust_units || find_running "${PWD%/}/$in_name" $live_image $last_image
  narrow_unseen
  # On success the rest is said by this same program, run as root.
  if [ "${in_elevated:-}" != yes ] && elevate; then exit 0; fi
  say user "$me_name"
  say login "${in_login:-$me_name}"
  say root_tool "${in_root_tool:-}"
  say uid "$me"
  say wanted_owner "$in_owner"
  say wanted_ids "$wanted_ids"
  say login_ids "$login_ids"
  say wanted_run_as "$in_run_as"
  say machine "$machine"
  look_at_tools
  look_at_accounts
  look_at_processes
  look_at_session
  if [ -z "$folder_entered" ]; then
    say folder_refused "${refused:-$in_folder does not exist}"
    return
  fi
  look_at_folder
  inspect_root_path
  inspect_aliases
  look_at_file
  look_at_state
  inspect_units
  look_at_health
  look_at_log
  look_at_working_directory
  inspect_commands
  look_at_passwords "${in_login:-$me_name}" "$run_as"
}

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

# narrow_unseen: a process of that name which can't be looked into counts only if it may well run this very file: under
# root or an account that has to do with it. Another tenant's program of the same name does not.
narrow_unseen() {
  maybe_running=
  [ -n "$running_unseen" ] || return 0
  narrow_left=
  narrow_owner=$(stat -c %U "$in_folder/$in_name" 2>/dev/null)
  for narrow_pid in $running_unseen; do
    case $(stat -c %U "/proc/$narrow_pid" 2>/dev/null) in
      root | "${in_run_as:-root}" | "${in_owner%%:*}" | "${narrow_owner:-root}") narrow_left="$narrow_left $narrow_pid" ;;
    esac
  done
  # What nobody else can be concludes nothing either: where no process of the file is seen, one that can't be seen may be it.
  [ -n "$running" ] || maybe_running=$running_unseen
  running_unseen=${narrow_left# }
}

look_at_tools() {
  [ ! -e /proc/self/stat ] || say tool /proc
  for tool in zstd gzip perl flock setsid sha256sum stat timeout; do
    ! command -v "$tool" >/dev/null || say tool "$tool"
  done
  [ -z "$in_interpreter" ] || [ ! -e "$in_interpreter" ] || say interpreter yes
}

look_at_accounts() {
  for account in ${in_owner:+"${in_owner%%:*}"} ${in_run_as:+"$in_run_as"}; do
    exists passwd "$account" || say missing_user "$account"
  done
  case $in_owner in
    *:*) exists group "${in_owner#*:}" || say missing_group "${in_owner#*:}" ;;
  esac
}

look_at_processes() {
  say accounts "$trusted"
  say run_uid "$run_uid"
  say last_run_as "$last_run_as"
  say last_run_uid "$last_run_uid"
  say unseen "$running_unseen"
  say maybe "$maybe_running"
  say contained "$contained"
  for found_pid in $running; do look_at_process "$found_pid"; done
  # Somebody may have started thousands.
  found_left=10
  for found_pid in $strangers; do
    [ "$found_left" -gt 0 ] || break
    found_left=$((found_left - 1))
    process_uid "$found_pid" || continue
    account_name "$process_uid"
    say stranger "pid=$found_pid uid=$process_uid user=$account_name"
  done
}

# account_name UID: sets account_name, without a process for the usual ones.
account_name() {
  case $1 in
    "$run_uid") account_name=$run_as ;;
    "$me") account_name=$me_name ;;
    *)
      name_of passwd "$1"
      account_name=$name_of
      ;;
  esac
}

look_at_process() {
  found_same=yes
  found_words=$(zero_words "/proc/$1/cmdline" 1d)
  [ "${found_words% }" = "$in_args" ] || found_same=args
  [ "/proc/$1/cwd" -ef "$in_working_directory" ] || found_same=folder
  same_environment "$1" || found_same=environment
  found_live=no
  ! executes "$1" "$live_image" || found_live=yes
  process_start "$1" && process_uid "$1" || return 0
  found_worker=no
  case " $running " in *" $process_parent "*) found_worker=yes ;; esac
  account_name "$process_uid"
  supervisor_of "$1" || supervisor_pid='' supervised=''
  say process "pid=$1 uid=$process_uid worker=$found_worker live=$found_live same=$found_same supervisor=$supervisor supervisor_pid=$supervisor_pid supervised=$supervised user=$account_name"
}

# same_environment PID: whether every KEY=VALUE wanted is in its environment. Compared in memory.
same_environment() {
  [ -n "$in_environment" ] || return 0
  found_env=" $(zero_words "/proc/$1/environ" '')"
  eval "set -- $in_environment"
  for wanted in "$@"; do
    quoted "$wanted"
    case $found_env in *" $quoted "*) ;; *) return 1 ;; esac
  done
}

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
      read -r state_workflow
      read -r state_number
      read -r state_run
      say live_sha256 "$state_sha"
      say live_workflow "$state_workflow"
      say live_run_number "$state_number"
      say live_run "$state_run"
    } <live
  fi
  newest_releases | while read -r state_sha; do say release "$state_sha"; done
  [ ! -f ended ] || tail -n 20 ended | while IFS= read -r state_line; do say ended "$state_line"; done
  [ ! -f history ] || tail -n 5 history | while IFS= read -r state_line; do say history "$state_line"; done
}

look_at_health() {
  if [ -n "$in_health_url" ]; then
    http_client "$in_health_url"
    say http_client "$http_client"
    # Both versions would be taken for unhealthy: asked before anything is stopped.
    case $in_health_url in
      https:*) http_get "$in_health_url" 5 || [ -z "$http_untrusted" ] || say health_untrusted "$http_error" ;;
    esac
  fi
  if [ -n "$in_health_port" ] && port_inodes "$in_health_port" && [ -n "$port_inodes" ]; then
    # shellcheck disable=SC2086
    if [ -z "$running" ] || ! port_owned_by "$in_health_port" $running; then
      port_owner "$in_health_port"
      say port_holder "${port_owner_pids:-unknown}"
    fi
  fi
  # Only where "unchanged" may be the answer.
  case $file_sum in "$in_sha256"*) ;; *) return 0 ;; esac
  [ -n "$in_sha256" ] && [ -n "$running" ] || return 0
  if health_check yes "${running%% *}"; then say health ok; else say health "$health_reason"; fi
}

main
