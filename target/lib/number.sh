# is_number TEXT: digits that a shell can count with. Arithmetic evaluates everything else: names, and in bash commands.
is_number() {
  case $1 in
    '' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
  esac
}
