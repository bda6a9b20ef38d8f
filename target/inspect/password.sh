# Whether an account's password has expired. A login by key may still work, while sudo, su, cron and the next login by password don't.

. ../lib/number.sh
. ../lib/say.sh

# look_at_passwords LOGIN…: says a note for each whose password must be changed.
look_at_passwords() {
  for password_of in "$@"; do
    case " ${password_seen:-} " in *" $password_of "*) continue ;; esac
    password_seen="${password_seen:-} $password_of"
    password_expired "$password_of" || continue
    say note "the password of $password_of has expired: sudo, su and cron may refuse it (\`passwd $password_of\`, or \`chage -M -1 $password_of\`)"
  done
}

# password_expired LOGIN: as root from the shadow file, else of the own account from chage.
password_expired() {
  if [ ! -r /etc/shadow ]; then
    [ "$1" = "$me_name" ] && command -v chage >/dev/null || return 1
    case $(limited 5 chage -l "$1" 2>/dev/null) in *'must be changed'*) return 0 ;; esac
    return 1
  fi
  while IFS=: read -r shadow_name _ shadow_last _ shadow_most _; do
    [ "$shadow_name" = "$1" ] || continue
    [ "$shadow_last" != 0 ] || return 0
    is_number "$shadow_last" && is_number "$shadow_most" || return 1
    [ "$((shadow_last + shadow_most))" -lt "$(($(date +%s) / 86400))" ]
    return
  done </etc/shadow
  return 1
}
