# What the last deploy left.

. ./folder.sh

# last_deploy: from the destination's folder, if the state folder is our own: sets last_image to the image that the last deploy left,
# and last_run_as to the account that it was started as. Read from inside of that folder, because its name can be swapped.
last_deploy() {
  last_image=''
  last_run_as=''
  last_text=$(go_into_state && [ -O . ] && [ -f live ] && sed -n '1p; 7p' live) || return 0
  case $last_text in *' '*' '*) ;; *) return 0 ;; esac
  last_rest=${last_text#* }
  last_image=${last_rest%% *}
  last_rest=${last_rest#* }
  last_image=$last_image:${last_rest%% *}
  case $last_text in *"$newline"*) last_run_as=${last_text#*"$newline"} ;; esac
}

# read_last: the same from inside of the state folder, without a process.
read_last() {
  {
    read -r _ last_device last_inode _
    read -r _
    read -r _
    read -r _
    read -r _
    read -r _
    IFS= read -r last_run_as
  } <live
  last_image=${last_device:-}:${last_inode:-}
}
