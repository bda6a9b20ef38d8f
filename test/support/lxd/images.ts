import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { FOLDER } from './folder.mjs';
import { lxc } from './lxc.ts';

const ARCHIVE = 'http://deb.debian.org/debian';
const BUILD_LIMIT_MS = 400_000;

export type Shape = keyof typeof RECIPES;

/** Shell programs that make a root file system in the folder `$root`; `$work` is a folder for their own use. */
const RECIPES = {
  /** Debian 12 with systemd and sshd, as production has it. */
  debian: `
    packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,openssh-server,sudo,procps,iproute2,curl,zstd,acl,libcap2-bin,libstdc++6
    debootstrap --variant=minbase --include="$packages" bookworm "$root" ${ARCHIVE}
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/etc/ssh/ssh_host_*
    : >"$root/etc/machine-id"
    chroot "$root" systemctl mask getty.target systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer`,
  /** Debian 13 with the tools that Ubuntu 25.10 has in place of GNU's: uutils for coreutils, sudo-rs for sudo. */
  uutils: `
    packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,openssh-server,sudo-rs,rust-coreutils,procps,iproute2,curl,zstd
    debootstrap --variant=minbase --include="$packages" trixie "$root" ${ARCHIVE}
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/etc/ssh/ssh_host_*
    : >"$root/etc/machine-id"
    chroot "$root" systemctl mask getty.target systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer
    for tool in "$root"/usr/lib/cargo/bin/coreutils/*; do ln -sf coreutils "$root/usr/bin/\${tool##*/}"; done
    ln -s ../lib/cargo/bin/sudo "$root/usr/bin/sudo"
    printf '%s\\n' '@include common-auth' '@include common-account' '@include common-session-noninteractive' >"$root/etc/pam.d/sudo"
    mkdir -p "$root/etc/sudoers.d" && printf '%s\\n' 'root ALL=(ALL:ALL) ALL' '@includedir /etc/sudoers.d' >"$root/etc/sudoers"`,
  /**
   * busybox for everything, the loader of musl and none of glibc, dropbear without SFTP; no sudo, zstd, curl, bash. The
   * libraries of dropbear, which Debian links to glibc, stand in a folder where nothing else finds them; so does flock,
   * which Alpine's busybox has and Debian's has not.
   */
  busybox: `
    cd "$work" && chmod 755 . && apt-get download -q busybox-static musl && for deb in *.deb; do dpkg-deb -x "$deb" got; done
    mkdir -p "$root"/bin "$root"/sbin "$root"/usr/bin "$root"/usr/sbin "$root"/lib "$root"/etc/dropbear "$root"/opt/dropbear "$root"/proc "$root"/sys \\
      "$root"/dev "$root"/run "$root"/var/log "$root"/home "$root"/root "$root"/tmp "$root"/mnt
    chmod 1777 "$root/tmp" && chmod 700 "$root/root"
    cp got/bin/busybox "$root/bin/busybox"
    chroot "$root" /bin/busybox --install -s
    rm -f "$root"/bin/dpkg* "$root"/usr/bin/dpkg* "$root"/bin/rpm*
    cp got/lib/*-linux-musl/libc.so "$root/lib/libc.musl.so"
    for arch in x86_64 aarch64; do ln -s libc.musl.so "$root/lib/ld-musl-$arch.so.1"; done
    dropbear=$(command -v dropbear || echo /usr/sbin/dropbear)
    cp "$dropbear" "$root/opt/dropbear/dropbear"
    ldd "$dropbear" | sed -n 's/.*=> \\(\\/[^ ]*\\).*/\\1/p' | while read -r library; do cp -L "$library" "$root/opt/dropbear/"; done
    cp -L "$(ldd "$dropbear" | sed -n 's/^[[:space:]]*\\(\\/[^ ]*ld-linux[^ ]*\\).*/\\1/p')" "$root/opt/dropbear/ld.so"
    printf '%s\\n' '#!/bin/sh' 'exec /opt/dropbear/ld.so --library-path /opt/dropbear /opt/dropbear/dropbear "$@"' >"$root/usr/sbin/dropbear"
    chmod 755 "$root/usr/sbin/dropbear"
    cp "$(command -v flock)" "$root/opt/dropbear/flock"
    printf '%s\\n' '#!/bin/sh' 'exec /opt/dropbear/ld.so --library-path /opt/dropbear /opt/dropbear/flock "$@"' >"$root/usr/bin/flock"
    chmod 755 "$root/usr/bin/flock"
    printf '%s\\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false >"$root/etc/passwd"
    printf '%s\\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
    printf '%s\\n' root:*:19000:0:99999:7::: nobody:*:19000:0:99999:7::: >"$root/etc/shadow" && chmod 600 "$root/etc/shadow"
    printf '%s\\n' /bin/sh >"$root/etc/shells"
    printf '%s\\n' '::sysinit:/bin/true' '::respawn:/usr/sbin/dropbear -F -E -p 22' >"$root/etc/inittab"`,
};

/** The image of a shape in the LXD of the tests, built when its recipe is new; its alias. */
export async function image(shape: Shape): Promise<string> {
  const alias = `${shape}-${createHash('sha256').update(RECIPES[shape]).digest('hex').slice(0, 12)}`;
  const present = await lxc(['image', 'list', '--format=csv', '--columns=l']);
  if (present.split(/\s+/).includes(alias)) return alias;
  for (const old of present.split(/\s+/).filter((name) => name.startsWith(`${shape}-`)))
    await lxc(['image', 'delete', old]);
  console.log(`Building the image ${alias}`);
  mkdirSync(FOLDER, { recursive: true });
  const work = mkdtempSync(`${FOLDER}/build-`);
  try {
    await build(shape, work);
    await lxc(['image', 'import', `${work}/meta.tar`, `${work}/root.tar`, '--alias', alias]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return alias;
}

async function build(shape: Shape, work: string): Promise<void> {
  const root = `${work}/root`;
  mkdirSync(root);
  chmodSync(root, 0o755);
  const architecture = process.arch === 'x64' ? 'x86_64' : 'aarch64';
  writeFileSync(`${work}/metadata.yaml`, `architecture: ${architecture}\ncreation_date: 1\n`);
  const program = `set -e\n${RECIPES[shape]}\ntar -C "$root" -cf "$work/root.tar" .\ntar -C "$work" -cf "$work/meta.tar" metadata.yaml`;
  await promisify(execFile)('/bin/sh', ['-c', program], {
    env: { PATH: process.env.PATH, root, work, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: BUILD_LIMIT_MS,
    maxBuffer: 32 * 1024 * 1024,
  });
}
