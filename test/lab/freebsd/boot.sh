#!/bin/bash
# Power on: firmware, loader, kernel and init of a FreeBSD practice host on ZFS, as process 1 of its own namespaces.
# usage: boot.sh DISK ROOT LAB NAME   DISK: an ext4 image, or a directory: the pool. LAB: what lies outside the tree.
#
#   be/NAME/              a boot environment, the whole tree below /
#   share/…               datasets outside of them: /home, /tmp, /var/log, /var/tmp
#   esp/                  the EFI system partition
#   label/bootfs          the pool's bootfs: the environment that is booted
#   label/bootonce        what `bectl activate -t` writes, and the loader takes away as it uses it (F:B.8)
#
# Exit status 10: reboot was asked for. 11: it stays off.
disk=$1 root=$2 lab=$3 name=$4
hostname "$name" 2>/dev/null
mount --make-rprivate / 2>/dev/null
mkdir -p "$lab"/{real,run,ctl,log,pool}
pool=$lab/pool
if [ -d "$disk" ]; then
	mount --bind "$disk" "$pool" || exit 11
else
	# ZFS never shows a name without its data: what is lost in a power cut is lost whole.
	mount -o loop,data=ordered,nodelalloc,commit=5 "$disk" "$pool" || exit 11
fi
rm -f "$lab"/ctl/* "$lab/run/state" "$lab/run/mounts"
: >"$lab/run/mounts"
# Within a major version the program of one minor runs on the kernel of another, as the way of packaged base needs (F7).
: >"$lab/minor-runs"
say() { echo "$*"; }
# In a user namespace a folder with mounts below it can only be bound with all of them.
bind() { mount --bind "$1" "$2" 2>/dev/null || mount --rbind "$1" "$2"; }
stay() { echo "$1" >"$lab/run/state"; while :; do sleep 3600; done; }
# whole FILE: its last line is the hash of what stands before
whole() { [ "$(head -n -1 "$1" 2>/dev/null | sha256sum | cut -d' ' -f1)" = "$(tail -n 1 "$1" 2>/dev/null | sed 's/^END //')" ]; }

loader=
for try in esp/efi/freebsd/loader.efi esp/efi/boot/bootx64.efi; do
	if whole "$pool/$try"; then loader=$try; break; fi
	say "UEFI: $try does not load"
done
[ -n "$loader" ] || { say 'UEFI: no bootable device'; stay stuck-loader; }
read -r _ loaderLevel <"$pool/$loader"
say "FreeBSD/amd64 EFI loader, level $loaderLevel"
be=$(cat "$pool/label/bootfs")
# Chosen in the loader's menu, for this boot.
[ -z "${LAB_KERNEL:-}" ] || be=$LAB_KERNEL
if [ -s "$pool/label/bootonce" ]; then
	be=$(cat "$pool/label/bootonce")
	rm -f "$pool/label/bootonce"
	sync -f "$pool"
	say "   Boot once: zfs:zroot/ROOT/$be"
fi
tree=$pool/be/$be
whole "$tree/boot/kernel/kernel" || { say "can't load 'kernel'"; say "Type '?' for a list of commands, 'help' for more detailed help."; say 'OK'; stay stuck-kernel; }
read -r _ level id <"$tree/boot/kernel/kernel"
sed -n 's/^version //p;2q' "$tree/boot/kernel/kernel" >"$lab/run/version"
echo "$level" >"$lab/run/level"
echo "$id" >"$lab/run/id"
echo "$be" >"$lab/run/be"
cat "$lab/run/version"
say "Trying to mount root from zfs:zroot/ROOT/$be []..."
last=$(cat "$lab/run/boottime" 2>/dev/null || echo 0)
while now=$(date +%s); [ "$now" -le "$last" ]; do sleep 0.1; done
echo "$now" >"$lab/run/boottime"

mount --bind "$tree" "$root" || exit 11
for dir in home tmp var/log var/tmp; do mount --bind "$pool/share/$dir" "$root/$dir" || exit 11; done
. "${0%/*}/../furnish.sh"
init_runs 'panic: no init'
# The machine's own libraries lie over those of the environment, which are seen where it is mounted.
furnish
console=$(readlink /proc/self/fd/2)
if [ -f "$console" ]; then : >"$root/dev/console"; mount --bind "$console" "$root/dev/console"; fi

up=up
env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/root TERM=xterm chroot "$root" /bin/sh /etc/rc || { say 'Enter full pathname of shell or RETURN for /bin/sh:'; up=single-user; }
echo $up >"$lab/run/state"
while [ ! -e "$lab/ctl/reboot" ] && [ ! -e "$lab/ctl/halt" ]; do moment; done
say 'Syncing disks, vnodes remaining... done'
kill -TERM -1 2>/dev/null
sleep 0.3
kill -KILL -1 2>/dev/null
sync -f "$pool"
[ -e "$lab/ctl/halt" ] && exit 11
say 'Rebooting...'
exit 10
