#!/bin/bash
# The install kernel's unattended upgrade (autoinstall -x of install.sub, F:A.8, F:A.13): it runs from memory, so the tree is only
# something it writes to. Whatever ends it, the machine boots again into what is there then.
# usage: torn=SET boot=bad cpus=1 ramdisk.sh ROOT ANSWERS
#   torn: that set breaks off half way, or right after that kernel; boot: no boot blocks can be written; cpus: else 2
root=$1 answers=$2
arch=amd64
fail() { echo "$*"; exit 1; }
answer() { sed -n "s/^$1 = //p" "$answers" | head -n 1; }

echo 'Performing non-interactive upgrade...'
# Until here nothing was written: both files stay, and the next boot finds /bsd.upgrade without its x bits.
[ -s "$root/etc/fstab" ] && [ -s "$root/etc/myname" ] || fail 'The root disk holds no system to upgrade.'
# What a boot mounts by itself must be there; of the disks there is the root disk alone.
while read -r device at type options _; do
	case $device in \#* | /dev/vnd*) continue ;; esac
	case $type in ffs | msdos | ext2fs | cd9660 | udf) ;; *) continue ;; esac
	case ,$options, in *,noauto,* | *,xx,*) continue ;; esac
	case $device in /dev/sd0[a-p] | b5d0cafe00000001.[a-p]) ;; *) fail "mount: $device on $at: Device not configured. Continue anyway? [no]" ;; esac
done <"$root/etc/fstab"
location=$(answer 'Location of sets') sets=$(answer 'Pathname to the sets') unsigned=$(answer 'Directory does not contain SHA256.sig. Continue without verification')
rm -f "$root/bsd.upgrade" "$root/auto_upgrade.conf"
# ffs takes names away at once; what is written later may be lost.
sync -f "$root"

[ "$location" = disk ] && [ -n "$sets" ] && [ -d "$root$sets" ] || fail "'$sets' is not a directory with sets"
# What lies on a file system that is not in fstab is not there.
read -r listed < <(awk -v path="$sets" '$3 == "ffs" && $4 !~ /noauto|xx/ && index(path, $2 == "/" ? "/" : $2 "/") == 1 { print $2; exit }' "$root/etc/fstab") || fail "$sets is on no file system of fstab"
cd "$root$sets" || exit 1
[ -f INSTALL.$arch ] || fail "INSTALL.$arch not found. Use sets found here anyway? [no]"
[ -f SHA256.sig ] || [ "$unsigned" = yes ] || fail 'Directory does not contain SHA256.sig. Continue without verification? [no]'
[ -f bsd ] && ls base[0-9]*.tgz >/dev/null 2>&1 || fail 'bsd and base are required'

# A set's own archive follows its links below the root; base first of the sets, for nothing here needs the old ones.
rm -rf "$root"/usr/share/relink/usr/lib/* "$root/usr/include/c++/v1" "$root"/var/syspatch/*
for kernel in bsd bsd.mp bsd.rd; do
	[ -f $kernel ] || continue
	echo "Installing $kernel"
	rm -f "$root/$kernel"
	cp $kernel "$root/$kernel"
	[ "${torn:-}" != $kernel ] || fail "$kernel: the machine was turned off"
done
for set in base comp man game xbase xshare xfont xserv site; do
	for file in $set[0-9]*.tgz; do
		[ -f "$file" ] || continue
		echo "Installing $file"
		if [ "${torn:-}" = $set ]; then
			head -c "$(($(stat -c %s "$file") / 2))" "$file" | tar -zxphf - -C "$root" 2>/dev/null
			fail "$file: it did not install correctly"
		fi
		tar -zxphf "$file" -C "$root" || fail "$file: it did not install correctly"
	done
done
# The record of the sets comes with them; only then what makes a system of them (install_files, finish_up).
cp SHA256 "$root/var/db/installed.SHA256"
cp BUILDINFO "$root/var/db/installed.BUILDINFO"
(cd "$root/dev" && sh MAKEDEV all)
[ "${boot:-}" != bad ] || fail 'Failed to install bootblocks.'
cp "$root/usr/mdec/boot" "$root/boot"
chmod og-rwx "$root/bsd" "$root/bsd.mp" "$root/bsd.rd"
[ "${cpus:-2}" = 1 ] || { mv "$root/bsd" "$root/bsd.sp" && mv "$root/bsd.mp" "$root/bsd"; }
echo "SHA256 (/bsd) = $(sha256sum <"$root/bsd" | cut -d' ' -f1)" >"$root/var/db/kernel.SHA256"
echo '/usr/sbin/sysmerge -b' >>"$root/etc/rc.sysmerge"
echo '/usr/sbin/fw_update' >>"$root/etc/rc.firsttime"
echo 'CONGRATULATIONS! Your OpenBSD upgrade has been successfully completed!'
