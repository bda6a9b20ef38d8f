# last-release: what the last release that was accepted here has replaced, in one line: its id, the digest before it (none where there
# was no file), and the second. All parts of a release have the same id.

. ../lib/say.sh

# remember_release: of the release in the journal.
remember_release() {
  printf '%s %s %s\n' "${release:-$journal_id}" "${old_sha:-none}" "$(date +%s)" >last-release.new && mv -f last-release.new last-release
} 2>/dev/null

say_last_release() {
  [ -f last-release ] || return 0
  IFS= read -r last_release <last-release
  say last_release "$last_release"
}
