# live: what is live now: its digest and identity, and which run brought it.

# live_of_old: sets old_live to what is remembered of the file that is replaced, three empty lines for one that came otherwise.
live_of_old() {
  old_live=
  case $(head -n 1 live 2>/dev/null) in "$old_sha "*) old_live=$(sed -n 2,4p live) ;; esac
  old_live=${old_live:-$newline$newline}
}

# remember_live SHA LIVE: what is live now, so that the next run knows it without hashing it: a changed file has another ctime.
# LIVE is which run brought it, in three lines: workflow, number, URL. After them: where its output begins in the log, and the
# account that this tool started it as.
remember_live() {
  live_run_as=
  [ "$restart" != process ] || live_run_as=$run_user
  printf '%s %s\n' "$1" "$(stat -c '%d %i %s %Y %Z' "../$in_name")" >live.new
  printf '%s\n' "$2" "${log_inode:-0} ${log_from:-0}" "$live_run_as" >>live.new
  mv -f live.new live
}
