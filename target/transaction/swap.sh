# The new file takes the place of the old one.

. ../lib/say.sh
. ../process/find.sh
. ../state/journal.sh
. ./metadata.sh
. ./receive.sh
. ./rename.sh

swap() {
  failed=swap
  [ "$in_encoding" != none ] || return 0
  if [ "$in_strategy" = in-place ]; then
    rm -f "../$in_name"
    journal receive || return 1
    obtain && dress incoming || return 1
    image_of incoming
    new_image=$image
    say new_image "$new_image" >>journal || return 1
  fi
  journal swap || return 1
  put_live incoming
}

# obtain: incoming, once the old file has made room for it. A copy is one of that file, which is a release by now.
obtain() {
  case $in_encoding in
    release | copy) take_release ;;
    *) receive ;;
  esac
}

# put_live FILE: one rename. It follows no link and enters no folder that was put at the path meanwhile.
put_live() {
  rename_file "$1" "../$in_name" || { refused="the file could not be renamed to $in_folder/$in_name"; return 1; }
}
