# Into the release folder, release.ID in the state folder of participant 1, which is descriptor 8 from then on.

. ../lib/account.sh
. ../lib/path.sh
. ./folder.sh

release_at=/proc/self/fd/8
release_is_open=${release_is_open:-}

# hold_release: enters it from the state folder that it lies in, and stays there.
hold_release() {
  hold_from=$PWD
  [ ! -L "./release.$in_release" ] && cd -P "./release.$in_release" 2>/dev/null || return 1
  if [ "$PWD" = "$hold_from/release.$in_release" ] && [ "$(stat -c '%u %a' .)" = "$me 700" ]; then
    exec 8<.
    release_is_open=yes
  fi
  cd -P .. || return 1
}

# enter_release: fails where it is not there.
enter_release() {
  enter_own_name=$in_name
  in_name=$in_first_name
  if enter_folder "$in_first_folder" && enter_state; then hold_release || :; fi
  in_name=$enter_own_name
  [ -n "$release_is_open" ]
}
