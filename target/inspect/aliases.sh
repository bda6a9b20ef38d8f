# Other names of the file, and other files under its name: whatever could make the wrong process be stopped, or the right one missed.

. ../process/find.sh

# inspect_aliases: in the destination's folder. Says
#   other_names  how many other names the file has, outside of our own state folder: it is another service's file too, or a snapshot's
#   mount_point  when something is mounted at the path: no rename can replace it
#   sibling      a process of a trusted account that has the file's name and executes another file of its folder: PID PATH
inspect_aliases() {
  inspect_names
  while read -r _ alias_point _; do
    [ "$alias_point" != "${PWD%/}/$in_name" ] || say mount_point yes
  done </proc/self/mounts
  [ -n "$running" ] || inspect_siblings
}

inspect_names() {
  alias_count=$(stat -c %h "./$in_name" 2>/dev/null) || return 0
  alias_count=$((alias_count - 1))
  [ "$alias_count" -gt 0 ] || return 0
  for alias_own in "./.$in_name.deploy/releases"/* "./.$in_name.deploy"/original "./.$in_name.deploy"/restored; do
    [ -L "$alias_own" ] || [ ! "$alias_own" -ef "./$in_name" ] || alias_count=$((alias_count - 1))
  done
  [ "$alias_count" -le 0 ] || say other_names "$alias_count"
}

# inspect_siblings: `mv server server.old; cp new server` by hand leaves the old version running under another name.
inspect_siblings() {
  short_name "$in_name"
  for alias_proc in /proc/[0-9]*; do
    alias_name=
    { IFS= read -r alias_name <"$alias_proc/comm"; } 2>/dev/null || continue
    [ "$alias_name" = "$short_name" ] && is_trusted "${alias_proc#/proc/}" && [ "$alias_proc/root/." -ef /. ] || continue
    alias_path=$(readlink "$alias_proc/exe" 2>/dev/null) || continue
    case $alias_path in "${PWD%/}"/*) say sibling "pid=${alias_proc#/proc/} path=$alias_path" ;; esac
  done
}
