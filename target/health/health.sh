# Whether the program is healthy.

. ./http.sh
. ../lib/limit.sh
. ../process/port.sh
. ../service/command.sh

# health_check CONTAINS PID…: whether the program is healthy by in_health_port (one of the pids listens on it),
# in_health_url with in_health_status and, if CONTAINS is yes, in_health_contains, and in_health_command.
# Sets health_reason when it is not, and health_hopeless to yes when waiting changes nothing.
health_check() {
  health_contains=$1
  shift
  health_reason=
  health_hopeless=
  if [ -n "$in_health_port" ] && ! port_owned_by "$in_health_port" "$@"; then
    health_reason="pid $* does not listen on port $in_health_port"
    port_inodes "$in_health_port"
    [ -z "$port_inodes" ] || health_reason="another process than pid $* listens on port $in_health_port"
    return 1
  fi
  [ -z "$in_health_url" ] || health_url || return 1
  [ -n "$in_health_command" ] || return 0
  run_command 10 "$in_health_command" >/dev/null 2>&1 && return 0
  health_reason="the health command exited with code $?"
  return 1
}

health_url() {
  if ! http_get "$in_health_url" 5; then
    health_reason="$in_health_url: ${http_error:-no answer}"
    [ -z "$http_untrusted" ] || health_hopeless=yes
    return 1
  fi
  if ! status_in "$http_status" "$in_health_status"; then
    health_reason="$in_health_url answers $http_status, not $in_health_status: $(health_excerpt)"
    return 1
  fi
  [ "$health_contains" = yes ] && [ -n "$in_health_contains" ] || return 0
  case $http_body in *"$in_health_contains"*) return 0 ;; esac
  health_reason="$in_health_url answers $http_status without '$in_health_contains': $(health_excerpt)"
  return 1
}

health_excerpt() {
  printf '%s' "$http_body" | head -c 200
}

# status_in STATUS LIST: LIST is like 200-399,418.
status_in() {
  status_rest=$2,
  while [ -n "$status_rest" ]; do
    status_range=${status_rest%%,*}
    status_rest=${status_rest#*,}
    if [ "$1" -ge "${status_range%-*}" ] && [ "$1" -le "${status_range#*-}" ]; then return 0; fi
  done
  return 1
}
