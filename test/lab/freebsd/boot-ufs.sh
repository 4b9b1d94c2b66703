#!/bin/bash
# Power on: loader, kernel and init of a FreeBSD practice host whose root is UFS, as process 1 of its own namespaces.
# usage: boot-ufs.sh DISK ROOT LAB NAME   DISK: an ext4 image, or a directory. LAB: what lies outside the tree.
#
# The loader boots /boot/kernel, or what kernel= in loader.conf names, or once what /boot/nextboot.conf names: it takes the YES out of
# that file before it loads anything (nextboot(8), F:B.4). The kernel starts /sbin/init, or else /rescue/init.
# Exit status 10: reboot was asked for. 11: it stays off.
disk=$1 root=$2 lab=$3 name=$4
hostname "$name" 2>/dev/null
mount --make-rprivate / 2>/dev/null
# Another host's disk that a test just looks at came along as a copy, and would stay in use until this host ends.
while read -r _ _ _ _ at _; do case $at in */bsdup-host-*/mounted) umount -l "$at" ;; esac; done </proc/self/mountinfo 2>/dev/null
if [ -d "$disk" ]; then
	mount --bind "$disk" "$root" || exit 11
else
	# The data of a file follows its name by up to half a minute: what was not synced is lost in a power cut.
	mount -o loop,data=writeback,noauto_da_alloc,commit=1 "$disk" "$root" || exit 11
fi
# pool: named so for the stand-ins that ZFS hosts have too; here it holds only which files have the flag schg.
mkdir -p "$lab"/{real,run,ctl,log,pool/schg}
rm -f "$lab"/ctl/* "$lab/run/state"
# A file system with a journal is not mounted to be written before a check, unless the system went down in order (ffs_mount).
if [ -e "$lab/run/clean" ]; then rm "$lab/run/clean"; else : >"$lab/run/dirty"; fi
: >"$lab/run/mounts"
: >"$lab/no-be"
echo root >"$lab/run/be"
[ -f "$lab/pool/schg/root" ] || cp "$lab/stand-ins/schg" "$lab/pool/schg/root"
say() { echo "$*"; }
# In a user namespace a folder with mounts below it can only be bound with all of them.
bind() { mount --bind "$1" "$2" 2>/dev/null || mount --rbind "$1" "$2"; }
stay() { echo "$1" >"$lab/run/state"; while :; do sleep 3600; done; }
# whole FILE: its last line is the hash of what stands before
whole() { [ "$(head -n -1 "$1" 2>/dev/null | sha256sum | cut -d' ' -f1)" = "$(tail -n 1 "$1" 2>/dev/null | sed 's/^END //')" ]; }

# gptboot loads /boot/loader.
whole "$root/boot/loader" || { say 'FreeBSD/x86 boot'; say 'Default: 0:ad(0p3)/boot/loader'; say 'boot:'; stay stuck-loader; }
say 'BTX loader 1.00  BIOS drive C: is disk0'
kernel=$(sed -n 's/^kernel="\(.*\)"$/\1/p' "$root/boot/loader.conf" 2>/dev/null | tail -n 1)
once=$root/boot/nextboot.conf
if [ "$(head -n 1 "$once" 2>/dev/null)" = 'nextboot_enable="YES"' ]; then
	printf 'nextboot_enable="NO "' | dd of="$once" conv=notrunc 2>/dev/null
	/bin/sync "$once"
	kernel=$(sed -n 's/^kernel="\(.*\)"$/\1/p' "$once")
fi
kernel=${kernel:-kernel}
file=$root/boot/$kernel/kernel
whole "$file" || { say "can't load '$kernel'"; say "Type '?' for a list of commands, 'help' for more detailed help."; say 'OK'; stay stuck-kernel; }
read -r _ level id <"$file"
sed -n 's/^version //p;2q' "$file" >"$lab/run/version"
echo "$level" >"$lab/run/level"
echo "$id" >"$lab/run/id"
echo "/boot/$kernel/kernel" >"$lab/run/bootfile"
[ "$level" -lt 1001 ] && rm -f "$lab/run/bootmethod" || echo BIOS >"$lab/run/bootmethod"
cat "$lab/run/version"
say 'Trying to mount root from ufs:/dev/gpt/rootfs [rw]...'
last=$(cat "$lab/run/boottime" 2>/dev/null || echo 0)
while now=$(date +%s); [ "$now" -le "$last" ]; do sleep 0.1; done
echo "$now" >"$lab/run/boottime"

init=
for try in sbin/init rescue/init; do
	{ read -r _ && read -r _ _ _ of _; } <"$root/$try" 2>/dev/null || of=
	if [ "$(tail -n 1 "$root/$try" 2>/dev/null)" = '# end' ] && [ -n "$of" ] && [ "$of" -le "$level" ]; then init=$try; break; fi
done
[ -n "$init" ] || { say 'panic: no init'; stay panic; }
. "${0%/*}/../furnish.sh"
# Seen below /lib, whose other files are the tree's: they are what is upgraded.
libraries() { for dir in /lib/*-linux-*; do mkdir -p "$root$dir" && bind "$(realpath "$dir")" "$root$dir"; done; }
furnish

inside() { env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/root TERM=xterm chroot "$root" "$@"; }
# Typed at the loader: boot -s
if [ "${LAB_KERNEL:-}" = -s ] || ! inside /bin/sh -c :; then
	say 'Enter full pathname of shell or RETURN for /bin/sh:'
	echo single-user >"$lab/run/state"
	while [ ! -e "$lab/ctl/reboot" ]; do moment; done
	/bin/sync -f "$root"
	[ -e "$lab/run/dirty" ] || : >"$lab/run/clean"
	exit 10
fi
# rc.d/fsck
rm -f "$lab/run/dirty"
inside /bin/sh /etc/rc
echo up >"$lab/run/state"
while [ ! -e "$lab/ctl/reboot" ] && [ ! -e "$lab/ctl/halt" ]; do moment; done
say 'Syncing disks, vnodes remaining... done'
kill -TERM -1 2>/dev/null
sleep 0.3
kill -KILL -1 2>/dev/null
/bin/sync -f "$root" 2>/dev/null
: >"$lab/run/clean"
[ -e "$lab/ctl/halt" ] && exit 11
say 'Rebooting...'
exit 10
