# Runs on the target while the participants of a release wait for the runner: lets them go on, or aborts the release.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/account.sh
. ../state/enter-release.sh

main() {
  prelude
  set -u
  begin
  know_me
  refused=
  in_name=
  if enter_release && let_go; then say let_go yes; else say why "$refused"; fi
  end
}

let_go() {
  refused="the release folder can't be written"
  if [ "$in_goes" = yes ]; then
    : >"$release_at/go"
  else
    printf 'abort\n' >"$release_at/abort.0" && ln "$release_at/abort.0" "$release_at/decision"
  fi
} 2>/dev/null

main
