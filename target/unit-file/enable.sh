# Whether systemd starts a unit at boot.

. ../service/systemd.sh

# read_enabled: sets enabled to what systemd says of it: enabled, disabled, static, not-found …
read_enabled() {
  enabled=$(systemctl_for '' is-enabled -- "$in_name" 2>/dev/null | head -n 1)
  enabled=${enabled:-unknown}
}

# change_enabled enable|disable: sets refused.
change_enabled() {
  enable_said=$( (exec 9>&-; systemctl_for '' "$1" -- "$in_name") 2>&1) && return 0
  refused="systemd could not $1 the unit: $enable_said"
  return 1
}
