# Kept releases: releases/SHA256 is the file (releases/SHA256.zst or .gz after an in-place deploy, and its attributes on the
# empty releases/SHA256.like), with releases/SHA256.about beside it: owner and group by number, mode, time and run; in a second
# line which one it is, counted since the first.
#
# releases/SHA256 is a second name of the file that was live, no copy, so the file's owner can still change its bytes. A copy
# would cost a file's room and some time on every deploy, and would keep nothing from that account, which can move our whole
# folder away. So the digest is proved again whenever a release is put back.

. ../lib/account.sh
. ../lib/digest.sh
. ./live-file.sh
. ./release-order.sh

# keep_previous: the live file gets a second name, so that it survives the swap. Sets refused.
keep_previous() {
  [ -n "$old_sha" ] || return 0
  refused="the previous release could not be kept$(room_left)"
  kept_now=$old_sha
  take_original || return 1
  is_same_file "${in_seen%%"$newline"*}" original || sha256_is "$old_sha" <original || return 1
  rm -f "releases/$old_sha"
  mv -f original "releases/$old_sha" && write_about && sync "releases/$old_sha" releases
}

# keep_packed: for in-place, where two copies have no room: the previous release is kept compressed, and proved readable, also
# when one is there already: a power cut may have left half of it. Sets refused.
keep_packed() {
  [ -n "$old_sha" ] || return 0
  refused="the previous release could not be kept, not even compressed$(room_left)"
  kept_now=$old_sha
  take_original || return 1
  if ! is_same_file "${in_seen%%"$newline"*}" original; then sha256_is "$old_sha" <original || return 1; fi
  if ! prove_kept "$old_sha"; then
    drop_release "$old_sha"
    packed=zst
    command -v zstd >/dev/null || packed=gz
    case $packed in zst) pack='zstd -q -c -1' ;; gz) pack='gzip -c -1' ;; esac
    $pack <original >"releases/packed.$packed" && unpack "releases/packed.$packed" | sha256_is "$old_sha" &&
      sync "releases/packed.$packed" && mv -f "releases/packed.$packed" "releases/$old_sha.$packed" ||
      { rm -f "releases/packed.$packed"; return 1; }
  fi
  keep_attributes
  rm -f original
  write_about && sync releases
}

# keep_attributes: capabilities, ACL and extended attributes, which a compressed copy does not have.
keep_attributes() {
  kept_context=
  [ ! -e /sys/fs/selinux/enforce ] || kept_context=,context
  rm -f releases/like
  if cp --attributes-only "--preserve=mode,xattr$kept_context" original releases/like 2>/dev/null; then
    sync releases/like && mv -f releases/like "releases/$old_sha.like"
  else
    rm -f releases/like "releases/$old_sha.like"
  fi
}

# write_about: beside the release that is kept now, the newest.
write_about() {
  next_sequence
  printf '%s %s %s\nsequence=%s\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" "$next_sequence" >releases/about &&
    sync releases/about && mv -f releases/about "releases/$old_sha.about"
}

# prove_kept SHA: sets release_file to the file that holds it, proved by its digest. Sets refused.
prove_kept() {
  refused="the kept release $1 is gone"
  for release_file in "releases/$1" "releases/$1.zst" "releases/$1.gz"; do
    [ -f "$release_file" ] || continue
    if unpack "$release_file" 2>/dev/null | sha256_is "$1"; then return 0; fi
    refused="the kept release $1 was changed after it was kept; it is not used"
  done
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

# restore_file SHA: the kept release becomes `restored` in our folder, with its metadata, its digest proved; from another file
# that holds it when the first is not what was kept. Sets refused.
restore_file() {
  refused="the kept release $1 is gone"
  for release_file in "releases/$1" "releases/$1.zst" "releases/$1.gz"; do
    [ -f "$release_file" ] || continue
    rm -f restored
    if ! restore_from "$release_file"; then
      refused="the kept release $1 could not be written$(room_left)"
    elif ! sha256_is "$1" <restored; then
      refused="the kept release $1 was changed after it was kept; it is not used"
    elif ! restore_metadata "$1" "$release_file" || ! sync restored; then
      refused="the metadata of the kept release $1 could not be restored"
    else
      refused=
      return 0
    fi
  done
  rm -f restored
  return 1
}

restore_from() {
  case $1 in
    *.zst | *.gz) unpack "$1" >restored ;;
    *) ln "$1" restored || cp -p "$1" restored ;;
  esac
} 2>/dev/null

# restore_metadata SHA FROM: a second name has its own.
restore_metadata() {
  case $2 in *.zst | *.gz) ;; *) return 0 ;; esac
  read_about "$1" || return 1
  chown "$about_owner" restored 2>/dev/null || [ "$me" != 0 ] || return 1
  [ ! -f "releases/$1.like" ] || cp --attributes-only --preserve=mode,xattr "releases/$1.like" restored || return 1
  chmod "$about_mode" restored
}

# read_about SHA: sets about_owner and about_mode. Earlier versions wrote the owner by name, which may have blanks: the mode is
# what stands before the time.
read_about() {
  about_owner=
  about_mode=
  IFS= read -r about_rest <"releases/$1.about" || return 1
  while :; do
    case $about_rest in *' '*) ;; *) return 1 ;; esac
    about_mode=${about_rest%% *}
    about_rest=${about_rest#* }
    case $about_mode/$about_rest in [0-7][0-7][0-7]*/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*) break ;; esac
    about_owner=$about_owner${about_owner:+ }$about_mode
  done
  [ -n "$about_owner" ]
}

# drop_release SHA
drop_release() {
  rm -f "releases/$1" "releases/$1.zst" "releases/$1.gz" "releases/$1.like" "releases/$1.about"
}

# prune_releases SHA: the newest in_keep_releases stay, and never the one that is live.
prune_releases() {
  drop_release "$1"
  newest_releases | {
    prune_seen=0
    while read -r prune_sha; do
      prune_seen=$((prune_seen + 1))
      [ "$prune_seen" -le "$in_keep_releases" ] || drop_release "$prune_sha"
    done
  }
}

# room_left: how much the disk has left, for a reason.
room_left() {
  df -P . 2>/dev/null | { read -r _ && read -r _ _ _ df_free _ && printf '; %s kB are free in this folder' "$df_free"; }
  df -P -i . 2>/dev/null | { read -r _ && read -r _ df_all _ df_free _ && [ "$df_all" -gt 0 ] && [ "$df_free" -lt 20 ] && printf ', and %s inodes' "$df_free"; } 2>/dev/null
}
