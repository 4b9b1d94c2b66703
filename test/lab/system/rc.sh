# /etc/rc of the practice host: boot, and `rc shutdown`.
PATH=/sbin:/bin:/usr/sbin:/usr/bin
export PATH
if [ "$1" = shutdown ]; then
	echo 'shutting down'
	exit 0
fi
rm -rf /tmp/* /var/run/*
mkdir -p /var/run/rc.d
echo 'starting early daemons'
for d in $(sed -n 's/^\([a-z_]*\)_flags=.*/\1/p' /etc/rc.conf.local) sshd; do : >/var/run/rc.d/$d; done
ln -f /bsd /bsd.booted
# once SCRIPT: run by rc and then gone (F:A.9), where a boot was cut in it as the next one comes by
once() {
	if [ -f "/etc/rc.$1" ]; then
		mv "/etc/rc.$1" "/etc/rc.$1.run"
		echo "running rc.$1"
		. "/etc/rc.$1.run"
	fi
	rm -f "/etc/rc.$1.run"
}
@modern@once sysmerge
@modern@echo 'reordering libraries: done.'
# Each beside the old one, so that a full disk or a cut leaves one that is whole.
@modern@for f in /usr/lib/libc.so.*[0-9] /usr/sbin/sshd; do [ ! -f "$f" ] || { cp -p "$f" "$f.new" && { grep -v '^# relinked' "$f" && echo "# relinked $(date +%s)"; } >"$f.new" || rm -f "$f.new"; }; done
@modern@sync
@modern@for f in /usr/lib/libc.so.*[0-9] /usr/sbin/sshd; do [ ! -f "$f.new" ] || mv "$f.new" "$f"; done
[ -f /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A
echo 'starting network daemons: sshd.'
/usr/sbin/sshd -p "$(cat /lab/port)"
[ ! -x /usr/sbin/cron ] || /usr/sbin/cron
once firsttime
@modern@/usr/libexec/reorder_kernel >/var/log/relink.log 2>&1
echo "OpenBSD/amd64 ($(hostname)) (console)"
echo 'login:'
