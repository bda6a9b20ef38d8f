# What a program answers: `key=value` lines between `begin` and `end`.

begin() {
  printf 'begin\n'
}

end() {
  printf 'end\n'
}

# say KEY VALUE: one line; newline and backslash in the value as \n and \\. The usual value costs no process.
say() {
  case $2 in
    *\\* | *"$newline"*)
      say_rest=$2
      say_value=
      while [ -n "$say_rest" ]; do
        case $say_rest in
          *\\* | *"$newline"*) ;;
          *) break ;;
        esac
        say_plain=${say_rest%%[\\"$newline"]*}
        say_rest=${say_rest#"$say_plain"}
        case $say_rest in
          \\*) say_value=$say_value$say_plain'\\' ;;
          *) say_value=$say_value$say_plain'\n' ;;
        esac
        say_rest=${say_rest#?}
      done
      printf '%s=%s\n' "$1" "$say_value$say_rest"
      ;;
    *) printf '%s=%s\n' "$1" "$2" ;;
  esac
}

newline=$(printf '\n.')
newline=${newline%.}
usual_ifs=$(printf ' \t\n.')
usual_ifs=${usual_ifs%.}
