#!/bin/bash
# Power on: the loader, the kernel and init of a practice host, as process 1 of its own namespaces.
# usage: boot.sh DISK ROOT LAB NAME   DISK: an ext4 image, or a directory. LAB: what lies outside the tree.
# Exit status 10: reboot was asked for. 11: it stays off.
disk=$1 root=$2 lab=$3 name=$4
# What a person types at the loader's prompt, else /bsd.
kernel=${LAB_KERNEL:-bsd}
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
mkdir -p "$lab"/{real,run,ctl,log}
rm -f "$lab"/ctl/* "$lab/run/state"
say() { echo "$*"; }
# In a user namespace a folder with mounts below it can only be bound with all of them.
bind() { mount --bind "$1" "$2" 2>/dev/null || mount --rbind "$1" "$2"; }
stay() { echo "$1" >"$lab/run/state"; while :; do sleep 3600; done; }

# whole KERNEL: its last line is the hash of what stands before
whole() { [ "$(head -n -1 "$root/$1" 2>/dev/null | sha256sum | cut -d' ' -f1)" = "$(tail -n 1 "$root/$1" 2>/dev/null | sed 's/^END //')" ]; }

say '>> OpenBSD/amd64 BOOT'
# /bsd.upgrade before /bsd, once: its x bits are gone before it runs, but on softraid ($lab/softraid), which the loader only reads.
# Boot blocks before 6.6 do not look for it (F:A.13).
read -r _ _ _ blocks <"$root/boot"
if [ "$kernel" = bsd ] && [ "$blocks" -ge 6600 ] && [ -e "$root/bsd.upgrade" ]; then
	if [ ! -x "$root/bsd.upgrade" ]; then say '/bsd.upgrade is not u+x'
	elif ! whole bsd.upgrade; then say 'booting hd0a:/bsd.upgrade: bad magic, failed(79). will try /bsd'
	else
		[ -e "$lab/softraid" ] || chmod a-x "$root/bsd.upgrade"
		kernel=bsd.upgrade
	fi
fi
if ! whole "$kernel"; then
	say 'booting hd0a:/bsd: open hd0a:/bsd: bad magic'
	say ' failed(79). will try /bsd'
	stay stuck-kernel
fi
read -r _ level id <"$root/$kernel"
sed -n 's/^version //p;2q' "$root/$kernel" >"$lab/run/version"
echo "$level" >"$lab/run/level"
echo "$id" >"$lab/run/id"
cat "$lab/run/version"
if [ "$id" = RAMDISK ]; then
	say 'Welcome to the OpenBSD/amd64 installation program.'
	# upgrade.fault: sh lines that spoil this one upgrade, e.g. `torn=base`, `rm "$root/auto_upgrade.conf"`.
	if [ "$kernel" = bsd.upgrade ] && [ -f "$lab/upgrade.fault" ]; then
		. "$lab/upgrade.fault"
		rm -f "$lab/upgrade.fault"
	fi
	# Without its answers, or a root disk that has the directories of a system, it is what a person booted: it asks, and waits.
	system() { for name in bin dev etc home mnt root sbin tmp usr var; do [ -d "$root/$name" ] || [ -L "$root/$name" ] || return 1; done; }
	answers=$root/auto_upgrade.conf
	# What a person types who chose (U)pgrade.
	if [ -f "$lab/typed" ]; then mv "$lab/typed" "$lab/typed.now"; answers=$lab/typed.now
	else system && [ -f "$root/bsd.upgrade" ] && [ -f "$answers" ] || { say '(I)nstall, (U)pgrade, (A)utoinstall or (S)hell?'; stay installer; }
	fi
	torn=${torn:-} bash "${0%/*}/ramdisk.sh" "$root" "$answers" || say 'the upgrade failed'
	sync -f "$root"
	say 'rebooting...'
	exit 10
fi
last=$(cat "$lab/run/boottime" 2>/dev/null || echo 0)
while now=$(date +%s); [ "$now" -le "$last" ]; do sleep 0.1; done
echo "$now" >"$lab/run/boottime"

. "${0%/*}/furnish.sh"
init_runs 'panic: init died (signal 12, exit 0)'
furnish

inside() { env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/root TERM=vt220 chroot "$root" "$@"; }
if ! inside /bin/sh -c :; then
	say "init: can't exec /bin/sh for /etc/rc"
	say 'Enter pathname of shell or RETURN for sh:'
	stay single-user
fi
inside /bin/sh /etc/rc autoboot
echo up >"$lab/run/state"
while [ ! -e "$lab/ctl/reboot" ] && [ ! -e "$lab/ctl/halt" ]; do moment; done
say 'syncing disks... done'
kill -TERM -1
sleep 0.3
kill -KILL -1 2>/dev/null
sync -f "$root" 2>/dev/null || sync
[ -e "$lab/ctl/halt" ] && exit 11
say 'rebooting...'
exit 10
