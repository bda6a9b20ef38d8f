# Which kept release is how old. By the number that each got when it was kept, for clocks are set; those of earlier versions have
# none, come before all others, and are told apart by the times of their files.

# newest_releases: the digests of the kept releases, the newest first.
newest_releases() {
  newest_rank=99999999
  # Names here are digests: no blanks.
  # shellcheck disable=SC2045
  for newest_about in $(ls -t releases 2>/dev/null); do
    case $newest_about in *.about) ;; *) continue ;; esac
    newest_rank=$((newest_rank - 1))
    release_sequence "releases/$newest_about"
    printf '%08d %s %s\n' "$release_sequence" "$newest_rank" "${newest_about%.about}"
  done | sort -r | while read -r _ _ newest_sha; do printf '%s\n' "$newest_sha"; done
}

# next_sequence: sets next_sequence to a number above all there are.
next_sequence() {
  next_sequence=1
  for sequence_of in releases/*.about; do
    [ -f "$sequence_of" ] || continue
    release_sequence "$sequence_of"
    [ "$release_sequence" -lt "$next_sequence" ] || next_sequence=$((release_sequence + 1))
  done
}

# release_sequence ABOUT: sets release_sequence to its number, 0 when it has none.
release_sequence() {
  release_sequence=
  { read -r _ && read -r release_sequence; } <"$1"
  release_sequence=${release_sequence#sequence=}
  case $release_sequence in '' | 0* | *[!0-9]* | ?????????*) release_sequence=0 ;; esac
}
