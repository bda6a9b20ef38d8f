# Shell words from raw text: quoting without forks, and /proc files whose texts end in NUL.

. ./say.sh

# quoted TEXT: sets quoted to one shell word.
quoted() {
  quoted_rest=$1
  quoted=
  while :; do
    case $quoted_rest in
      *\'*)
        quoted=$quoted${quoted_rest%%\'*}"'\\''"
        quoted_rest=${quoted_rest#*\'}
        ;;
      *) break ;;
    esac
  done
  quoted="'$quoted$quoted_rest'"
}

# encoded TEXT: sets encoded to what printf %b turns into TEXT again, on one line.
encoded() {
  encoded_rest=$1
  encoded=
  while :; do
    case $encoded_rest in *[\\"$newline"]*) ;; *) break ;; esac
    encoded_plain=${encoded_rest%%[\\"$newline"]*}
    encoded_rest=${encoded_rest#"$encoded_plain"}
    case $encoded_rest in
      \\*) encoded=$encoded$encoded_plain'\\' ;;
      *) encoded=$encoded$encoded_plain'\n' ;;
    esac
    encoded_rest=${encoded_rest#?}
  done
  encoded=$encoded$encoded_rest
}

# zero_words FILE SED: NUL-separated texts as quoted shell words, without those that the sed commands delete (the
# program's own name; what a shell can't export).
zero_words() {
  tr '\n\0' '\001\n' <"$1" | sed "$2; s/'/'\\\\''/g; s/^/'/; s/\$/'/" | tr '\n\001' ' \n'
}
