# The session of the login.

. ../lib/limit.sh
. ../lib/say.sh

# look_at_session: would logind kill what this login leaves running?
look_at_session() {
  [ -d /run/systemd/sessions ] && [ "${in_login:-$me_name}" != root ] || return 0
  session_cgroup=$(cat /proc/self/cgroup)
  case $session_cgroup in *session-*.scope*) ;; *) return 0 ;; esac
  session_kills=$(limited 5 busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null)
  [ "$session_kills" = 'b true' ] || return 0
  say session_kills yes
  [ ! -e "/var/lib/systemd/linger/$me_name" ] || say lingers yes
}
