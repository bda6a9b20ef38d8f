# The arguments of a process, which it may have overwritten.

. ../lib/quote.sh

# program_words PID: sets program_words to its arguments as quoted words, without its name. Fails when they are not known, because the
# program shows a title in their place (redis, nginx, postgres): what is left of them then is zeros, or the title has blanks.
program_words() {
  program_words=$(zero_words "/proc/$1/cmdline" 1d)
  words_rest=$program_words
  while :; do
    case $words_rest in "'' "*) words_rest=${words_rest#"'' "} ;; *) break ;; esac
  done
  [ -z "$words_rest" ] || return 0
  [ -z "$program_words" ] || return 1
  case $in_folder/$in_name in *' '*) return 0 ;; esac
  case $(zero_words "/proc/$1/cmdline" '2,$d') in *' '?*) return 1 ;; esac
}
