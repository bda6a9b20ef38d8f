# Owner, mode, capabilities, ACL, extended attributes and label of the new file, set before it goes live.

# dress FILE: owner, mode, capabilities, ACL, extended attributes and label of a file in our folder. What the replaced file had
# passes on only to the same owner: an ACL or a capability that one account gave its own file is not for a file of another's.
# Sets refused.
dress() {
  [ -z "$in_owner" ] || chown "$in_owner" "$1" || { refused="the owner can't be set to $in_owner"; return 1; }
  if [ "$in_same_owner" = yes ]; then dress_like_old "$1" || return 1; else dress_label "$1"; fi
  chmod "$in_mode" "$1" || { refused="the mode can't be set to $in_mode"; return 1; }
  if [ -n "$in_capabilities" ]; then
    setcap "$in_capabilities" "$1" || { refused="the capabilities $in_capabilities can't be set"; return 1; }
  fi
  sync "$1" || { refused='the new file could not be written to disk'; return 1; }
}

dress_like_old() {
  dress_like=
  [ -z "$old_sha" ] || dress_like=releases/$old_sha
  [ "$in_strategy" != in-place ] || [ ! -f "$dress_like.like" ] || dress_like=$dress_like.like
  if [ -n "$dress_like" ] && [ -f "$dress_like" ]; then
    if cp --attributes-only --preserve=mode,xattr "$dress_like" "$1" 2>/dev/null; then
      # A signature of the old bytes.
      ! command -v setfattr >/dev/null || setfattr -x security.ima "$1" 2>/dev/null || :
      [ ! -e /sys/fs/selinux/enforce ] || cp --attributes-only --preserve=context "$dress_like" "$1" 2>/dev/null || :
      return 0
    fi
    dress_missing=': neither GNU cp nor setcap does it here'
  fi
  [ -n "$in_old_capabilities" ] && [ -z "$in_capabilities" ] || return 0
  setcap "$in_old_capabilities" "$1" || { refused="the capabilities $in_old_capabilities can't be carried over${dress_missing-}"; return 1; }
}

# dress_label FILE: the label that the policy has for the destination, where nothing of the old file is carried over.
dress_label() {
  [ -e /sys/fs/selinux/enforce ] && command -v matchpathcon >/dev/null || return 0
  dress_context=$(matchpathcon -n "$in_folder/$in_name") && chcon "$dress_context" "$1" || :
} 2>/dev/null
