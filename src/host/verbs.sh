# What the file does when it is called: the controller names a verb, a person at the console none.

verb=${1:-walk}
yes=no tail= attended=
case $verb in
--yes)
	[ $# = 1 ] || die "--yes stands alone, $2 would not be done"
	yes=yes verb=walk
	;;
esac
[ -d "$jobs" ] || case $verb in
status | report) as_root ;;
*) mkdir -p "$jobs" || { as_root; exit 1; } ;;
esac
# Some shells keep here-documents in files; those are nobody else's business. It is not exported: programs that work as another user for root,
# as syspatch(8) does, could not come to their files there.
[ ! -d "$dir" ] || TMPDIR=$dir
case $verb in
walk) walk ;;
status) overview ;;
report) report ;;
rollback) back ;;
hold)
	[ ! -f "$dir/turned" ] || { turned; exit 77; }
	hold_or_leave "$2" "$3"
	;;
leave) leave "$2" ;;
turn)
	[ ! -f "$dir/rolled-back" ] || { release; exit 78; }
	! at_end || exit 79
	was=$(named "${dir%/*}/lock")
	hold_or_leave "$2" "$3"
	turn_held "$was" "$2"
	;;
busy) busy ;;
due) for u in $undos; do ! due "$u" || say "$u $(state "$u")"; done ;;
went-back) went_back ;;
last) tail -n "$4" "$jobs/$2/$3/log" ;;
release)
	running=$(busy)
	[ -z "$running" ] || die "$running is still running; the host is held until it ends"
	release
	;;
states) for s in $steps; do say "$s $(state "$s")"; done ;;
settle) settle "$2" ;;
proof) proven "$2" ;;
returned) returned "$2" ;;
start)
	# The number makes a repeated call harmless: the answer to the first may have been lost on the way.
	if [ ! -d "$jobs/$2/$3" ]; then
		( begin "$2" "$3" && launch "$2" ) || [ -d "$jobs/$2/$3" ] || exit 1
	fi
	# Most steps are short: they end while this waits, and nobody has to ask again.
	for moment in 1 2 3 4 5; do
		! status "$jobs/$2/$3" || break
		sleep 0.1 2>/dev/null || sleep 1
	done
	look "$2" "$3" 0
	;;
consented) consented "$2" ;;
poll) look "$2" "$3" "$4" ;;
lead)
	# Start and follow in one process: the follower is there before the zone's first command, so nothing is started after base.
	if [ ! -d "$jobs/$2/$3" ]; then
		begin "$2" "$3"
		tail -n +1 -f "$a/log" &
		tail=$!
		echo $tail >>"$a/followers"
		launch "$2"
		wait $tail
	fi
	;;
follow)
	# Registered before the look: either this sees the failure, or the failing job sees this.
	echo $$ >>"$jobs/$2/$3/followers"
	! status "$jobs/$2/$3" || exec tail -n +1 "$jobs/$2/$3/log"
	exec tail -n +1 -f "$jobs/$2/$3/log"
	;;
job) job "$2" "$3" ;;
act)
	own "$jobs/$2/$3/act."
	# What a step lays into the system is made as root's login makes it.
	umask 022
	exec sh -e "$jobs/$2/$3/script"
	;;
attended) foreground "$2" ;;
verdict) if rebooted "$2"; then say "rebooted $(state "$2")"; else say "same $(state "$2")"; fi ;;
*) die "unknown verb: $verb (none, --yes, status or rollback)" ;;
esac
