# What the last deploy left.

# last_deploy: from the destination's folder, if the state folder is our own: sets last_image to the image that the last deploy left,
# and last_run_as to the account that it was started as.
last_deploy() {
  last_image=''
  last_run_as=''
  [ -O "./.$in_name.deploy" ] && [ ! -L "./.$in_name.deploy" ] && [ -f "./.$in_name.deploy/live" ] || return 0
  read_last "./.$in_name.deploy/live"
}

# read_last FILE: the same, of a file that is our own.
read_last() {
  {
    read -r _ last_device last_inode _
    read -r _
    read -r _
    read -r _
    read -r _
    read -r _
    IFS= read -r last_run_as
  } <"$1"
  last_image=${last_device:-}:${last_inode:-}
}
