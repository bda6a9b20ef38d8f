# Two names that change their places in one instant, where kernel and tools can do that.

. ../lib/say.sh

# find_exchange: sets exchange_way, tried on folders of our own; `none` where two renames must do.
find_exchange() {
  rm -rf trial.1 trial.2
  for exchange_way in mv perl python3 none; do
    mkdir trial.1 trial.2 2>/dev/null
    true >trial.1/here
    ! exchange trial.1 trial.2 || [ ! -f trial.2/here ] || break
  done
  rm -rf trial.1 trial.2
} 2>/dev/null

# exchange ONE OTHER: fails where exchange_way is none.
exchange() {
  case $exchange_way in
    mv) mv -T --exchange "$1" "$2" ;;
    # renameat2(2) with RENAME_EXCHANGE, by its number.
    perl) perl -e 'my %n = (x86_64 => 316, aarch64 => 276, riscv64 => 276, armv7l => 382, i686 => 353, ppc64le => 357, s390x => 347); my $n = $n{$ARGV[2]} or exit 1; exit(syscall($n, -100, $ARGV[0], -100, $ARGV[1], 2) == 0 ? 0 : 1)' "$1" "$2" "$(uname -m)" ;;
    python3) python3 -I -c 'import ctypes, os, sys; exit(ctypes.CDLL(None).renameat2(-100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2) != 0)' "$1" "$2" ;;
    *) return 1 ;;
  esac
} 2>/dev/null
