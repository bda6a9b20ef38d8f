# Reading a file whose path belongs to another account, which can put a link, a pipe or the like there at any moment. Merely to open a
# device as root can restart a host or rewind a tape.

. ../service/as-user.sh
. ./account.sh
. ./limit.sh

# read_regular FILE: its bytes on standard output, for at most 100 s; fails when these are not all. FILE has a slash in it. As root it
# follows no link there where dd can do that (GNU), and otherwise reads with the rights of the account that owns the folder. For the
# beginning of a pipeline, with which user_limit ends.
read_regular() {
  find_nofollow
  if [ "$me" != 0 ]; then
    limited 100 cat -- "$1"
  elif [ "$nofollow" = yes ]; then
    limited 100 dd "if=$1" iflag=nofollow,nonblock bs=262144
  else
    # From inside of it, because that account may not enter the folder that we are in.
    (user_limit=100 && cd -P -- "${1%/*}/" && owner_of . && as_user "$owner_uid" cat -- "./${1##*/}")
  fi 2>/dev/null
}

# find_nofollow: sets nofollow to yes when dd can refuse links, and gives the very bytes: one of uutils (0.0.17) lost some on their way
# into a pipe. Checked once.
find_nofollow() {
  [ -z "${nofollow:-}" ] || return 0
  nofollow=no
  case $(limited 5 dd --version 2>/dev/null) in 'dd (coreutils)'*) nofollow=yes ;; esac
}
