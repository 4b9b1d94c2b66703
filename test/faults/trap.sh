# Read by the gate at each start of a program: holds the one a test waits for. Builtins and what lies outside the tree only.
# armed: the directory of the point; there start: NTH and a pattern of the program with its words; cut: a set and the bytes of it,
# unpacked, after which tar is held.
trap_name=
{ read -r trap_name; } 2>/dev/null </lab/trap/armed
trap_dir=/lab/trap/$trap_name
held() {
	: >"$trap_dir/hit"
	while [ ! -e "$trap_dir/go" ]; do /lab/real/bin/sleep 0.02; done
}
# met N: true for one caller only
met() { (set -C; : >"$trap_dir/met.$1") 2>/dev/null; }
if [ -f "$trap_dir/start" ]; then
	{ read -r trap_nth; read -r trap_pattern; } <"$trap_dir/start"
	case "$self${*:+ $*}" in
	$trap_pattern)
		trap_n=1
		while ! met $trap_n; do trap_n=$((trap_n + 1)); done
		[ $trap_n != "$trap_nth" ] || held
		;;
	esac
fi
if [ -f "$trap_dir/cut" ]; then
	read -r trap_set trap_bytes <"$trap_dir/cut"
	case "$self $*" in
	*"tar -C / -xzphf $trap_set")
		if met cut; then
			for trap_tar in paxtar tar; do [ ! -x /lab/real/bin/$trap_tar ] || break; done
			# One tar from the beginning to the end: a second one would find a new gzip.
			/lab/real/bin/gzip -dc "$trap_set" | { /lab/real/bin/head -c "$trap_bytes"; held; exec /lab/real/bin/cat; } | /lab/real/bin/$trap_tar -C / -xphf -
			exit
		fi
		;;
	esac
fi
