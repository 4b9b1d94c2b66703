# /etc/rc of a FreeBSD practice host: boot, and `rc.shutdown` by way of shutdown(8).
PATH=/sbin:/bin:/usr/sbin:/usr/bin
export PATH
# Scripts of rc.d in the order of rcorder(8), as far as it counts here: first what comes before the disks. Each in a subshell of this one
# (run_rc_script of rc.subr(8)).
scripts() {
	for script in /etc/rc.d/*; do
		[ -x "$script" ] || continue
		order=late
		! grep -q '^# BEFORE:.* disks' "$script" || order=early
		[ $order != "$1" ] || ( set faststart; . "$script" )
	done
}
scripts early
while read -r device dir type options rest; do
	case $type in '' | ufs | swap) continue ;; esac
	mount -t "$type" "$device" "$dir" || {
		# rc.d/mountcritlocal, stop_boot of rc.subr(8)
		echo 'Mounting /etc/fstab filesystems failed, startup aborted'
		echo 'ERROR: ABORTING BOOT (sending SIGTERM to parent)!'
		exit 1
	}
done </etc/fstab
rm -rf /tmp/* /var/run/*
# rc.d/nextboot: what was to be booted once has been.
rm -f /boot/nextboot.conf
echo 'Setting hostname and mounting local filesystems.'
scripts late
if grep -qi '^sshd_enable="*yes' /etc/rc.conf; then
	echo 'Starting sshd.'
	/usr/sbin/sshd -p "$(cat /lab/port)"
fi
echo
echo "FreeBSD/amd64 ($(hostname)) (ttyv0)"
echo
echo 'login:'
