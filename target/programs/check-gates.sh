# Runs on the target before anything is changed: what must hold for a deploy to start (require-url, require-port, require-command).
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/account.sh
. ../lib/limit.sh
. ../health/health.sh
. ../health/http.sh
. ../process/port.sh
. ../service/command.sh

main() {
  prelude
  set -u
  begin
  know_me
  find_timeout
  in_health_curl=
  in_health_plain=
  eval "set -- $in_urls"
  for gate_url in "$@"; do check_url "$gate_url"; done
  for gate_port in $in_ports; do
    port_inodes "$gate_port"
    [ -n "$port_inodes" ] || say gate "nothing listens on port $gate_port (require-port)"
  done
  [ -z "$in_command" ] || check_command
  end
}

check_url() {
  http_client=
  if ! http_get "$1" 5; then
    say gate "$1: ${http_error:-no answer} (require-url)"
  elif ! status_in "$http_status" 200-399; then
    say gate "$1 answers $http_status, not 200-399 (require-url)"
  fi
}

check_command() {
  run_command "$in_limit_seconds" "$in_command" >/dev/null 2>&1
  gate_code=$?
  [ "$gate_code" = 0 ] || say gate "the command exited with code $gate_code (require-command)"
}

main
