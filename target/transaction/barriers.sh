# Where the participants of a release wait for each other. Of a single one all of this is nothing, and none of it costs a process
# but the pauses.

. ../lib/clock.sh
. ../state/release.sh

# meet PHASE: votes, and waits until all have. Sets refused and failed when one of them failed, is gone or takes too long.
meet() {
  [ -n "$in_release" ] || return 0
  vote "$1" || { refused="the release folder can't be written"; return 1; }
  meet_other=1
  while [ "$meet_other" -le "$in_parts" ]; do
    await "$1" "$meet_other" || return 1
    meet_other=$((meet_other + 1))
  done
}

# await_next PHASE, await_previous PHASE: of the neighbour in the order of the parts.
await_next() {
  [ -n "$in_release" ] && [ "$in_part" -lt "$in_parts" ] || return 0
  await "$1" "$((in_part + 1))"
}

await_previous() {
  [ -n "$in_release" ] && [ "$in_part" -gt 1 ] || return 0
  await "$1" "$((in_part - 1))"
}

# await PHASE N: until participant N has come so far. Sets refused and failed.
await() {
  [ -n "$in_release" ] || return 0
  uptime_cs
  await_until=$((now_cs + in_wait_seconds * 100))
  until has_voted "$1" "$2"; do
    release_holds || return 1
    uptime_cs
    if [ "$now_cs" -ge "$await_until" ]; then
      member_name "$2"
      failed=release
      refused="$member_name did not come to \`$1\` within $in_wait_seconds s"
      return 1
    fi
    still_connected
    pause_ms 10
  done
}

# await_go: while the runner does what is to be done before the stop.
await_go() {
  [ -n "$in_release" ] && [ "$in_waits" = yes ] || return 0
  say waits yes
  uptime_cs
  await_until=$((now_cs + in_wait_seconds * 100))
  until [ -e "$release_at/go" ]; do
    release_holds || return 1
    uptime_cs
    [ "$now_cs" -lt "$await_until" ] || { refused="the runner did not let it go on within $in_wait_seconds s"; return 1; }
    still_connected
    pause_ms 20
  done
}

# release_holds: whether no participant failed or is gone, and nobody has decided to abort. Who has not come yet may take a minute.
release_holds() {
  [ -n "$in_release" ] || return 0
  holds_other=1
  while [ "$holds_other" -le "$in_parts" ]; do
    if [ -e "$release_at/failed.$holds_other" ]; then
      member_name "$holds_other"
      failed=release
      refused="$member_name failed"
      return 1
    fi
    if ! member_is_alive "$holds_other" && ! has_voted ended "$holds_other"; then
      if has_voted member "$holds_other"; then holds_why='was killed'; else holds_why='did not start within 60 s'; fi
      uptime_cs
      if [ "$holds_why" = 'was killed' ] || [ "$now_cs" -ge "$((began_cs + 6000))" ]; then
        member_name "$holds_other"
        failed=release
        refused="the transaction of $member_name $holds_why"
        return 1
      fi
    fi
    holds_other=$((holds_other + 1))
  done
  if read_decision && [ "$decision" = abort ]; then
    failed=release
    refused='another part of the release failed'
    return 1
  fi
}

# holds_while_proved: the same while the new version is watched; the way back is gone to its end.
holds_while_proved() {
  [ -z "$in_release" ] || [ "${stable_phase:-stable}" != stable ] || release_holds
}

# still_connected: a session that waits finds out by writing whether somebody listens.
still_connected() {
  [ "${in_detached:-}" != yes ] || return 0
  [ "$now_cs" -ge "${connected_until:-0}" ] || return 0
  connected_until=$((now_cs + 100))
  printf '\n'
}

# take_turn PHASE N: on the way back: until participant N has come so far, or will not any more.
take_turn() {
  [ -n "$in_release" ] && [ "$2" -ge 1 ] && [ "$2" -le "$in_parts" ] || return 0
  uptime_cs
  turn_until=$((now_cs + in_wait_seconds * 100))
  until has_voted "$1" "$2" || has_voted ended "$2" || ! member_is_alive "$2"; do
    uptime_cs
    [ "$now_cs" -lt "$turn_until" ] || return 0
    pause_ms 10
  done
}

# take_turns PHASE: the same of all others, once this one has come so far.
take_turns() {
  [ -n "$in_release" ] || return 0
  vote "$1"
  turns_other=1
  while [ "$turns_other" -le "$in_parts" ]; do
    [ "$turns_other" = "$in_part" ] || take_turn "$1" "$turns_other"
    turns_other=$((turns_other + 1))
  done
}

# reach_health: what was started is healthy; the stable window is held together.
reach_health() {
  case ${stable_phase:-stable} in
    stable) meet healthy ;;
    rollback-stable) vote undo-healthy || : ;;
  esac
}

# reload_together: one of the participants has systemd read its unit files again, once all of them are in place.
reload_together() {
  [ -n "$in_release" ] && [ -n "$in_reloads" ] || return 0
  if [ "$in_reloads" = "$in_part" ]; then
    part_reload
    vote "$1"
  elif [ "$1" = reloaded ]; then
    await "$1" "$in_reloads"
  else
    take_turn "$1" "$in_reloads"
  fi
}

# commit_release: all have held the stable window, and the decision is on disk. Sets decision, refused and failed.
commit_release() {
  [ -n "$in_release" ] || return 0
  meet stable || return 1
  decide commit
  [ "$decision" != commit ] || return 0
  failed=release
  refused='another part of the release failed'
  return 1
}

# abort_release: this one failed. Fails when the others had committed before: then it is not undone.
abort_release() {
  [ -n "$in_release" ] || return 0
  vote failed
  decide abort
  [ "$decision" != commit ]
}
