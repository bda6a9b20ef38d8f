# deployed: a copy of what the last deploy put there, by which an edit by hand is shown. Of a small file only.

. ../lib/limit.sh

DEPLOYED_BYTES=262144

# prepare_deployed: `incoming` as deployed.new, until it is accepted.
prepare_deployed() {
  rm -f deployed.new
  [ "$in_size" -le "$DEPLOYED_BYTES" ] || return 0
  cp incoming deployed.new && chmod 600 deployed.new && sync deployed.new && return 0
  rm -f deployed.new
} 2>/dev/null

keep_deployed() {
  if [ -f deployed.new ]; then
    mv -f deployed.new deployed
  elif [ "$in_encoding" != none ]; then
    rm -f deployed
  fi
} 2>/dev/null
