# timed SECONDS COMMAND…: an external command with a time limit; 124 or 143 when it was ended. The watchdog that busybox
# leaves behind lives up to a second longer: it must not hold the lock (descriptor 9).
timed() {
  timeout "$@" 9>&-
}

# limited SECONDS COMMAND…: the same with nothing on its standard input.
limited() {
  timed "$@" </dev/null
}
