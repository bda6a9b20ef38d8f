# The journal: what a later run needs to finish or undo this one. Each phase is on disk before it begins.

. ../lib/clock.sh
. ../lib/say.sh

# journal_open KEY=VALUE…: begins a new one; old_* variables are what going back needs.
journal_open() {
  {
    printf 'transaction=%s\n' "$in_run"
    for journal_key in new_sha new_live new_image old_sha old_about old_live old_image was_running old_remembered old_words old_dir old_user old_uid old_log old_umask accounts restart unit unit_user units restarted_units left_units dependents watched_units world; do
      eval "say $journal_key \"\${$journal_key-}\""
    done
  } >journal.new && sync journal.new && mv -f journal.new journal && sync .
}

# journal PHASE: on disk when it returns, and told to the runner.
journal() {
  phase=$1
  uptime_cs
  say phase "$phase $((now_cs - began_cs))"
  printf 'phase=%s\n' "$phase" >>journal && sync journal
}

# journal_read: sets the variables of the newest journal, and journal_phase to its last phase; fails without one.
journal_read() {
  journal_phase=
  [ -f journal ] || return 1
  while IFS= read -r journal_line; do
    journal_value=${journal_line#*=}
    case $journal_line in
      phase=*) journal_phase=$journal_value ;;
      transaction=*) journal_run=$journal_value ;;
      new_sha=* | new_live=* | new_image=* | old_sha=* | old_about=* | old_live=* | old_image=* | was_running=* | old_remembered=* | old_words=* | old_dir=* | old_user=* | old_uid=* | old_log=* | old_umask=* | accounts=* | restart=* | unit=* | unit_user=* | units=* | restarted_units=* | left_units=* | dependents=* | watched_units=* | world=*)
        unsaid "$journal_value"
        eval "${journal_line%%=*}=\$unsaid"
        ;;
    esac
  done <journal
  [ -n "$journal_phase" ]
}

# unsaid TEXT: undoes the escaping of say.
unsaid() {
  case $1 in
    *\\*) unsaid=$(printf '%b.' "$1") && unsaid=${unsaid%.} ;;
    *) unsaid=$1 ;;
  esac
}
