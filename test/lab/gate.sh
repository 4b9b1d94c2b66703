#!/lab/real/bin/dash
# The interpreter of every program of the practice host. It lies outside the tree, so it never changes with a set.
# It logs the start, compares the program with the running kernel (a newer one dies of SIGSYS) and becomes the real
# program. Builtins only until the exec: nothing here may depend on the tree.
self=$1
shift
{ read -r _; read -r _ kind name level _; } <"$self"
read -r kernel </lab/run/level
printf '%s %s %s %s%s\n' "$kernel" "$level" "$kind" "$self" "${*:+ $*}" >>/lab/log/processes
[ ! -f /lab/trap/armed ] || . /lab/trap/trap.sh
[ $kind = static ] || [ ! -f /lab/stand-ins/ld-elf ] || . /lab/stand-ins/ld-elf
case $kind in
package) read -r userland </usr/lib/libc.level; [ "$level" = "$userland" ] || kill -SYS $$ ;;
*) [ "$level" -le "$kernel" ] || { [ -f /lab/minor-runs ] && [ "${level%??}" = "${kernel%??}" ]; } || kill -SYS $$ ;;
esac
LAB_LEVEL=$level LAB_NAME=$name LAB_SELF=$self
export LAB_LEVEL LAB_NAME LAB_SELF
real=/lab/real
[ ! -f "/lab/stand-ins/$name" ] || exec $real/bin/dash "/lab/stand-ins/$name" "$@"
# To regex(3) of the BSDs these are plain characters in a basic expression; what leans on GNU's meaning is refused.
case $name,${1:-} in
*,-*E*) ;;
grep,* | sed,*) case $* in *'\|'* | *'\+'* | *'\?'*) printf '%s\n' "gate: $name: \\|, \\+ or \\? in a basic expression: $*" >&2; exit 2 ;; esac ;;
esac
case $name in
sh | ksh) for shell in mksh dash; do [ ! -x $real/bin/$shell ] || exec $real/bin/$shell "$@"; done ;;
tar) for tar in paxtar tar; do [ ! -x $real/bin/$tar ] || exec $real/bin/$tar "$@"; done ;;
# Debian's awk is a link into /etc, which is not the tree's.
awk) for awk in original-awk mawk gawk; do [ ! -x $real/bin/$awk ] || exec $real/bin/$awk "$@"; done ;;
gtar) exec $real/bin/tar "$@" ;;
signify)
	[ ! -x $real/bin/signify-openbsd ] || exec $real/bin/signify-openbsd "$@"
	exec /lab/node /lab/package/dist/test/lab/signify.js "$@"
	;;
node) exec /lab/node "$@" ;;
# sshd starts itself again by argv[0] for each connection, and shall meet the gate then. ssh-server.ts does so too.
sshd)
	[ ! -f /lab/ssh-server ] || exec /lab/node /lab/package/dist/test/lab/ssh-server.js "$@"
	exec $real/bin/bash -c 'exec -a /usr/sbin/sshd /lab/real/sbin/sshd "$@"' sshd "$@"
	;;
esac
for dir in bin sbin; do [ ! -x "$real/$dir/$name" ] || exec "$real/$dir/$name" "$@"; done
echo "gate: nothing stands for $name on this machine" >&2
exit 127
