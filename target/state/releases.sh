# Kept releases: releases/SHA256 is the file (releases/SHA256.zst or .gz after an in-place deploy, and its attributes on the
# empty releases/SHA256.like), with releases/SHA256.about beside it: owner, mode, time and run.

. ../lib/digest.sh

# keep_previous: the live file's inode gets a second name, so that it survives the swap.
keep_previous() {
  [ -n "$old_sha" ] || return 0
  rm -f "releases/$old_sha"
  kept_now=$old_sha
  ln "../$in_name" "releases/$old_sha" 2>/dev/null || cp -p "../$in_name" "releases/$old_sha" || return 1
  # The path may have been swapped since it was looked at; the name in our folder can't be.
  if [ -L "releases/$old_sha" ] || [ ! -f "releases/$old_sha" ]; then
    return 1
  fi
  is_seen "releases/$old_sha" || sha256_is "$old_sha" <"releases/$old_sha" || return 1
  printf '%s %s %s\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" >"releases/$old_sha.about"
  sync "releases/$old_sha" "releases/$old_sha.about" releases
}

# is_seen FILE: whether it is the very file that was looked at, by inode, size and time.
is_seen() {
  case $in_seen in
    "$(stat -c '%d %i %s %Y' "$1") "*) ;;
    *) return 1 ;;
  esac
}

# keep_packed: for in-place, where two copies have no room: the previous release is kept compressed, and proved readable.
keep_packed() {
  [ -n "$old_sha" ] || return 0
  for packed in "releases/$old_sha" "releases/$old_sha.zst" "releases/$old_sha.gz"; do
    [ ! -e "$packed" ] || return 0
  done
  if command -v zstd >/dev/null; then packed=releases/$old_sha.zst; pack='zstd -q -c -1'; else packed=releases/$old_sha.gz; pack='gzip -c -1'; fi
  $pack <"../$in_name" >"$packed" || { rm -f "$packed"; return 1; }
  unpack "$packed" | sha256_is "$old_sha" || { rm -f "$packed"; return 1; }
  keep_attributes
  printf '%s %s %s\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" >"releases/$old_sha.about"
  sync "$packed" "releases/$old_sha.about" releases
}

# keep_attributes: capabilities, ACL and extended attributes, which a compressed copy does not have. From a second name of the
# file in our own folder, for its path may be swapped meanwhile.
keep_attributes() {
  ln "../$in_name" original 2>/dev/null || return 0
  if [ ! -L original ] && is_seen original; then
    kept_context=
    [ ! -e /sys/fs/selinux/enforce ] || kept_context=,context
    cp --attributes-only "--preserve=mode,xattr$kept_context" original "releases/$old_sha.like" 2>/dev/null || rm -f "releases/$old_sha.like"
  fi
  rm -f original
}

# release_file SHA: sets release_file to the file that holds it.
release_file() {
  for release_file in "releases/$1" "releases/$1.zst" "releases/$1.gz"; do
    [ ! -f "$release_file" ] || return 0
  done
  release_file=
  return 1
}

# unpack FILE: its content on standard output.
unpack() {
  case $1 in
    *.zst) zstd -q -d -c "$1" ;;
    *.gz) gzip -d -c "$1" ;;
    *) cat "$1" ;;
  esac
}

sha256_is() {
  [ "$(digest)" = "$1" ]
}

# restore_file SHA: the kept release becomes `restored` in our folder, with its metadata.
restore_file() {
  release_file "$1" || return 1
  rm -f restored
  case $release_file in
    *.zst | *.gz) unpack "$release_file" >restored && restore_metadata "$1" restored ;;
    *) ln "$release_file" restored 2>/dev/null || cp -p "$release_file" restored ;;
  esac && sync restored
}

restore_metadata() {
  IFS=' ' read -r about_owner about_mode about_rest <"releases/$1.about" || return 1
  chown "$about_owner" "$2" 2>/dev/null || [ "$me" != 0 ] || return 1
  [ ! -f "releases/$1.like" ] || cp --attributes-only --preserve=mode,xattr "releases/$1.like" "$2" || return 1
  chmod "$about_mode" "$2"
}

# drop_release SHA
drop_release() {
  rm -f "releases/$1" "releases/$1.zst" "releases/$1.gz" "releases/$1.like" "releases/$1.about"
}

# prune_releases: the newest in_keep_releases stay, and never the one that is live.
prune_releases() {
  drop_release "$1"
  prune_seen=0
  # Names here are digests: no blanks.
  # shellcheck disable=SC2045
  for prune_about in $(ls -t releases); do
    case $prune_about in *.about) ;; *) continue ;; esac
    prune_seen=$((prune_seen + 1))
    [ "$prune_seen" -gt "$in_keep_releases" ] || continue
    drop_release "${prune_about%.about}"
  done
}
