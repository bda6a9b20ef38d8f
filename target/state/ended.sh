# How deploys ended.
#   history   a line per deploy, for people: time, digest, run, actor, state
#   ended     a line per transaction: id, state, pid or -, and the run that finished it; whoever lost it finds its result here

. ../lib/say.sh

# remember_end STATE: of the transaction in the journal, and of this one when it only finished that one. Lines are added, never
# rewritten without room for the whole: what was there before survives a full disk.
remember_end() {
  add_line history "$(date -u +%Y-%m-%dT%H:%M:%SZ) ${new_sha:--} ${in_run:--} ${in_actor:--} $1"
  [ -z "${journal_id:-}" ] || [ "${journal_is_open:-}" != yes ] || add_line ended "$journal_id $1 ${pid:--} $in_run"
  [ "${journal_id:-}" = "$in_id" ] && [ "${journal_is_open:-}" = yes ] || add_line ended "$in_id $1 ${pid:--} $in_run"
  shorten history
  shorten ended
  sync history ended
} 2>/dev/null

# add_line FILE LINE: on a line of its own, also after one that a full disk cut off.
add_line() {
  [ -z "$(tail -c 1 "$1")" ] || printf '\n' >>"$1"
  printf '%s\n' "$2" >>"$1"
}

# shorten FILE: its last 100 lines, once there are 200.
shorten() {
  [ "$(wc -l <"$1")" -ge 200 ] || return 0
  tail -n 100 "$1" >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" || rm -f "$1.new"
}

# end_of ID: sets end_state, end_pid and end_run to how that transaction ended; fails when it is not known.
end_of() {
  end_state=
  [ -f ended ] || return 1
  while IFS=' ' read -r end_id end_is end_process end_by; do
    [ "$end_id" = "$1" ] || continue
    end_state=$end_is
    end_pid=${end_process#-}
    end_run=$end_by
  done <ended
  [ -n "$end_state" ]
}
