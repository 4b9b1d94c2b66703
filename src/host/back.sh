# The way back, before the point of no return.
#   no-return     made by a step of no return before its first change
#   turned        the run goes back, and never forward again
#   rolled-back   it has gone back: when
#   ended         it was at its end, and the host was let go

# turned: why the run does not go forward
turned() {
	if [ -f "$dir/rolled-back" ]; then say "this run was taken back ($(cat "$dir/rolled-back")); begin a new one"
	else say "this run is being taken back; to end that: sh $self rollback"; fi
}

# back_as STEP: as what the host came back from a reboot that left the step undone. Where nothing was changed, the step's own lines
# remove the file no-return.
back_as() {
	text=$(text_returned "$1")
	[ -n "$text" ] && rebooted "$1" && ! finished "$1" || return 0
	printf '%s\n' "$text" | sh -e 2>&1
}

# all_done: is every step?
all_done() { for s in $steps; do finished "$s" || return 1; done; }

# at_end: is it? Every step is done, and the host was let go: where the last proof does not hold it still is held. Once let go at its end the
# run may hold the host again, as long as somebody looks whether there is anything left to do.
at_end() {
	[ ! -f "$dir/turned" ] || return 1
	[ -f "$dir/ended" ] || [ "$(named "${dir%/*}/lock")" != "held-by:$run" ] || return 1
	all_done
}

# passed: has the run begun what cannot be taken back? A step of no return makes the file no-return before its first change.
passed() {
	for s in $steps; do back_as "$s" >/dev/null; done
	[ ! -f "$dir/no-return" ] || return 0
	for s in $steps; do
		info "$s"
		[ "$danger" = no-return ] || continue
		case $(state "$s") in '0 none') continue ;; *' running' | *' ok' | *' already') return 0 ;; esac
		case $(text_commands "$s") in */no-return*) ;; *) return 0 ;; esac
	done
	return 1
}

# turn: from here on the run goes back; 76 where it cannot, with nothing changed
turn() {
	passed && return 76
	true >"$dir/turned" || return 1
	sync
	# A step of no return may have begun between the look and the mark.
	if passed; then rm -f "$dir/turned"; return 76; fi
}

# turn_held LOCK WHO: the same, when WHO has the host: what a step asks as what the host came back is nobody else's business. Where it
# cannot, the host is held as before, by what LOCK says.
turn_held() {
	turn && return
	set -- "$1" "$2" $?
	if [ "$1" = "held-by:$run" ]; then leave "$2"; else release; fi
	return "$3"
}

# due STEP.undo: has STEP been begun here, so that there may be something to take back?
due() {
	info "${1%.undo}"
	case $kind in fetch | confirm) return 0 ;; esac
	case $(state "${1%.undo}") in '0 '*) return 1 ;; esac
	return 0
}

# busy: the steps that run
busy() { for s in $steps; do case $(state "$s") in *' running') say "$s" ;; esac; done; }

# await STEP...: tells whose end is waited for
await() {
	say "waits for the end of $*"
	for s in "$@"; do
		info "$s"
		[ "$attended" != yes ] || elsewhere "$s"
	done
}

# back: takes back at the console what was done, last things first
back() {
	as_root
	[ ! -f "$dir/rolled-back" ] || { release; turned; return 0; }
	never="the point of no return is passed: the danger zone has begun, and the system may be changed. To go on: sh $self; by hand: $dir/RECOVERY"
	! at_end || die "this run is at its end, and is not taken back any more; by hand: $dir/RECOVERY"
	was=$(named "${dir%/*}/lock")
	take_here
	turn_held "$was" "$me" || case $? in
	76) die "$never" ;;
	*) die "nothing was taken back: that the run goes back cannot be noted in $dir; make room there. To try again: sh $self rollback" ;;
	esac
	trap 'interrupted " rollback"' INT
	waits=
	while running=$(busy) && [ -n "$running" ]; do
		[ "$running" = "$waits" ] || await $running
		waits=$running
		sleep 2
	done
	for u in $undos; do
		due "$u" || continue
		settle "$u" && { say "ok      ${u%.undo}: $title"; continue; }
		info "$u"
		say "undo    ${u%.undo}: $title"
		set -- $(state "$u")
		# What goes back over a reboot ends this walk with it.
		case $2-$undo_reboots in ok-*) ;; *-yes) say "the host may reboot for it. After it, log in as root and type: sh $self rollback" ;; esac
		[ "$2" = ok ] || carry "$u" "$2"
		proven "$u" || die "$u: it does not show; see $jobs/$u; to try again: sh $self rollback"
	done
	went_back
	say 'done    the run is taken back; the host is free'
}

# went_back: the last word of a run that was taken back
went_back() {
	date -u +%Y-%m-%dT%H:%M:%SZ >"$dir/rolled-back"
	release
}

