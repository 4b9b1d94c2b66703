# /etc/rc of a FreeBSD practice host: boot, and `rc.shutdown` by way of shutdown(8).
PATH=/sbin:/bin:/usr/sbin:/usr/bin
export PATH
while read -r device dir type options rest; do
	case $type in msdosfs) mount -t msdosfs "$device" "$dir" ;; esac
done </etc/fstab
rm -rf /tmp/* /var/run/*
# rc.d/nextboot: what was to be booted once has been.
rm -f /boot/nextboot.conf
echo 'Setting hostname and mounting local filesystems.'
# run_rc_script of rc.subr(8): each in a subshell of this one.
for script in /etc/rc.d/*; do
	[ ! -x "$script" ] || ( set faststart; . "$script" )
done
if grep -qi '^sshd_enable="*yes' /etc/rc.conf; then
	echo 'Starting sshd.'
	/usr/sbin/sshd -p "$(cat /lab/port)"
fi
echo
echo "FreeBSD/amd64 ($(hostname)) (ttyv0)"
echo
echo 'login:'
