# Runs on the target: says what is there of a deployed program. It opens nothing for writing.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/clock.sh
. ../health/health.sh
. ../health/http.sh
. ../inspect/log-strings.sh
. ../inspect/port.sh
. ../inspect/reading.sh
. ../inspect/search.sh
. ../inspect/service.sh
. ../inspect/strangers.sh
. ../lib/account.sh
. ../lib/digest.sh
. ../lib/elevate.sh
. ../lib/limit.sh
. ../lib/number.sh
. ../lib/read-regular.sh
. ../process/find.sh
. ../process/port.sh
. ../process/trust.sh
. ../service/as-user.sh
. ../service/cgroup.sh
. ../service/systemd.sh
. ../service/unit-of.sh
. ../state/folder.sh
. ../state/last-deploy.sh

main() {
  prelude
  set -u
  know_me
  find_timeout
  [ "${in_elevated:-}" = yes ] || begin
  kernel=$(uname -s)
  if [ "$kernel" != Linux ]; then
    say kernel "$kernel"
    end
    return
  fi
  find_program
  # On success the rest is said by this same program, run as root.
  if [ "${in_elevated:-}" != yes ] && elevate; then exit 0; fi
  say user "$me_name"
  # A process just begun, and the time: what began before is that much older. The btime of /proc/stat lacks its fraction.
  say now "$(process_start self && printf '%s ' "$process_start" && date +%s.%N)"
  look_at_file
  look_at_processes
  look_at_service
  look_at_port
  look_at_health
  look_at_stability
  look_at_log
  look_at_state
  end
}

# find_program: the processes of the file at the path; through a link only where root or this account made it.
find_program() {
  file=$in_folder/$in_name
  file_link=
  live_image=
  folder_path=$(cd -P "$in_folder/" 2>/dev/null && printf '%s' "${PWD%/}") || folder_path=$in_folder
  trusted=0
  trust_number "$me"
  trust_number "$(stat -L -c %u "$in_folder/" 2>/dev/null)"
  [ -z "${in_login:-}" ] || trust "$in_login"
  [ -z "$in_run_as" ] || trust "$in_run_as"
  if [ -L "$file" ]; then
    file_link=$(stat -c %u "$file")
    case $file_link in 0 | "$me") file_link=ours ;; esac
  fi
  case $file_link in
    '' | ours)
      live_image=$(stat -L -c '%d:%i %f' "$file" 2>/dev/null)
      case $live_image in *' 8'???) live_image=${live_image% *} ;; *) live_image= ;; esac
      [ -z "$live_image" ] || trust_number "$(stat -L -c %u "$file")"
      ;;
  esac
  find_executors
  [ -z "$strangers" ] || ! trust_more || find_executors
}

find_executors() {
  # The kernel gives paths without the links on their way.
  # shellcheck disable=SC2086
  find_running "$folder_path/$in_name" $live_image
}

# trust_more: the account that the last deploy started it as, and those of units.
trust_more() {
  trust_recorded=$trusted
  if [ -e "$in_folder/.$in_name.deploy" ] && cd -P "$in_folder" 2>/dev/null; then
    last_deploy
    [ -z "$last_run_as" ] || trust "$last_run_as"
    cd / || return 1
  fi
  trust_units || [ "$trusted" != "$trust_recorded" ]
}

look_at_file() {
  file_sha=
  if hidden "$file"; then
    say unreadable yes
    return 0
  fi
  case $file_link in
    '' | ours) ;;
    *)
      say file_problem 'a symbolic link that was created by neither root nor this account'
      return 0
      ;;
  esac
  if [ ! -e "$file" ]; then
    [ ! -L "$file" ] || say file_problem "a symbolic link to nothing"
    return 0
  fi
  if [ ! -f "$file" ]; then
    say file_problem "$(stat -L -c %F "$file")"
    return 0
  fi
  say file "$(stat -L -c '%u:%g %a %s %Y %y %U:%G' "$file")"
  if command -v getcap >/dev/null; then
    file_capabilities=$(getcap "$file" 2>/dev/null)
    file_capabilities=${file_capabilities#"$file"}
    file_capabilities=${file_capabilities# = }
    say capabilities "${file_capabilities# }"
  else
    say capabilities_unknown yes
  fi
  if [ ! -r "$file" ]; then
    say unreadable yes
    return 0
  fi
  file_bytes=$file
  [ "$file_link" != ours ] || file_bytes=$(readlink -f "$file")
  find_nofollow
  file_sha=$(read_regular "$file_bytes" | digest)
  say sha256 "$file_sha"
  [ -z "$in_strings" ] || search_strings "$in_strings" "$file_bytes" || say search_failed yes
}

look_at_processes() {
  say unseen "$running_unseen"
  [ -n "$running" ] || ! hides_processes || say hidden yes
  main_process
  stable_marks=
  for found_pid in $running; do
    process_start "$found_pid" || continue
    found_worker=no
    case " $running " in *" $process_parent "*) found_worker=yes ;; esac
    if executes "$found_pid" "$live_image"; then
      found_live=yes
      found_sha=$file_sha
    else
      found_live=no
      found_sha=$(digest <"/proc/$found_pid/exe" 2>/dev/null)
      # A worker may have ended meanwhile.
      process_alive "$found_pid" "$process_start" || continue
    fi
    [ "$found_worker" = yes ] || stable_marks="$stable_marks $found_pid:$process_start"
    process_uid "$found_pid" || continue
    name_of passwd "$process_uid"
    say process "pid=$found_pid uid=$process_uid started=$process_start worker=$found_worker live=$found_live sha256=$found_sha user=$name_of"
  done
  say_strangers
}

look_at_health() {
  [ -n "$in_health_url" ] || return 0
  http_client "$in_health_url"
  # Without a client nothing is said.
  [ -n "$http_client" ] || return 0
  if health_check yes; then
    say health "ok $http_status"
  else
    say health "$health_reason"
  fi
}

# look_at_stability: the same process, not restarted, for a while. Its workers may come and go.
look_at_stability() {
  [ "$in_stable_cs" -gt 0 ] && [ -n "$running" ] || return 0
  stable_restarts=${unit_restarts:-0}
  stable_main=${unit_main:-0}
  pause_cs "$in_stable_cs"
  for stable_mark in $stable_marks; do
    process_alive "${stable_mark%:*}" "${stable_mark#*:}" || say unstable "pid ${stable_mark%:*} exited during that time"
  done
  [ -n "$in_service" ] && unit_facts "$in_service" "$service_user" || return 0
  [ "$unit_restarts" = "$stable_restarts" ] || say unstable "$in_service was restarted during that time ($stable_restarts, then $unit_restarts restarts)"
  [ "$unit_main" = "$stable_main" ] || say unstable "the main process of $in_service changed during that time (pid $stable_main, then $unit_main)"
}

look_at_state() {
  if hidden "$file"; then
    say state_unreadable yes
    return
  fi
  [ -e "$in_folder/.$in_name.deploy" ] || [ -L "$in_folder/.$in_name.deploy" ] || return 0
  if [ ! -O "$in_folder/.$in_name.deploy" ] && [ "$me" != 0 ]; then
    say state_unreadable yes
    return
  fi
  (
    refused="$in_folder could not be entered"
    if ! { cd -P "${in_folder:-/}" 2>/dev/null && go_into_state; }; then
      say state_refused "$refused"
    elif [ -f lock ] && owner_of . && ! user_can "$owner_user" /bin/sh -c 'flock -n -s 9 9<lock'; then
      say deploying "$(state_lines head -n 1 lock)"
    else
      look_for_unfinished
    fi
    [ "${PWD##*/}" != ".$in_name.deploy" ] || [ ! -f history ] || say history "$(state_lines tail -n 1 history)"
  )
}

main
