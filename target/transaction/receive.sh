# Getting the new file into our own folder, proved and with its metadata, as `incoming`.

. ../lib/digest.sh
. ../state/releases.sh

# receive: the payload on descriptor 3, decoded as in_encoding says. Succeeds only with the very bytes expected.
receive() {
  rm -f incoming
  received=$(decode 2>decode.errors 9>&- | digest 9>&-)
  exec 3<&-
  received_bytes=$(stat -c %s incoming 2>/dev/null || echo 0)
  if [ "$received_bytes" != "$in_size" ]; then
    refused="$received_bytes of $in_size bytes arrived$(decode_error)$(room_left)"
    return 1
  fi
  if [ "$received" != "$in_sha256" ]; then
    refused="the bytes that arrived have sha256 ${received:-unknown}, not $in_sha256"
    return 1
  fi
}

# decode: into incoming, and on.
decode() {
  case $in_encoding in
    zstd) arriving zstd -q -d -c | tee incoming ;;
    gzip) arriving gzip -d -c | tee incoming ;;
    delta-zstd) arriving zstd -q -d -c | apply_delta | tee incoming ;;
    delta-gzip) arriving gzip -d -c | apply_delta | tee incoming ;;
    *) arriving tee incoming ;;
  esac
}

# arriving COMMAND…: with the payload on its standard input, and with two limits, for a connection can be dead without ever
# being closed: the lock would be held, and in-place nothing run, for as long. Not by way of timed, whose pid would be a
# shell's.
arriving() {
  timeout "$in_upload_limit_seconds" "$@" <&3 &
  arriving_pid=$!
  end_silence "$arriving_pid" </dev/null >/dev/null 2>&1 3<&- &
  silence_pid=$!
  wait "$arriving_pid"
  kill "$silence_pid" 2>/dev/null
  wait "$silence_pid" 2>/dev/null
}

# end_silence PID: ends it once incoming has not grown for in_silence_seconds. Leaves no sleep behind when it is ended itself.
# What came so far goes to disk meanwhile, so that little is left to be written when all is there.
end_silence() {
  silence_pause=
  trap 'kill $silence_pause 2>/dev/null; exit' TERM
  silence_size=
  silence_left=$in_silence_seconds
  # A fast upload is over within a second.
  silence_tick=0.1
  while [ "$silence_left" -gt 0 ]; do
    sleep "$silence_tick" &
    silence_pause=$!
    wait "$silence_pause"
    kill -0 "$1" || return
    case $silence_tick in 0.1) silence_tick=0.3 ;; *) silence_tick=1 ;; esac
    silence_left=$((silence_left - 1))
    silence_now=$(stat -c %s incoming)
    [ "$silence_now" != "$silence_size" ] || continue
    silence_size=$silence_now
    silence_left=$in_silence_seconds
    sync incoming
  done
  printf 'nothing came for %s s\n' "$in_silence_seconds" >decode.errors
  kill "$1"
}

# apply_delta: the new file out of the live one and a delta, by a program of ours; whether it is the right one is proved
# like that of any upload.
apply_delta() {
  PERL5OPT='' PERL5LIB='' perl -e "$in_apply" "../$in_name"
}

decode_error() {
  [ ! -s decode.errors ] || { IFS= read -r decode_error <decode.errors && printf ' (%s)' "$decode_error"; }
  rm -f decode.errors
}

# take_release: rollback-to: a kept release instead of a payload.
take_release() {
  restore_file "$in_sha256" && mv -f restored incoming
}

# copy_live: the bytes are right, but owner or mode are to change: on a copy, so that the old file stays as it was.
copy_live() {
  cp "releases/$old_sha" incoming && sha256_is "$in_sha256" <incoming && return 0
  refused='the file changed while it was copied'
  return 1
}
