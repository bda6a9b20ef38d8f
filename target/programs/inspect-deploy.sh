# Runs on the target before anything is decided: says what is there. It opens nothing for writing.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/limit.sh
. ../health/health.sh
. ../health/http.sh
. ../inspect/accounts.sh
. ../inspect/aliases.sh
. ../inspect/commands.sh
. ../inspect/file.sh
. ../inspect/folder.sh
. ../inspect/log.sh
. ../inspect/password.sh
. ../inspect/processes.sh
. ../inspect/reason-for-root.sh
. ../inspect/root-path.sh
. ../inspect/session.sh
. ../inspect/state.sh
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

look_at_tools() {
  [ ! -e /proc/self/stat ] || say tool /proc
  for tool in zstd gzip perl flock setsid sha256sum stat timeout; do
    ! command -v "$tool" >/dev/null || say tool "$tool"
  done
  case $(timeout --help 2>&1) in *[Tt]oybox*) say toybox_timeout yes ;; esac
  [ -z "$in_interpreter" ] || [ ! -e "$in_interpreter" ] || say interpreter yes
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
