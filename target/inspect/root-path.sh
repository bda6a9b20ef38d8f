# A program that root is to run, now or on the way back: only root may decide what is at its path.

. ../lib/account.sh
. ../lib/say.sh

# inspect_root_path: in the destination's folder. Says `open_folder` and `open_to`: the first folder on the way where an account that is
# not root can put another file, and which one; `open_log` and `open_log_to`: the same for the log, where it could put a link.
inspect_root_path() {
  case " $run_uid $last_run_uid " in *' 0 '*) ;; *) return 0 ;; esac
  if ! find_open "$PWD"; then
    say open_folder "$open_folder"
    say open_to "$open_to"
  fi
  case $in_log_file in /*/*) ;; *) return 0 ;; esac
  open_log=$(cd -P "${in_log_file%/*}" 2>/dev/null && pwd -P) || return 0
  find_open "$open_log" && return 0
  say open_log "$open_folder"
  say open_log_to "$open_to"
}

# find_open FOLDER: fails when somebody else can rename something in it or above it; sets open_folder and open_to to where and who.
find_open() {
  open_folder=
  open_rest=${1%/}/
  while [ -n "$open_rest" ]; do
    open_folder=$open_folder${open_rest%%/*}/
    open_rest=${open_rest#*/}
    owner_of "$open_folder." || continue
    find_changer
    [ -z "$open_to" ] || return 1
  done
}

# find_changer: of the folder that owner_of was asked about.
find_changer() {
  open_to=
  [ "$owner_uid" = 0 ] || { open_to=$owner_user; return; }
  case $owner_mode in
    # Where the sticky bit is set, nobody else renames what is root's.
    [1357]???) ;;
    *[2367]) open_to=everybody ;;
    *[2367]?)
      # On Debian, staff is root's own group for /usr/local.
      case $owner_gid/$owner_group in 0/* | */staff) ;; *) open_to="the group $owner_group" ;; esac
      ;;
  esac
}
