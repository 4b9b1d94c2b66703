# --- from here on the text is the same in every run -------------------------------------------------
# The host's half of bsdup: jobs that outlive connections, in nothing but sh and base programs.
# The controller calls the verbs at the end; a person at the console calls the file without one.
#
#   jobs/STEP/N/     one attempt; mkdir is its lock
#     script log     what runs, what it says
#     claim/         made by whoever comes first: the job when it begins, or the one who gives it up
#     pid start      the job's shell and when that process started (tells a reused pid apart)
#     act.pid act.start  the same of the shell that runs the script: it may outlive a job's shell that was killed
#     rc             its exit status, written last
#     followers      processes that follow the log; a zone that fails ends them
#   jobs/STEP/boot   the boot time before a reboot step; its marker in /var/run is the second sign
#   jobs/STEP/already  the done test held, nothing was run

umask 077
PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/X11R6/bin
export PATH
jobs=$dir/jobs
self=$dir/resume.sh

say() { printf '%s\n' "$*"; }
die() { printf 'bsdup: %s\n' "$*" >&2; exit 1; }

# latest STEP: the number of the newest attempt, 0 for none
latest() {
	n=0
	while [ -d "$jobs/$1/$((n + 1))" ]; do n=$((n + 1)); done
	say "$n"
}

# started PID: when that process began, in one form
started() { set -- $(ps -p "$1" -o lstart= 2>/dev/null); say "$*"; }

# alive PREFIX: does the process of PREFIXpid and PREFIXstart still run?
alive() {
	[ -s "$1start" ] || return 1
	read -r pid <"$1pid"
	read -r start <"$1start"
	[ -n "$start" ] && [ "$(started "$pid")" = "$start" ]
}

# own PREFIX: writes them for this process
own() {
	started $$ >"$1start.tmp"
	echo $$ >"$1pid"
	mv "$1start.tmp" "$1start"
}

# attempt DIR: none | running | ok | failed RC | lost  (lost: it ended without a status: a kill or a power cut)
attempt() {
	tries=0
	while :; do
		if [ -s "$1/rc" ]; then
			read -r rc <"$1/rc"
			case $rc in 0) say ok ;; *) say "failed $rc" ;; esac
			return
		fi
		if [ ! -d "$1/claim" ]; then
			# The starter may be between mkdir and the job's first act; give it a moment, then take its place.
			[ "$tries" -lt 2 ] || { mkdir "$1/claim" 2>/dev/null && { say lost; return; }; }
		elif [ -s "$1/start" ]; then
			if alive "$1/" || alive "$1/act."; then say running; return; fi
			[ "$tries" -lt 1 ] || { say lost; return; }
		else
			[ "$tries" -lt 3 ] || { say lost; return; }
		fi
		tries=$((tries + 1))
		sleep 1
	done
}

# state STEP: ATTEMPT STATE [RC]
state() {
	n=$(latest "$1")
	if [ -f "$jobs/$1/already" ]; then say "$n already"
	elif [ "$n" = 0 ]; then say '0 none'
	# What began before a reboot cannot be running, so there is nothing to wait for.
	elif [ ! -s "$jobs/$1/$n/rc" ] && rebooted "$1"; then say "$n lost"
	else say "$n $(attempt "$jobs/$1/$n")"; fi
}

# test_of WHAT STEP: runs the step's done or proof text; 9 where it has none
test_of() {
	text=$("text_$1" "$2")
	[ -n "$text" ] || return 9
	printf '%s\n' "$text" | sh -e >/dev/null 2>&1
}

# begin STEP [N]: makes the next attempt, which must be N; sets n and a. Only after the one before is proven ended.
begin() {
	info "$1"
	wanted=$2
	set -- "$1" $(state "$1")
	case $3 in running) die "$1 is still running (attempt $2)" ;; esac
	n=$(($2 + 1))
	[ "${wanted:-$n}" = "$n" ] || die "$1: attempt $wanted is not the next, $n is"
	a=$jobs/$1/$n
	mkdir -p "$jobs/$1"
	mkdir "$a" || die "$1: attempt $n was begun by another"
	text_commands "$1" >"$a/script"
	: >"$a/log"
	: >"$a/followers"
	case $kind in zone | reboot) mark "$1" ;; esac
}

# look STEP N OFFSET: its state, bytes done and in all where they can be measured, then its log from there on
look() {
	say "$(state "$1")"
	text=$(text_measure "$1")
	say "$([ -z "$text" ] || printf '%s\n' "$text" | sh 2>/dev/null)"
	tail -c "+$(($3 + 1))" "$jobs/$1/$2/log"
}

# mark STEP: what the host looks like before a reboot
mark() {
	boot_time >"$jobs/$1/boot"
	: >"/var/run/bsdup.$1"
	sync
}

# rebooted STEP: true when both signs say so
rebooted() {
	[ -s "$jobs/$1/boot" ] && [ ! -f "/var/run/bsdup.$1" ] && [ "$(boot_time)" != "$(cat "$jobs/$1/boot")" ]
}

# job STEP N: the attempt itself, detached. Nothing but builtins after a zone: its programs may be gone.
job() {
	info "$1"
	a=$jobs/$1/$2
	trap '' HUP INT
	mkdir "$a/claim" 2>/dev/null || exit 1
	own "$a/"
	sh "$self" act "$1" "$2"
	rc=$?
	case $kind in
	# A reboot that was asked for is not one that happened: only failure is a status here, the boot time is the success.
	zone | reboot)
		if [ $rc != 0 ]; then
			echo $rc >"$a/rc"
			# Who follows the log waits for a reboot that does not come.
			while read -r pid; do kill "$pid"; done <"$a/followers"
		fi
		;;
	*)
		sync
		echo $rc >"$a/rc.tmp" && mv "$a/rc.tmp" "$a/rc"
		;;
	esac
}

launch() { nohup sh "$self" job "$1" "$n" </dev/null >>"$a/log" 2>&1 & }

# foreground STEP: an attended step, on this terminal
foreground() {
	begin "$1"
	mkdir "$a/claim"
	own "$a/"
	rc=0
	sh "$self" act "$1" "$n" || rc=$?
	sync
	echo $rc >"$a/rc.tmp" && mv "$a/rc.tmp" "$a/rc"
	return $rc
}

hold() {
	mkdir -p "${dir%/*}"
	if ln -s "held-by:$run" "${dir%/*}/lock" 2>/dev/null; then :
	else
		holder=$(ls -l "${dir%/*}/lock")
		holder=${holder##*held-by:}
		if [ "$holder" != "$run" ]; then
			say "$holder $(cat "${dir%/*}/$holder/holder" 2>/dev/null)"
			return 75
		fi
	fi
	[ -z "$1" ] || say "$1" >"$dir/holder"
}

# release: lets go of what this run holds, never of another's
release() {
	holder=$(ls -l "${dir%/*}/lock" 2>/dev/null)
	case $holder in *"held-by:$run") rm -f "${dir%/*}/lock" ;; esac
}

finished() {
	set -- $(state "$1")
	case $2 in ok | already) return 0 ;; *) return 1 ;; esac
}

# settle STEP: done already, by record or by its own test (then recorded)?
settle() {
	info "$1"
	finished "$1" && return 0
	case $kind in zone | reboot) rebooted "$1" || return 1 ;; esac
	if [ "$kind" = reboot ]; then
		: >"$jobs/$1/already"
		return 0
	fi
	set -- "$1" $(state "$1")
	[ "$3" != running ] || return 1
	if test_of done "$1"; then
		mkdir -p "$jobs/$1"
		: >"$jobs/$1/already"
		sync
		return 0
	fi
	return 1
}

go_on() {
	say "After it, log in as root and type: sh $self"
}

# walk: the whole plan at the console, pausing at each reboot with status 3
walk() {
	[ "$(id -u)" = 0 ] || die 'must be root: log in as root, then run this again'
	mkdir -p "$dir"
	[ "$0" = "$self" ] || { cp "$0" "$self.new" && mv "$self.new" "$self"; }
	held=$(hold "console") || die "this host is held by $held; finish that run, or remove ${dir%/*}/lock if it is dead"
	trap 'say; say "Interrupted. A step that runs goes on by itself. To go on: sh $self"; exit 130' INT
	for s in $steps; do
		settle "$s" && { say "ok      $s: $title"; continue; }
		info "$s"
		say "run     $s: $title"
		set -- $(state "$s")
		if [ "$kind" = stream ]; then
			die "$s needs bsdup on another machine, which receives it; go on with bsdup resume there"
		elif [ "$kind" = confirm ]; then
			consent "$s"
		elif [ "$attended" = yes ]; then
			foreground "$s" || die "$s failed; to go on: sh $self"
		else
			carry "$s" "$2"
		fi
		set +e
		test_of proof "$s"
		case $? in 0 | 9) ;; *) die "$s: its proof does not hold; see $jobs/$s; to go on: sh $self" ;; esac
	done
	release
	report
	say "done    $outcome"
}

# report: what the steps found worth telling at the end, each in a file of its own, so that a repeated step replaces it
report() { for told in "$dir"/report.*; do [ ! -f "$told" ] || cat "$told"; done; }

consent() {
	mkdir -p "$jobs/$1"
	text_commands "$1"
	if [ "$yes" != yes ]; then
		[ -t 0 ] || die 'nobody at the terminal to confirm: give --yes'
		printf 'Go on? Type yes: '
		read -r answer
		[ "$answer" = yes ] || die 'not confirmed; nothing of it was done'
	fi
	: >"$jobs/$1/already"
	sync
}

# carry STEP STATE: starts the job, or follows the one that runs, to its end
carry() {
	case $kind in zone | reboot) go_on ;; esac
	if [ "$2" = running ]; then
		n=$(latest "$1")
		a=$jobs/$1/$n
		say "it runs already (attempt $n)"
		while [ "$(attempt "$a")" = running ]; do sleep 2; done
	else
		begin "$1"
		launch "$1"
		child=$!
		tail -f "$a/log" &
		tail=$!
		# Only builtins from here: in the zone nothing new may start.
		wait $child
		kill $tail
		case $kind in zone | reboot) [ -s "$a/rc" ] || exit 3 ;; esac
	fi
	read -r rc <"$a/rc" || rc=lost
	[ "$rc" = 0 ] || die "$1 failed (status $rc); its log is $a/log; to go on: sh $self"
}

overview() {
	for s in $steps; do
		info "$s"
		set -- $(state "$s")
		case $2 in already) set -- "$1" ok ;; esac
		printf '%-8s %-18s %s\n' "$2" "$s" "$title"
	done
}

verb=${1:-walk}
yes=no
case $verb in --yes) yes=yes verb=walk ;; esac
mkdir -p "$jobs" || exit 1
case $verb in
walk) walk ;;
status) overview ;;
report) report ;;
hold) hold "$2" ;;
release)
	for s in $steps; do
		case $(state "$s") in *' running') die "$s is still running; the host is held until it ends" ;; esac
	done
	release
	;;
states) for s in $steps; do say "$s $(state "$s")"; done ;;
settle) settle "$2" ;;
proof) test_of proof "$2" ;;
start)
	# The number makes a repeated call harmless: the answer to the first may have been lost on the way.
	if [ ! -d "$jobs/$2/$3" ]; then
		( begin "$2" "$3" && launch "$2" ) || [ -d "$jobs/$2/$3" ] || exit 1
	fi
	# Most steps are short: they end while this waits, and nobody has to ask again.
	for moment in 1 2 3 4 5; do
		[ ! -s "$jobs/$2/$3/rc" ] || break
		sleep 0.1 2>/dev/null || sleep 1
	done
	look "$2" "$3" 0
	;;
consented) mkdir -p "$jobs/$2"; : >"$jobs/$2/already"; sync ;;
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
	[ ! -s "$jobs/$2/$3/rc" ] || exec tail -n +1 "$jobs/$2/$3/log"
	exec tail -n +1 -f "$jobs/$2/$3/log"
	;;
job) job "$2" "$3" ;;
act) own "$jobs/$2/$3/act."; exec sh -e "$jobs/$2/$3/script" ;;
attended) foreground "$2" ;;
verdict) if rebooted "$2"; then say "rebooted $(state "$2")"; else say "same $(state "$2")"; fi ;;
*) die "unknown verb: $verb (none, --yes or status)" ;;
esac
