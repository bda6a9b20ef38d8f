# The release folder, release.ID in the state folder of participant 1, by which the participants of a release agree
# (docs/RELEASES.md). From the moment it is entered it is descriptor 8, so nothing can be put in its place.
#   member.N     pid and start of the process that stands for participant N
#   PHASE.N      the same, once participant N has come so far; `failed.N` when it failed, `ended.N` when its journal is closed
#   begun.N      its journal is open
#   go           the runner lets the release go on
#   decision     `commit` or `abort`: a name of the first of the prepared files commit.N and abort.N that was linked

. ../lib/account.sh
. ../lib/clock.sh
. ../lib/path.sh
. ../process/process.sh
. ./enter-release.sh
. ./folder.sh
. ./releases.sh
. ./reserve.sh

# enter_own: the state folder of this participant, and the release folder before it. Sets refused.
enter_own() {
  if [ -n "$in_release" ] && [ "$in_part" != 1 ]; then join_release || return 1; fi
  enter_folder "$in_folder" && enter_state create || return 1
  if [ -n "$in_release" ] && [ "$in_part" = 1 ]; then make_release || return 1; fi
  [ -z "$in_release" ] || join_as_member
}

# make_release: by participant 1, in its state folder.
make_release() {
  refused="the release folder could not be made in $PWD$(room_left)"
  mkdir -m 700 "release.$in_release" && sync "release.$in_release" . && hold_release && [ -n "$release_is_open" ] && refused=
} 2>/dev/null

# join_release: waits until participant 1 has made it. Leaves the working folder anywhere.
join_release() {
  uptime_cs
  join_until=$((now_cs + 6000))
  until enter_release; do
    uptime_cs
    [ "$now_cs" -lt "$join_until" ] || { refused="the release folder in $in_first_folder did not appear within 60 s"; return 1; }
    still_connected
    pause_ms 20
  done
}

# join_as_member: this process stands for the participant from now on.
join_as_member() {
  process_start "$$"
  member_mark="$$ $process_start"
  vote member && return 0
  refused="the release folder can't be written"
  return 1
}

# vote PHASE
vote() {
  [ -n "$in_release" ] || return 0
  printf '%s\n' "$member_mark" 2>/dev/null >"$release_at/$1.$in_part"
}

has_voted() {
  [ -s "$release_at/$1.$2" ]
}

# member_is_alive N: the process that stands for it.
member_is_alive() {
  alive_pid=
  { IFS=' ' read -r alive_pid alive_start <"$release_at/member.$1"; } 2>/dev/null
  [ -n "$alive_pid" ] && process_alive "$alive_pid" "$alive_start"
}

# member_name N: sets member_name to what that part is called.
member_name() {
  name_left=$1
  name_rest=$in_members$newline
  while [ "$name_left" -gt 1 ]; do
    name_rest=${name_rest#*"$newline"}
    name_left=$((name_left - 1))
  done
  member_name=${name_rest%%"$newline"*}
}

# prepare_decision: what is linked later is on disk already, so that it needs no room then. Sets refused.
prepare_decision() {
  [ -n "$in_release" ] || return 0
  refused="the release folder could not be written, or its file system has no hard links$(room_left)"
  printf 'commit\n' >"$release_at/commit.$in_part" && printf 'abort\n' >"$release_at/abort.$in_part" &&
    rm -f "$release_at/try.$in_part" && ln "$release_at/abort.$in_part" "$release_at/try.$in_part" &&
    sync "$release_at/commit.$in_part" "$release_at/abort.$in_part" "$release_at/." && refused=
} 2>/dev/null

# read_decision: sets decision, empty while there is none.
read_decision() {
  decision=
  { IFS= read -r decision <"$release_at/decision"; } 2>/dev/null
  [ -n "$decision" ]
}

# decide commit|abort: the first one wins. Sets decision to what holds, on disk before anybody acts on it.
decide() {
  decision=
  [ -n "$in_release" ] || return 0
  read_decision || ln "$release_at/$1.$in_part" "$release_at/decision" 2>/dev/null || free_reserve
  read_decision || ln "$release_at/$1.$in_part" "$release_at/decision" 2>/dev/null
  read_decision && sync "$release_at/."
}

# leave_release: this participant has nothing left to do. Who sees that for all of them removes the folder; what a killed one left
# is removed by a later run.
leave_release() {
  [ -n "$in_release" ] && [ -n "$release_is_open" ] || return 0
  vote ended
  leave_other=1
  while [ "$leave_other" -le "$in_parts" ]; do
    has_voted ended "$leave_other" || return 0
    leave_other=$((leave_other + 1))
  done
  rm -f "$release_at"/* 2>/dev/null
  rmdir "$release_at/../release.$in_release" 2>/dev/null || :
}

# drop_old_releases: in the state folder, under its lock: release folders in which nobody has anything left to do.
drop_old_releases() {
  for drop_folder in release.*; do
    [ -d "$drop_folder" ] && [ ! -L "$drop_folder" ] && [ "$drop_folder" != "release.$in_release" ] || continue
    release_is_over "$drop_folder" || continue
    rm -rf "./$drop_folder"
  done
}

# release_is_over FOLDER: whether every journal that was opened is closed and every process of it is gone.
release_is_over() {
  for over_file in "$1"/begun.* "$1"/member.*; do
    [ -f "$over_file" ] || continue
    over_number=${over_file##*.}
    [ ! -f "$1/ended.$over_number" ] || continue
    case $over_file in "$1"/begun.*) return 1 ;; esac
    IFS=' ' read -r over_pid over_start <"$over_file" || continue
    ! process_alive "$over_pid" "$over_start" || return 1
  done
}
