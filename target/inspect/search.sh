# Literal strings in a binary, in constant memory, with grep and awk.

. ../lib/read-regular.sh
. ../lib/say.sh

# search_strings LINES FILE: of the strings (one per line), says `string` for each that is in the file; fails when it can't be
# searched. NUL ends a string in a binary, so it may end a line here. grep gives the leftmost,
# longest match: what overlaps it is looked for again, until nothing more is found.
search_strings() {
  search_left=$1
  search_file=$2
  while [ -n "$search_left" ]; do
    search_found=$(search_once) || break
    case $newline$search_found$newline in *"$newline$search_unread$newline"*) break ;; esac
    [ -n "$search_found" ] || search_left=
    search_next=
    search_rest=$search_left$newline
    while [ -n "$search_rest" ]; do
      search_line=${search_rest%%"$newline"*}
      search_rest=${search_rest#*"$newline"}
      [ -n "$search_line" ] || continue
      # A string within a found one is found.
      case $search_found in
        *"$search_line"*) say string "$search_line" ;;
        *) search_next=$search_next${search_next:+"$newline"}$search_line ;;
      esac
    done
    search_left=$search_next
  done
  [ -z "$search_left" ]
}

search_unread=$(printf '\001')

# search_once: the strings of search_left that grep finds in search_file, each once; and search_unread where not all of it was read.
search_once() {
  printf '%s\n' "$search_left" | {
    exec 5<&0 6>&1
    # A million matches would make sort write files, in a /tmp that may have no room.
    { read_regular "$search_file" || printf '%s\n' "$search_unread" >&6; } | tr '\000' '\n' | to_the_end grep -a -o -F -f /dev/fd/5 |
      awk '$0 == "" { ended = 1; next } !seen[$0]++; END { exit !ended }'
  }
}

# search_log LINES: says the first lines of standard input that contain one of the strings; fails when it can't be searched.
search_log() {
  exec 4<&0
  search_hits=$(printf '%s\n' "$1" | {
    exec 5<&0
    tr '\000' '\n' <&4 | to_the_end grep -a -F -f /dev/fd/5 |
      awk '$0 == "" { ended = 1; next } ++seen <= 5 { print substr($0, 1, 300) } END { exit !ended }'
  }) || return 1
  exec 4<&-
  [ -z "$search_hits" ] || say log_lines "$search_hits"
}

# to_the_end GREP…: an empty line after its matches when it came to the end: that nothing was found must be known.
to_the_end() {
  "$@"
  [ $? -gt 1 ] || printf '\n'
}
