# prelude: the same world on every target, whatever the login, sudo or a container's tool left behind.
prelude() {
  PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
  LC_ALL=C
  export PATH LC_ALL
  IFS=' 	
'
  unset CDPATH ENV BASH_ENV
  umask 077
  # A core dump would hold what is secret; what we start gets back the limit that was found.
  core_limit=${core_limit-$(ulimit -S -c)}
  ulimit -S -c 0
}
