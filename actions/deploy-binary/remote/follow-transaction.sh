# follow PID START: prints what the transaction says, until its end; `died` when it ended without one.
follow() {
  follow_ended=
  exec 8<progress
  while [ -z "$follow_ended" ]; do
    process_alive "$1" "$2" || follow_ended=yes
    while IFS= read -r follow_line <&8; do
      case $follow_line in begin) ;; end) end; return 0 ;; *) printf '%s\n' "$follow_line" ;; esac
    done
    [ -n "$follow_ended" ] || pause_cs 3
  done
  say died yes
  end
}
