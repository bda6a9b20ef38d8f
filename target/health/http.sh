# An HTTP request from the target's point of view, with whatever client is there. The answer stays in memory.

. ../lib/limit.sh

# http_client URL: sets http_client to the client that will ask, empty when there is none.
http_client() {
  http_client=
  if command -v curl >/dev/null; then
    http_client=curl
    return
  fi
  case $1 in
    http://*)
      if command -v perl >/dev/null && perl -MIO::Socket::INET -e 1 2>/dev/null; then
        http_client=perl
        return
      elif command -v nc >/dev/null; then
        http_client=nc
        return
      fi
      ;;
  esac
  # A wget takes headers only as arguments or in a file, and would show them; the same is true of a URL, which may carry a token.
  [ -z "$in_health_curl" ] || return 0
  command -v wget >/dev/null || return 0
  case $(limited 5 wget --version 2>/dev/null) in
    *'GNU Wget'*) http_client=wget ;;
    *) case $1 in *[@?]*) ;; *) http_client=wget ;; esac ;;
  esac
}

# http_get URL SECONDS: sets http_status (empty when there was no answer), http_body (its first 64 kB) and http_error;
# http_untrusted to yes when the certificate is refused, which no waiting changes.
http_get() {
  http_status=
  http_untrusted=
  http_body=
  http_error=
  [ -n "${http_client:-}" ] || http_client "$1"
  case $http_client in
    curl) http_by_curl "$1" "$2" ;;
    perl | nc) http_by_socket "$1" "$2" ;;
    wget) http_by_wget "$1" "$2" ;;
    *) http_error='the target has no HTTP client' ;;
  esac
  [ -n "$http_status" ]
}

# URL and headers go through a config on standard input, because they may carry a token.
http_by_curl() {
  http_answer=$(printf 'url = "%s"\n%s\n' "$1" "$in_health_curl" | curl -q -g -s -S -i --noproxy '*' --max-time "$2" -K - 2>&1 | http_cut)
  http_read && return
  http_error=${http_answer#curl: }
  http_error=${http_error%%"$newline"*}
  # CURLE_PEER_FAILED_VERIFICATION; one number for all since 7.62.
  case $http_error in '(60)'* | '(51)'*) http_untrusted=yes ;; esac
}

http_cut() {
  tr -d '\000' | head -c 65536
}

# http_read: sets http_status and http_body from http_answer; fails when that is no answer. What a client complains of may
# come before it, and so may hints (1xx).
http_read() {
  http_rest=$newline$http_answer
  while :; do
    case $http_rest in *"${newline}HTTP/"*) ;; *) return 1 ;; esac
    http_rest=${http_rest#*"${newline}HTTP/"}
    http_code=${http_rest#* }
    http_code=${http_code%"${http_code#???}"}
    case $http_code in
      1[0-9][0-9]) ;;
      [0-9][0-9][0-9]) break ;;
      *) return 1 ;;
    esac
  done
  http_status=$http_code
  # Without a body its head is all: no text to be found in it.
  case $http_rest in *"$newline$http_return$newline"*) http_body=${http_rest#*"$newline$http_return$newline"} ;; esac
}

http_by_socket() {
  http_rest=${1#http://}
  http_host=${http_rest%%[/?#]*}
  http_path=${http_rest#"$http_host"}
  http_path=${http_path%%#*}
  case $http_path in /*) ;; *) http_path=/$http_path ;; esac
  case $http_host in
    \[*\]:*) http_port=${http_host##*:} http_name=${http_host%]:*} http_name=${http_name#[} ;;
    \[*\]) http_port=80 http_name=${http_host#[} http_name=${http_name%]} ;;
    *:*) http_port=${http_host##*:} http_name=${http_host%:*} ;;
    *) http_port=80 http_name=$http_host ;;
  esac
  http_names=$http_name
  [ "$http_name" != localhost ] || http_names='127.0.0.1 ::1'
  for http_name in $http_names; do
    http_answer=$(http_request | http_exchange "$2" 2>/dev/null | http_cut)
    http_read && return
  done
  http_error="no HTTP answer from $http_host within $2 s"
}

# http_request: prints the request, whose headers are the lines of in_health_headers.
http_request() {
  IFS=$newline
  set -f
  # shellcheck disable=SC2086
  printf '%s\r\n' "GET $http_path HTTP/1.0" $in_health_headers ''
}

# http_exchange SECONDS: the request on standard input to http_name:http_port, the answer on standard output.
http_exchange() {
  if [ "$http_client" = perl ]; then
    timed "$1" perl -e '
      use Socket qw(:all);
      my ($name, $port) = @ARGV;
      my $request = do { local $/; <STDIN> };
      my $v6 = $name =~ /:/;
      my $socket;
      my $address = $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $name) || exit 1) : pack_sockaddr_in($port, inet_aton($name) || exit 1);
      socket($socket, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) && connect($socket, $address) || exit 1;
      syswrite($socket, $request);
      while (sysread($socket, my $block, 65536)) { syswrite(STDOUT, $block) }
    ' "$http_name" "$http_port"
  else
    # Some nc end as soon as their input does; for those it is held open, which takes the whole time allowed.
    http_sent=$(cat; printf .)
    http_reply=$(printf '%s' "${http_sent%.}" | timed "$1" nc "$http_name" "$http_port")
    case $http_reply in
      HTTP/*) ;;
      *) [ -z "$http_reply" ] && port_answers && http_reply=$({ printf '%s' "${http_sent%.}"; sleep "$1"; } | timed "$1" nc "$http_name" "$http_port") ;;
    esac
    printf '%s' "$http_reply"
  fi
}

# port_answers: whether anything accepts a connection, so that holding the input open may help.
port_answers() {
  limited 2 nc "$http_name" "$http_port" >/dev/null 2>&1
}

# Asked twice: what it tells of an answer would be taken for its text. The first status counts, for it follows redirects.
http_by_wget() {
  http_answer=$(http_wget "$1" "$2" -S -O /dev/null 2>&1 | http_cut)
  case $http_answer in
    *"  HTTP/"*" "[0-9][0-9][0-9]*)
      http_status=${http_answer#*"  HTTP/"}
      http_status=${http_status#* }
      http_status=${http_status%"${http_status#???}"}
      http_body=$(http_wget "$1" "$2" -q -O - 2>/dev/null | http_cut)
      ;;
    *)
      http_error=${http_answer##*"$newline"}
      case $http_answer in
        *ERROR:*certificate*)
          http_untrusted=yes
          http_error='the certificate is not trusted'
          ;;
      esac
      ;;
  esac
}

# http_wget URL SECONDS ARGUMENT…: without a proxy, and without a home, where it would keep notes of its own (.wget-hsts). The URL
# goes through standard input, where wget can; busybox's is given none that may carry a token (http_client).
http_wget() (
  unset http_proxy https_proxy
  HOME=/dev/null
  export HOME
  http_url=$1
  http_seconds=$2
  shift 2
  case $http_url in
    *[@?]*) printf '%s\n' "$http_url" | timed "$http_seconds" wget "$@" -i - ;;
    *) limited "$http_seconds" wget "$@" -- "$http_url" ;;
  esac
)

http_return=$(printf '\r')
