# The part of a transaction that runs in the connection: it takes the lock, receives and proves the new state, and hands over to a
# detached copy of the program. Until then, losing the connection undoes everything.

. ../lib/account.sh
. ../lib/path.sh
. ../lib/say.sh
. ../process/process.sh
. ../state/folder.sh
. ../state/journal.sh
. ../state/lock.sh
. ../state/release.sh
. ../state/releases.sh
. ./barriers.sh
. ./follow.sh
. ./try-tools.sh

session() {
  begin
  know_me
  handed=
  kept_now=
  refused=
  trap 'exit 130' HUP INT TERM PIPE
  trap leave EXIT
  enter_own || give_up refused
  [ -z "$in_lock_after" ] || await locked "$in_lock_after" || give_up release
  if ! take_lock "$in_lock_timeout_seconds"; then
    [ -z "$refused" ] || give_up refused
    give_up locked "$lock_holder"
  fi
  vote locked
  [ "$in_action" = revert ] || [ "$(seen)" = "$in_seen" ] || give_up changed
  # Whoever held the lock may have been killed in that very phase.
  [ "$in_action" != deploy ] || ! is_unfinished || give_up changed
  if [ ! -d releases ] && ! mkdir releases; then give_up refused "$PWD/releases could not be made"; fi
  drop_old_releases
  old_sha=$in_old_sha
  old_about=$in_old_about
  exec 3<&0
  # What an interrupted deploy left behind is finished all the same, also on a full disk.
  free_reserve
  try_tools || [ "$in_action" != deploy ] || give_up refused
  stage || give_up refused
  meet staged && await_go || give_up release
  hand_over
}

# seen: what the runner's decisions rest on; another deploy may have come between its inspection and our lock.
seen() {
  part_seen
  [ ! -f journal ] || tail -n 1 journal
}

is_unfinished() {
  [ -f journal ] || return 1
  case $(tail -n 1 journal) in phase=end) return 1 ;; phase=*) return 0 ;; esac
  return 1
}

stage() {
  case $in_action in
    deploy) part_stage ;;
    # What is live now is unproven: it never becomes a release.
    recover)
      exec 3<&-
      is_my_journal || return 1
      ;;
    revert)
      exec 3<&-
      handed_id=
      [ ! -f handed ] || IFS=' ' read -r handed_id _ <handed
      [ "$handed_id" = "$in_reverted" ] || { refused='another deploy has run since'; return 1; }
      ;;
  esac
}

leave() {
  [ -z "$handed" ] || return 0
  case $PWD in */".$in_name.deploy") part_unstage ;; esac
  [ -z "$release_is_open" ] || { vote failed; leave_release; }
}

# give_up WHY [DETAIL]: nothing was touched.
give_up() {
  say gave_up "$1"
  say why "${2:-${refused:-}}"
  end
  exit 1
}

# hand_over: from here on nobody is needed but the target.
hand_over() {
  rm -f progress handed
  # A full disk must not keep it from being told: of `handed` nothing but its bytes is written afterwards.
  if ! true >progress || ! printf '%s %60s\n' "$in_id" '' >handed || ! keep_reserve; then
    [ "$in_action" != deploy ] || give_up refused "there is no room for the journal$(room_left)"
  fi
  handed=yes
  scope_words
  # This program, whole, through a pipe: nothing of it is in an argument list or a file. Only what it needs is told it.
  # shellcheck disable=SC2086
  printf 'in_detached=yes\\ncore_limit=%s\\nrename_way=%s\\nrelease_is_open=%s\\n%s' "$core_limit" "$rename_way" "$release_is_open" "$line" |
    exec $scope_words setsid /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac' >progress 2>/dev/null &
  transaction=$!
  process_start "$transaction"
  printf '%s\n' "$in_id $transaction $process_start" 1<>handed
  exec 9>&- 3<&-
  follow "$transaction" "$process_start"
}

# scope_words: where logind ends a login's processes with it, the transaction leaves the login's scope.
scope_words() {
  scope_words=
  [ "$in_session_kills" = yes ] || return 0
  if [ "$me" = 0 ]; then
    scope_words='systemd-run --quiet --scope --collect --slice=system.slice --'
  else
    XDG_RUNTIME_DIR=/run/user/$me
    export XDG_RUNTIME_DIR
    scope_words='systemd-run --quiet --user --scope --collect --'
  fi
}
