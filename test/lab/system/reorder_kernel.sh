# Relinks the kernel when its hash is the one recorded (F:A.10): the same version, other bytes. Where anything fails, a full disk too, it ends.
set -e
umask 077
if ! sha256 -q -C /var/db/kernel.SHA256 /bsd; then
	echo "Failed to verify /bsd's checksum, therefore a randomly linked kernel (KARL) is not being built."
	exit 1
fi
parts=/usr/share/relink/kernel
if [ -f $parts.tgz ]; then
	mkdir -p $parts/GENERIC.MP
	mv $parts.tgz $parts/GENERIC.MP/vers.o
fi
read -r version <$parts/GENERIC.MP/vers.o
sed -e '$d' -e '/^relinked/d' -e "2s/.*/version $version/" /bsd >/tmp/newbsd
echo "relinked $(date +%s)" >>/tmp/newbsd
echo "END $(sha256 -q /tmp/newbsd)" >/tmp/newbsd.end
cat /tmp/newbsd /tmp/newbsd.end >/nbsd
sync
mv /nbsd /bsd
sha256 -h /var/db/kernel.SHA256 /bsd
sync
