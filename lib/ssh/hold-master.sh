# Runs on the runner: becomes ssh, as the leader of its process group, and ends that group when the step behind descriptor 3 is
# gone, killed or not. $1 is the folder that nothing else needs then.

watch() {
  trap '' HUP INT TERM
  # A line comes from a step that ends the connection itself.
  IFS= read -r _ <&3 && exit
  kill -TERM "-$2"
  rm -rf -- "$1"
  sleep 1
  kill -KILL "-$2"
}

main() {
  folder=$1
  shift
  watch "$folder" "$$" </dev/null >/dev/null 2>&1 &
  exec "$@" 3<&-
}

main "$@"
