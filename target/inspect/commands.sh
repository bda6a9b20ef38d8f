# Whether the commands of the user that go through sudo may: a refused start is noticed while the program still runs.

. ../lib/limit.sh
. ../lib/root-tool.sh
. ../lib/say.sh

# inspect_commands: says a line `command_refused` for each command that this account may not run by sudo, and `command_remedy`, the
# line of sudoers that would allow it. Only plain words after `sudo -n` are read: a shell may do anything else.
inspect_commands() {
  for given_commands in "$in_stop_command" "$in_start_command"; do
    given_commands=$given_commands';'
    while [ -n "$given_commands" ]; do
      inspect_command "${given_commands%%;*}"
      given_commands=${given_commands#*;}
    done
  done
}

inspect_command() {
  sudo_words=${1# }
  case $sudo_words in
    *[!A-Za-z0-9' '_./@:,+%=-]*) return ;;
    'sudo -n '*) sudo_words=${sudo_words#sudo -n } ;;
    *) return ;;
  esac
  sudo_words=${sudo_words#-- }
  case $sudo_words in -*) return ;; esac
  # shellcheck disable=SC2086
  ! limited 5 sudo -n -l -- $sudo_words >/dev/null 2>&1 || return 0
  say command_refused "$sudo_words"
  sudo_program=$(command -v "${sudo_words%% *}") || sudo_program=${sudo_words%% *}
  case $sudo_words in *' '*) allowing "$sudo_program" "${sudo_words#* }" ;; *) allowing "$sudo_program" '' ;; esac
  say command_remedy "$allowing"
}
