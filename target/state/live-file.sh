# The file at the destination: whether it is what it is taken for, and the record of it.

. ../lib/digest.sh
. ../lib/limit.sh
. ./live.sh
. ./reserve.sh

# is_same_file IDENTITY FILE: whether its bytes are those of then; another name for it changes the last time.
is_same_file() {
  file_identity "$2"
  is_same=${1% *}
  is_same=${is_same% *}
  is_same=${is_same% *}
  case $file_identity in "$is_same "*) [ -n "$is_same" ] ;; *) return 1 ;; esac
}

# live_of_old: sets old_live to what is remembered of the file that is replaced, three empty lines for one that came otherwise.
live_of_old() {
  old_live=
  case $(head -n 1 live 2>/dev/null) in "$old_sha "*) old_live=$(sed -n 2,4p live) ;; esac
  old_live=${old_live:-$newline$newline}
}

# remember_live SHA LIVE: what is live now, so that the next run knows it without hashing it. LIVE is which run brought it, in
# three lines: workflow, number, URL.
remember_live() {
  free_reserve
  file_identity "../$in_name"
  read -r boot_id </proc/sys/kernel/random/boot_id
  live_run_as=
  [ "$restart" != process ] || live_run_as=$run_user
  {
    printf '%s %s\n' "$1" "$file_identity"
    printf '%s\n' "$2" "${log_inode:-0} ${log_from:-0}" "${boot_id:-unknown} $(date +%s)" "$live_run_as"
  } >live.new && sync live.new && mv -f live.new live || rm -f live live.new
} 2>/dev/null

# take_original: `original` becomes a second name of the live file, or a copy where the file system has no such names. The path
# may be swapped meanwhile, for a link, or a pipe that never ends; a name in our folder can't be.
take_original() {
  rm -f original
  if ! ln "../$in_name" original 2>/dev/null; then
    [ -f "../$in_name" ] && [ ! -L "../$in_name" ] && timed 600 cp -P -p "../$in_name" original || return 1
  fi
  [ -f original ] && [ ! -L original ]
}

# live_is SHA: whether the file at the destination has these very bytes.
live_is() {
  if take_original && [ "$(digest <original)" = "$1" ]; then live_is=yes; else live_is=no; fi
  rm -f original
  [ "$live_is" = yes ]
}
