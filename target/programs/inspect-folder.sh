# Runs on the target before anything is decided about a folder: says what is there. It opens nothing for writing.
# shellcheck disable=SC2154
. ../lib/prelude.sh
. ../lib/say.sh
. ../lib/account.sh
. ../lib/elevate.sh
. ../lib/path.sh
. ../folder/inspect.sh

main() {
  prelude
  set -u
  know_me
  begin
  inspect_folder
  end
}

main
