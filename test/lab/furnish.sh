# What every boot script does with the tree at $root, sourced by it: whether its init runs on the kernel of $level, then the machine's own
# devices, programs and libraries in it, and what lies outside of the tree ($lab; $lab/pool, where there is one). Uses its say, bind and stay,
# and $now, the second of the boot.

# init_runs SAYS: panics with these words unless init is whole and not newer than the kernel
init_runs() {
	read -r _ _ _ init < <(sed -n 2p "$root/sbin/init" 2>/dev/null)
	if [ "$(tail -n 1 "$root/sbin/init" 2>/dev/null)" != '# end' ] || [ "${init%% *}" -gt "$level" ]; then
		say "$1"
		stay panic
	fi
}

# Waits a moment, without starting a program: a host that is up asks twenty times a second whether it shall go down.
moment() { [ -p "$lab/run/never" ] || mkfifo "$lab/run/never"; read -rt 0.05 <>"$lab/run/never"; }

# The machine's own libraries, for its programs: over those of the tree, unless a boot script says it in another way.
libraries() {
	mkdir -p "$root/lib"
	bind "$(realpath /lib)" "$root/lib"
}

furnish() {
	mkdir -p "$root"/{lab,lib64,proc,dev/pts}
	bind "$lab" "$root/lab"
	[ ! -d "$lab/pool" ] || bind "$lab/pool" "$root/lab/pool"
	bind /usr "$root/lab/real" && mount -o remount,bind,ro "$root/lab/real" 2>/dev/null
	libraries
	bind "$(realpath /lib64)" "$root/lib64"
	mount -t proc proc "$root/proc"
	# A machine takes longer to boot: no process of the next boot has both the number and the second of one of this.
	{ echo $((now % 8 * 4000 + 1000)) >/proc/sys/kernel/ns_last_pid; } 2>/dev/null
	for device in null zero random urandom tty; do
		[ -e "$root/dev/$device" ] || : >"$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts" 2>/dev/null || bind /dev/pts "$root/dev/pts"
	ln -sf pts/ptmx "$root/dev/ptmx"
	: >"$lab/node" && mount --bind "$LAB_NODE" "$lab/node" && mount --bind "$LAB_NODE" "$root/lab/node"
	if [ -n "${LAB_MODULES:-}" ]; then mkdir -p "$lab/package" && bind "$LAB_MODULES" "$root/lab/package"; fi
}
