# limited SECONDS COMMAND…: an external command with a time limit and nothing on its standard input; 124 or 143 when it
# was ended.
limited() {
  limit_seconds=$1
  shift
  timeout "$limit_seconds" "$@" </dev/null
}
