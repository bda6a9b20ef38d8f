# Paths that lie in the realm of a service account: walked step by step, and the shell stays inside what it checked, so that
# nothing can be swapped afterwards.

# enter_folder PATH: cd to it. As root a symbolic link on the way is followed only if root owns it. Sets refused.
enter_folder() {
  if [ "$me" != 0 ]; then
    cd -P -- "$1" 2>/dev/null && return 0
    refused="$1 can't be entered by $me_name"
    return 1
  fi
  cd / || return 1
  walk_rest=$1
  walk_links=0
  while [ -n "$walk_rest" ]; do
    walk_step=${walk_rest%%/*}
    case $walk_rest in */*) walk_rest=${walk_rest#*/} ;; *) walk_rest= ;; esac
    case $walk_step in '' | .) continue ;; esac
    if [ -L "./$walk_step" ]; then
      follow_link "./$walk_step" || return 1
      continue
    fi
    walk_at=${PWD%/}
    cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is not a folder"; return 1; }
    [ "$walk_step" = .. ] || [ "$PWD" = "$walk_at/$walk_step" ] || { refused="$walk_at/$walk_step was swapped while it was entered"; return 1; }
  done
}

# follow_link LINK: goes on from where a trusted link points to.
follow_link() {
  if [ "$(stat -c %u "$1")" != 0 ]; then
    refused="$PWD/${1#./} is a symbolic link of another account, and root does not follow it"
    return 1
  fi
  walk_links=$((walk_links + 1))
  [ "$walk_links" -le 20 ] || { refused='too many symbolic links in the path'; return 1; }
  walk_link=$(readlink "$1" && echo x)
  walk_link=${walk_link%?x}
  case $walk_link in /*) cd / ;; esac
  walk_rest=$walk_link/$walk_rest
}
