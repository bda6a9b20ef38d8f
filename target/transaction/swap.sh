# The new file takes the place of the old one.

. ../lib/say.sh
. ../process/find.sh
. ../state/journal.sh
. ./metadata.sh
. ./receive.sh

swap() {
  failed=swap
  [ "$in_encoding" != none ] || return 0
  if [ "$in_strategy" = in-place ]; then
    rm -f "../$in_name"
    journal receive
    obtain && dress || return 1
    image_of incoming
    new_image=$image
    say new_image "$new_image" >>journal
  fi
  journal swap || { refused='the journal can not be written'; return 1; }
  put_live incoming
}

# obtain: incoming, once the old file has made room for it. A copy is one of that file, which is a release by now.
obtain() {
  case $in_encoding in
    release | copy) take_release ;;
    *) receive ;;
  esac
}

# put_live FILE: one rename; -T, for a folder or a link may have been put at the path meanwhile.
put_live() {
  [ ! "$1" -ef "../$in_name" ] || { rm -f "$1"; return 0; }
  mv -fT "$1" "../$in_name" 2>/dev/null || { refused="the new file can't be renamed to $in_folder/$in_name"; return 1; }
}
