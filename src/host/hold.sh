# Who has the host, and who carries the run.
#   lock     beside the runs: a link that names the run which has the host
#   holder.N in the run: a link that names its Nth carrier, the last of whom carries it, until there is a holder.N.left.
#            None is ever changed, so that of several who want to be the next one becomes it.
#   console.pid, console.start, console.words   the shell, where a walk at the console carries the run, and as what it was called

# named LINK: what a link that names somebody says
named() { set -- "$(ls -l "$1" 2>/dev/null)"; say "${1#* -> }"; }

# carrier DIR: sets n to the number of the last carrier of the run in DIR, other to who that is, to nothing where they left
carrier() {
	n=0 other=
	while [ -L "$1/holder.$((n + 1))" ]; do n=$((n + 1)); done
	[ "$n" = 0 ] || [ -f "$1/holder.$n.left" ] || other=$(named "$1/holder.$n")
}

# inherit RUN: takes the lock that RUN left over: its directory came before the lock, and is gone. Several may want it at once; the link of the
# heir lets one after another look whether it is still that lock, and replace it.
inherit() {
	[ ! -d "${dir%/*}/$1" ] || return 1
	ln -s "held-by:$run" "$lock.of-$1" 2>/dev/null || [ "$(named "$lock.of-$1")" = "held-by:$run" ] || return 1
	[ "$(named "$lock")" = "held-by:$1" ] && rm -f "$lock" && ln -s "held-by:$run" "$lock" 2>/dev/null
	set -- "$1" $?
	rm -f "$lock.of-$1"
	[ "$2" = 0 ] || { holder=$(named "$lock"); holder=${holder#held-by:}; }
	return "$2"
}

# hold WHO [GONE]: takes the host for this run, to be carried by WHO. 75: another run has it; 74: this run is carried by
# somebody else, who is told, and is not GONE, whom the caller knows to carry it no more.
hold() {
	lock=${dir%/*}/lock
	own_dir "${dir%/*}" && own_dir "$dir" || exit 1
	# What a controller laid here is whole on the disk before the host is held for it, as in take_here.
	[ -L "$lock" ] || sync
	if ln -s "held-by:$run" "$lock" 2>/dev/null; then :
	else
		holder=$(named "$lock")
		holder=${holder#held-by:}
		if [ "$holder" != "$run" ] && ! inherit "$holder"; then
			carrier "${dir%/*}/$holder"
			say "$holder $other"
			return 75
		fi
	fi
	[ -n "$1" ] || return 0
	carrier "$dir"
	[ "$other" != "$1" ] || return 0
	# Numbers come again: after a reboot the one who asks may have that of the one who had it.
	case $other in 'the console'*) [ "$(cat "$dir/console.pid")" != $$ ] && alive "$dir/console." "$(cat "$dir/console.words" 2>/dev/null)" || other= ;; esac
	case $other in '' | "$2") ln -s "$1" "$dir/holder.$((n + 1))" 2>/dev/null && return; carrier "$dir" ;; esac
	say "$other"
	return 74
}

# vanish: of a run that never had the host nothing stays here
vanish() { [ -L "$dir/holder.1" ] || rm -rf "$dir"; }

# hold_or_leave WHO [GONE]: the same for a controller, which lays the run here before it asks
hold_or_leave() {
	hold "$1" "$2" && return
	set -- $?
	[ "$1" != 75 ] || vanish
	exit "$1"
}

# leave WHO: WHO carries the run no more; the host stays held by it
leave() {
	carrier "$dir"
	[ "$other" != "$1" ] || true >"$dir/holder.$n.left"
}

# release: lets go of what this run holds, never of another's; cut in between, it is called again. With every step done, that is its end.
release() {
	[ -f "$dir/turned" ] || ! all_done || true >"$dir/ended"
	carrier "$dir"
	[ "$n" = 0 ] || true >"$dir/holder.$n.left"
	[ "$(named "${dir%/*}/lock")" != "held-by:$run" ] || rm -f "${dir%/*}/lock"
	sync
}

# take_here: the run is carried by this shell, at the console. Who types here knows what else carries it, so they are only told.
take_here() {
	mkdir -p "$dir"
	own_dir "${dir%/*}" && own_dir "$dir" || exit 1
	[ -s "$dir/RECOVERY" ] || recovery >"$dir/RECOVERY"
	# It gets its name when it is whole on the disk: an empty one would do nothing, and say that all is well.
	[ "$0" = "$self" ] || cmp -s "$0" "$self" || { cp "$0" "$self.new" && sync && mv "$self.new" "$self"; } || { rm -f "$self.new"; false; } || die "this script cannot be laid into $dir: make room there, and start it as a file: sh FILE"
	me="the console, process $$, since $(date -u +%Y-%m-%dT%H:%M:%SZ)"
	held=$(hold "$me")
	case $? in
	0) ;;
	74)
		case $held in 'the console'*) die "this run is carried by $held" ;; esac
		say "until now carried by $held; if that bsdup still runs, end it there"
		held=$(hold "$me" "$held") || die "this run is carried by $held"
		;;
	75)
		# A script that was laid here by a person stays theirs.
		[ "$0" -ef "$self" ] || vanish
		other=${dir%/*}/${held%% *}/resume.sh
		die "this host is held by $held; go on with that run: sh $other, or take it back: sh $other rollback; remove ${dir%/*}/lock if it is dead"
		;;
	*) exit 1 ;;
	esac
	ps -ww -p $$ -o command= >"$dir/console.words"
	own "$dir/console."
}

