# Literal strings in a binary, in constant memory, with grep alone.

# search_strings LINES: of the strings (one per line), says `string` for each that is in standard input, which must be a
# file. NUL ends a string in a binary, so it may end a line here. grep gives the leftmost, longest match: what overlaps
# it is looked for again, until nothing more is found.
search_strings() {
  search_left=$1
  exec 4<&0
  while [ -n "$search_left" ]; do
    search_found=$(search_once)
    case $newline$search_found in
      *"${newline}grep failed")
        exec 4<&-
        return 1
        ;;
    esac
    [ -n "$search_found" ] || break
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
  exec 4<&-
}

# search_once: the strings of search_left that grep finds from the beginning of the file on descriptor 4.
search_once() {
  printf '%s\n' "$search_left" | {
    exec 5<&0
    # A new description of the file: the offset of an inherited one is where the last search ended.
    tr '\000' '\n' </proc/self/fd/4 | { grep -a -o -F -f /dev/fd/5 || [ $? = 1 ] || printf '%s\n' 'grep failed'; } | sort -u
  }
}

# search_log LINES: says the first lines of standard input that contain one of the strings.
search_log() {
  exec 4<&0
  search_hits=$(printf '%s\n' "$1" | {
    exec 5<&0
    tr '\000' '\n' <&4 | grep -a -F -f /dev/fd/5 | head -n 5 | cut -c 1-300
  })
  exec 4<&-
  [ -z "$search_hits" ] || say log_lines "$search_hits"
}
