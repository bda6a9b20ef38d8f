# What the kinds have in common that no process executes: a configuration, a folder, a unit file.

. ./part.sh

# begin_without_process: no process and no unit is stopped for it.
begin_without_process() {
  begin_part
  restart=none
  unit='' unit_user='' units=''
}

part_stop() {
  failed=stop
}

# part_is_untouched: no process of it could have been stopped.
part_is_untouched() {
  [ "$failed" = stop ]
}
