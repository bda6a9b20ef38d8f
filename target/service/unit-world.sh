# The units that a transaction touches, and what they were before it: exactly that is to be so afterwards. A unit's start and stop
# reach others: what depends on it is stopped with it, what it wants is started with it, what triggers it may start it.
#   units            stopped before the swap and started after it
#   restarted_units  restarted after the swap, because something may start them at any moment (a socket, a timer, a path)
#   left_units       not touched: the next start executes the new file
#   dependents       stopped by systemd with them, started again
#   watched_units    what triggers them, and what they want
#   world            NAME=STATE of all of them, as it was

. ../lib/say.sh
. ./systemd.sh

# read_world: sets world.
read_world() {
  world=
  # shellcheck disable=SC2086
  show_units "$unit_user" note_state Id,ActiveState $units $restarted_units $dependents $watched_units
  world=${world# }
}

note_state() {
  world="$world $show_Id=$show_ActiveState"
}

# was_active UNIT: before the transaction; assumed of all where that could not be read.
was_active() {
  [ -n "$world" ] || return 0
  case " $world " in
    *" $1=inactive "* | *" $1=failed "*) return 1 ;;
    *" $1="*) return 0 ;;
  esac
  return 1
}

# active_before UNIT…: sets active_before to those that were.
active_before() {
  active_before=
  for before_unit in "$@"; do
    ! was_active "$before_unit" || active_before="$active_before $before_unit"
  done
  active_before=${active_before# }
}

# restore_world SECONDS: starts what was active and is not, stops what was not and is, until all is as before and no job is
# pending. The units of the program are proved elsewhere. Sets refused.
restore_world() {
  [ -n "$dependents$watched_units" ] || return 0
  uptime_cs
  world_until=$((now_cs + $1 * 100))
  world_pushed=' '
  while :; do
    world_off=
    world_wrong=
    # shellcheck disable=SC2086
    show_units "$unit_user" compare_state Id,ActiveState,Job,Result $dependents $watched_units || { refused="systemd could not be queried: $unit_error"; return 1; }
    [ -n "$world_off" ] || return 0
    # shellcheck disable=SC2086
    push_back $world_wrong
    uptime_cs
    [ "$now_cs" -lt "$world_until" ] || break
    pause_cs 10
  done
  refused="not as before the deploy: ${world_off#, }"
  return 1
}

# compare_state: of a unit that is not as before, sets world_off to words, and world_wrong to what has to be done.
compare_state() {
  if was_active "$show_Id"; then
    case $show_ActiveState/${show_Job:-0} in
      active/0 | reloading/* | refreshing/*) return 0 ;;
      activating/*)
        case " $world " in *" $show_Id=activating "*) return 0 ;; esac
        ;;
      inactive/0 | failed/0) world_wrong="$world_wrong start:$show_Id" ;;
    esac
    world_off="$world_off, $show_Id was active and is $show_ActiveState"
  else
    case $show_ActiveState/${show_Job:-0} in
      inactive/0 | failed/0 | deactivating/*) return 0 ;;
      # A job comes and goes.
      activating/*) return 0 ;;
    esac
    case " $world " in *" $show_Id="*) ;; *) return 0 ;; esac
    world_wrong="$world_wrong stop:$show_Id"
    world_off="$world_off, $show_Id was stopped and is $show_ActiveState"
  fi
}

# push_back start:UNIT|stop:UNIT…: each once, and alone: its dependencies are as they were.
push_back() {
  for push_word in "$@"; do
    case $world_pushed in *" $push_word "*) continue ;; esac
    world_pushed="$world_pushed$push_word "
    ( exec 9>&-; systemctl_for "$unit_user" --no-block --job-mode=ignore-dependencies "${push_word%%:*}" -- "${push_word#*:}" ) >/dev/null 2>&1
  done
}
