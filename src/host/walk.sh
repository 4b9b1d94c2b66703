# The walk through the plan: whether a step is done, and the whole of it at the console.

finished() {
	set -- $(state "$1")
	case $2 in ok | already) return 0 ;; *) return 1 ;; esac
}

# settle STEP: done already, by record or by its own test (then recorded)? 3: it is, but the old system runs
settle() {
	info "$1"
	finished "$1" && return 0
	# A reboot that is not needed: its own test holds before it was ever begun.
	if [ "$kind" = reboot ] && [ "$(latest "$1")" = 0 ] && test_of done "$1"; then
		consented "$1"
		return 0
	fi
	case $kind in zone | reboot) rebooted "$1" || return 1 ;; esac
	if [ "$kind" = reboot ]; then
		true >"$jobs/$1/already"
		return 0
	fi
	set -- "$1" $(state "$1")
	[ "$3" != running ] || return 1
	if test_of done "$1"; then
		# The new sets under the old kernel are not what a zone is for, however whole they are.
		if [ "$kind" = zone ]; then
			test_of proof "$1"
			case $? in 0 | 9) ;; *) return 3 ;; esac
		fi
		# What the test saw is on the disk before it is recorded: files that were brought here, above all.
		sync
		mkdir -p "$jobs/$1"
		true >"$jobs/$1/already"
		return 0
	fi
	return 1
}

# consented STEP: records a yes, so that nobody is asked twice
consented() {
	mkdir -p "$jobs/$1"
	true >"$jobs/$1/already"
	sync
}

# returned STEP: back_as, or that the old system runs, told once an attempt: who goes on after it tries again
returned() {
	n=$(latest "$1")
	[ ! -f "$jobs/$1/$n/told" ] && rebooted "$1" || return 0
	if [ -n "$(text_returned "$1")" ]; then back_as "$1"; else old_system "$1"; fi
	true >"$jobs/$1/$n/told"
}

# old_system STEP: says so where the old one runs after a reboot that can be taken back; what cannot be is done again without a word
old_system() {
	info "$1"
	[ "$kind $danger" != 'zone no-return' ] && ! finished "$1" || return 0
	test_of proof "$1"
	case $? in 0 | 9) ;; *) say "rebooted, old system: the new one was not booted, or did not prove itself and went back; to take the run back: sh $self rollback" ;; esac
}

go_on() {
	say "After it, log in as root and type: sh $self"
}

# interrupted [VERB]: the last word after Ctrl-C, which ends a step that asks here, and does not reach what shows the log of another:
# sh lets none of it come to a process in the background.
interrupted() {
	[ -z "$tail" ] || kill "$tail"
	say
	case $attended in yes) goes= ;; *) goes='A step that runs goes on by itself. ' ;; esac
	say "Interrupted. ${goes}To go on: sh $self$1"
	exit 130
}

# walk: the whole plan at the console, pausing at each reboot with status 3
walk() {
	as_root
	# Before the host is held: nobody would let it go again.
	[ ! -f "$dir/rolled-back" ] || release
	[ ! -f "$dir/turned" ] || die "$(turned)"
	# At its end there is nothing to hold the host for.
	at_end || take_here
	trap 'interrupted' INT
	for s in $steps; do
		settle "$s"
		case $? in
		0) say "ok      $s: $title"; continue ;;
		3) die "$s: rebooted, old system: its proof does not hold; see $dir/RECOVERY; to go on: sh $self" ;;
		esac
		info "$s"
		came=$(returned "$s")
		[ -z "$came" ] || die "$s: verdict: $came; to try again: sh $self"
		say "run     $s: $title"
		set -- $(state "$s")
		if [ "$2" = ok ]; then
			: # it has just ended, after the look of settle
		elif [ "$kind" = stream ]; then
			die "$s needs bsdup on another machine, which receives it; go on with bsdup resume there"
		elif [ "$kind" = confirm ]; then
			consent "$s"
		elif [ "$attended" = yes ] && [ "$2" = running ]; then
			die "$(elsewhere "$s"); to go on: sh $self"
		elif [ "$attended" = yes ]; then
			foreground "$s" || die "$s failed; to go on: sh $self"
		else
			carry "$s" "$2"
		fi
		proven "$s" || die "$s: its proof does not hold; see $jobs/$s; to go on: sh $self"
	done
	release
	report
	say "done    $outcome"
}

# elsewhere STEP: what to do about one that runs at a terminal. Where that is gone it waits for an answer, below the step's own shell.
elsewhere() {
	say "$1 still runs at the terminal where it was begun: answer it there, or, where that is gone, end it: sh -c 'pkill -HUP -g \$(ps -o pgid= -p \$(cat \"$jobs/$1/$(latest "$1")/act.pid\"))'"
}

# report: what the steps found worth telling at the end, each in a file of its own, so that a repeated step replaces it
report() { for told in "$dir"/report.*; do [ ! -f "$told" ] || cat "$told"; done; }

consent() {
	text_commands "$1" | sh -e
	recovery
	if [ "$yes" != yes ]; then
		next="to go on: sh $self; to take back what was done so far: sh $self rollback"
		[ -t 0 ] || die "nobody at the terminal to confirm: give --yes; $next"
		printf 'Go on? Type yes: '
		read -r answer
		[ "$answer" = yes ] || die "not confirmed; nothing of it was done; $next"
	fi
	consented "$1"
}

# carry STEP STATE: starts the job, or follows the one that runs, to its end
carry() {
	case $kind in zone | reboot) go_on ;; esac
	if [ "$2" = running ]; then
		n=$(latest "$1")
		a=$jobs/$1/$n
		say "it runs already (attempt $n)"
		while [ "$(attempt "$a")" = running ]; do sleep 2; done
		case $kind in zone | reboot) status "$a" || exit 3 ;; esac
	else
		begin "$1"
		launch "$1"
		child=$!
		tail -f "$a/log" &
		tail=$!
		# In the zone nothing new may start: where it is rebooting, only builtins from here.
		wait $child
		case $kind in zone | reboot) status "$a" || { kill $tail; exit 3; } ;; esac
		# tail hears of the last lines a moment after they are written. Without fractions, or without sleep, it is 1 s, or none.
		sleep 0.3 2>/dev/null || sleep 1 2>/dev/null
		kill $tail
		tail=
	fi
	status "$a" || rc=lost
	case $1 in *.undo) again=" rollback" ;; *) again= ;; esac
	[ "$rc" = 0 ] || die "$1 failed (status $rc); its log is $a/log; to go on: sh $self$again"
}

overview() {
	[ ! -f "$dir/turned" ] || turned
	for s in $steps; do
		info "$s"
		set -- $(state "$s")
		case $2 in
		already) set -- "$1" ok ;;
		lost) case $kind in zone | reboot) ! rebooted "$s" || set -- "$1" rebooted ;; esac ;;
		esac
		printf '%-8s %-18s %s\n' "$2" "$s" "$title"
	done
}

