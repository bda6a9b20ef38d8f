# Processes by what they execute: device and inode of their image, never a name or a path that somebody could forge.

. ./process.sh

# image_of FILE: sets image to DEVICE:INODE of a regular file; empty for anything else, a link included.
image_of() {
  image=$(stat -c '%d:%i %f' "$1" 2>/dev/null) || image=
  case $image in
    *' 8'???) image=${image% *} ;;
    *) image= ;;
  esac
}

# executes PID IMAGE: whether it does now.
executes() {
  [ -n "$2" ] && [ "$(stat -L -c '%d:%i' "/proc/$1/exe" 2>/dev/null)" = "$2" ]
}

# find_running PATH IMAGE…: the processes that execute one of the images, or the deleted image of PATH. Sets
#   running         those of a trusted account ($trusted, numbers), seen from our own root
#   strangers       those of other accounts: anybody may execute a file that everybody can read
#   contained       those of a trusted account whose root is another one: in a container
#   running_unseen  those that may execute it, by their name, but can't be inspected by this account
# Of the images in $noted_images, which come from a record, only those whose file lies in the folder of PATH count: a file system gives the
# number of a file that is gone to another one.
find_running() {
  running=''
  strangers=''
  contained=''
  running_unseen=''
  find_path=$1
  shift
  find_images=" $* "
  sees_all
  # Digits only: nothing in this list was chosen by another account.
  find_list=$(stat -L -c '%n %d:%i %h' /proc/[0-9]*/exe 2>/dev/null)
  find_matches=
  find_noted=
  find_deleted=
  IFS=$newline
  for find_line in $find_list; do
    find_image=${find_line#* }
    find_pid=${find_line%%/exe*}
    find_pid=${find_pid#/proc/}
    case $find_images in
      *" ${find_image% *} "*)
        case " ${noted_images:-} " in
          *" ${find_image% *} "*) find_noted="$find_noted $find_pid" ;;
          *) find_matches="$find_matches $find_pid" ;;
        esac
        ;;
      *) case $find_image in *' 0') find_deleted="$find_deleted $find_pid" ;; esac ;;
    esac
  done
  IFS=$usual_ifs
  for find_pid in $find_matches; do sort_in "$find_pid"; done
  for find_pid in $find_noted; do
    case $(readlink "/proc/$find_pid/exe" 2>/dev/null) in "${find_path%/*}/"*) sort_in "$find_pid" ;; esac
  done
  for find_pid in $find_deleted; do
    is_trusted "$find_pid" && [ "$(readlink "/proc/$find_pid/exe" 2>/dev/null)" = "$find_path (deleted)" ] && sort_in "$find_pid"
  done
  [ "$sees_all" = yes ] || find_unseen "${find_path##*/}"
  running=${running# }
  strangers=${strangers# }
  contained=${contained# }
  running_unseen=${running_unseen# }
}

sort_in() {
  if [ "/proc/$1/root/." -ef /. ]; then
    if is_trusted "$1"; then running="$running $1"; elif [ -n "$process_uid" ]; then strangers="$strangers $1"; fi
  elif is_trusted "$1"; then
    contained="$contained $1"
  fi
}

# is_trusted PID: whether both its accounts are among $trusted: a set-user-ID program runs with its owner's rights, but another
# account may have started it. Sets process_uid.
is_trusted() {
  process_uid "$1" || return 1
  case " $trusted " in *" $process_uid "*) ;; *) return 1 ;; esac
  case " $trusted " in *" $process_effective_uid "*) ;; *) return 1 ;; esac
}

# sees_all: sets sees_all to yes when we may look into every process: a container's root often lacks that capability
# (CAP_SYS_PTRACE, bit 19).
sees_all() {
  [ -z "${sees_all:-}" ] || return 0
  sees_all=no
  while read -r sees_key sees_value; do
    case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
  done </proc/self/status
}

# hides_processes: whether /proc shows this account only its own processes (hidepid), so that nothing can be concluded from what is not
# there.
hides_processes() {
  [ "$(id -u)" != 0 ] || return 1
  while read -r _ hides_at _ hides_options _; do
    [ "$hides_at" = /proc ] || continue
    case ,$hides_options, in *,hidepid=[124],* | *,hidepid=noaccess,* | *,hidepid=invisible,* | *,hidepid=ptraceable,*) return 0 ;; esac
  done </proc/self/mounts
  return 1
}

# find_unseen NAME: processes of that name whose program this account may not see. A dead one, not yet buried, has none.
find_unseen() {
  short_name "$1"
  for find_proc in /proc/[0-9]*; do
    find_name=
    { IFS= read -r find_name <"$find_proc/comm"; } 2>/dev/null || continue
    [ "$find_name" = "$short_name" ] && ! readlink "$find_proc/exe" >/dev/null 2>&1 || continue
    process_start "${find_proc#/proc/}" || continue
    case $process_state in Z | X) ;; *) running_unseen="$running_unseen ${find_proc#/proc/}" ;; esac
  done
}

# main_process [UID]: sets main_pid to the one of $running, of that account, that none of the others started: a server's workers
# execute the same file, maybe under another account. Sets main_pids to all of that kind: more than one is several instances.
main_process() {
  main_pid=
  main_pids=
  for find_pid in $running; do
    process_start "$find_pid" && process_uid "$find_pid" || continue
    [ -z "${1:-}" ] || [ "$process_uid" = "$1" ] || continue
    case " $running " in *" ${process_parent:-none} "*) ;; *) main_pids="$main_pids $find_pid" ;; esac
  done
  main_pids=${main_pids# }
  main_pid=${main_pids%% *}
}
