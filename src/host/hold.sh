# Who has the host, and who carries the run.
#   lock     beside the runs: a link that names the run which has the host
#   holder   in the run: a link that names who carries it; console.pid, console.start where that is a shell at the console

# carrier FILE: what a link that names somebody says
carrier() { set -- "$(ls -l "$1" 2>/dev/null)"; say "${1#* -> }"; }

# hold WHO [GONE]: takes the host for this run, to be carried by WHO. 75: another run has it; 74: this run is carried by
# somebody else, who is told, and is not GONE, whom the caller knows to carry it no more.
hold() {
	lock=${dir%/*}/lock
	own_dir "${dir%/*}" && own_dir "$dir" || exit 1
	if ln -s "held-by:$run" "$lock" 2>/dev/null; then :
	else
		holder=$(carrier "$lock")
		holder=${holder#held-by:}
		if [ "$holder" != "$run" ]; then
			# The directory comes before the lock, so a lock without one is left over.
			if [ -d "${dir%/*}/$holder" ] || ! mv "$lock" "$dir/lock.was" || ! ln -s "held-by:$run" "$lock"; then
				say "$holder $(carrier "${dir%/*}/$holder/holder")"
				return 75
			fi
		fi
	fi
	[ -n "$1" ] || return 0
	ln -s "$1" "$dir/holder" 2>/dev/null && return
	other=$(carrier "$dir/holder")
	[ "$other" != "$1" ] || return 0
	case $other in 'the console'*) alive "$dir/console." || set -- "$1" "$other" ;; esac
	if [ "$other" = "$2" ]; then
		# Of several who take it over one renames it, and the others find the next.
		mv "$dir/holder" "$dir/holder.was.$$" && [ "$(carrier "$dir/holder.was.$$")" = "$2" ] && rm -f "$dir/holder.was.$$" && ln -s "$1" "$dir/holder" && return
		other=$(carrier "$dir/holder")
	fi
	say "$other"
	return 74
}

# leave WHO: WHO carries the run no more; the host stays held by it
leave() { [ "$(carrier "$dir/holder")" != "$1" ] || rm -f "$dir/holder"; }

# release: lets go of what this run holds, never of another's
release() {
	holder=$(ls -l "${dir%/*}/lock" 2>/dev/null)
	case $holder in *"held-by:$run") rm -f "${dir%/*}/lock" ;; esac
	rm -f "$dir/holder"
}

# take_here: the run is carried by this shell, at the console. Who types here knows what else carries it, so they are only told.
take_here() {
	mkdir -p "$dir"
	own_dir "${dir%/*}" && own_dir "$dir" || exit 1
	[ "$0" = "$self" ] || { cp "$0" "$self.new" && mv "$self.new" "$self"; }
	me="the console, process $$, since $(date -u +%Y-%m-%dT%H:%M:%SZ)"
	held=$(hold "$me")
	case $? in
	0) ;;
	74)
		case $held in 'the console'*) die "this run is carried by $held" ;; esac
		say "until now carried by $held; if that bsdup still runs, end it there"
		held=$(hold "$me" "$held") || die "this run is carried by $held"
		;;
	75) die "this host is held by $held; finish that run, or remove ${dir%/*}/lock if it is dead" ;;
	*) exit 1 ;;
	esac
	own "$dir/console."
}

