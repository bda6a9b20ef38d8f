# Owner, mode, capabilities, ACL, extended attributes and label of the new file, set before it goes live.

# dress: owner, mode, capabilities, ACL, extended attributes and label, while the old version still runs.
# Sets refused.
dress() {
  dress_like=
  [ -z "$old_sha" ] || dress_like=releases/$old_sha
  [ "$in_strategy" != in-place ] || [ ! -f "$dress_like.like" ] || dress_like=$dress_like.like
  [ -z "$in_owner" ] || chown "$in_owner" incoming || { refused="the owner can't be set to $in_owner"; return 1; }
  if [ -n "$dress_like" ] && [ -f "$dress_like" ]; then
    if cp --attributes-only --preserve=mode,xattr "$dress_like" incoming 2>/dev/null; then
      [ ! -e /sys/fs/selinux/enforce ] || cp --attributes-only --preserve=context "$dress_like" incoming 2>/dev/null || :
    elif [ -n "$in_old_capabilities" ]; then
      setcap "$in_old_capabilities" incoming || { refused="the capabilities $in_old_capabilities can't be carried over: neither GNU cp nor setcap does it here"; return 1; }
    fi
  elif [ -n "$in_old_capabilities" ] && [ -z "$in_capabilities" ]; then
    setcap "$in_old_capabilities" incoming || { refused="the capabilities $in_old_capabilities can't be carried over"; return 1; }
  fi
  chmod "$in_mode" incoming || { refused="the mode can't be set to $in_mode"; return 1; }
  if [ -n "$in_capabilities" ]; then
    setcap "$in_capabilities" incoming || { refused="the capabilities $in_capabilities can't be set"; return 1; }
  fi
  sync incoming || { refused='the new file could not be written to disk'; return 1; }
}
