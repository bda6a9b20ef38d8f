# Room that is kept while a transaction runs, so that its last words can be written to a disk that somebody else fills meanwhile.

# keep_reserve: on disk when it returns; bytes that no file system can do without.
keep_reserve() {
  head -c 65536 /dev/urandom >reserve && sync reserve
} 2>/dev/null

free_reserve() {
  rm -f reserve
}
