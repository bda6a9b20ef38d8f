# The journal: what a later run needs to finish or undo this one. Each phase is on disk before it begins.
#   transaction=RUN   the workflow run, for people
#   id=ID             the transaction that every line below belongs to
#   KEY=VALUE …       what rolling back needs
#   phase=PHASE …     one line per phase, closed by phase=end

. ../lib/clock.sh
. ../lib/say.sh
. ./ended.sh
. ./reserve.sh

# journal_open: begins a new one; the old_* variables are what rolling back needs. Nothing was touched yet, so a journal that can
# not be written ends the deploy. Sets refused.
journal_open() {
  journal_is_open=
  journal_error=$( (journal_lines >journal.new && sync journal.new && mv -f journal.new journal && sync .) 2>&1) ||
    { refused="the journal could not be written: ${journal_error##*: }"; return 1; }
  journal_is_open=yes
}

# The release that it is of, by the names of the variables that hold it; what rolling back needs is PART_KEYS of the kind.
JOURNAL_KEYS='part_kind release release_part release_parts release_folder release_name members'

journal_lines() {
  printf 'transaction=%s\nid=%s\n' "$in_run" "$journal_id" || return 1
  for journal_key in $JOURNAL_KEYS $PART_KEYS; do
    eval "say $journal_key \"\${$journal_key-}\"" || return 1
  done
}

# journal PHASE: on disk when it returns, and told to the runner. Never into the journal of another transaction. What was
# renamed into the destination's folder goes to disk before a phase that relies on it. Sets refused.
journal() {
  phase=$1
  uptime_cs
  say phase "$phase $((now_cs - began_cs))"
  refused_journal='the journal could not be written'
  [ "${journal_is_open:-}" = yes ] || { refused=$refused_journal; return 1; }
  case $phase in start | accept | restart-old | rollback-stable | end) journal_also=.. ;; *) journal_also= ;; esac
  journal_line '' && return 0
  # The disk is full: there is room kept for this. What was written of the line ends here.
  free_reserve
  journal_line "$newline" && return 0
  refused=$refused_journal
  return 1
}

journal_line() {
  printf '%sphase=%s\n' "$1" "$phase" >>journal || return 1
  # The folder may be one that this account can't open.
  [ -z "$journal_also" ] || ! sync journal .. || return 0
  sync journal
} 2>/dev/null

# journal_read: sets the variables of the newest journal, and journal_phase to its last phase; fails without one.
journal_read() {
  journal_phase=
  journal_id=
  [ -f journal ] || return 1
  while IFS= read -r journal_line; do
    journal_value=${journal_line#*=}
    case $journal_line in
      phase=*) journal_phase=$journal_value ;;
      transaction=*) journal_run=$journal_value ;;
      id=*) journal_id=$journal_value ;;
      *=*)
        journal_key=${journal_line%%=*}
        case $journal_key in *[!a-z_]*) continue ;; esac
        case " $JOURNAL_KEYS $PART_KEYS " in
          *" $journal_key "*)
            unsaid "$journal_value"
            eval "$journal_key=\$unsaid"
            ;;
        esac
        ;;
    esac
  done <journal
  [ -n "$journal_phase" ] && journal_is_open=yes
}

# unsaid TEXT: undoes the escaping of say.
unsaid() {
  case $1 in
    *\\*) unsaid=$(printf '%b.' "$1") && unsaid=${unsaid%.} ;;
    *) unsaid=$1 ;;
  esac
}

# is_my_journal: whether the journal is one of this kind of part; an earlier version's names none. Sets refused.
is_my_journal() {
  [ -f journal ] || return 0
  while IFS= read -r journal_line; do
    case $journal_line in part_kind=?*) ;; *) continue ;; esac
    [ "${journal_line#part_kind=}" != "$PART_KIND" ] || return 0
    refused="the unfinished deploy is one of a ${journal_line#part_kind=}; run that release again"
    return 1
  done <journal
}
