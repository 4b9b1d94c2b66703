# --- from here on the text is the same in every run -------------------------------------------------
# The host's half of bsdup: jobs that outlive connections, in nothing but sh and base programs.
# The controller calls the verbs at the end; a person at the console calls the file without one.
#
#   jobs/STEP/N/     one attempt; mkdir is its lock. STEP.undo is the job that takes STEP back
#     script log     what runs, what it says
#     claim/         made by whoever comes first: the job when it begins, or the one who gives it up
#     pid start      the job's shell and when that process started (tells a reused pid apart)
#     act.pid act.start  the same of the shell that runs the script: it may outlive a job's shell that was killed
#     rc             its exit status, last; until it is renamed it lies in rc.tmp, whose room is kept from the beginning
#     followers      processes that follow the log; a zone that fails ends them
#   jobs/STEP/boot   the boot time before a reboot step; its marker in /var/run is the second sign
#   jobs/STEP/already  the done test held, nothing was run

umask 077
PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/X11R6/bin
export PATH
# Where the one who calls comes from must not matter: numbers, dates and orders are those of C, only characters stay theirs.
LC_CTYPE=${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} LC_NUMERIC=C LC_TIME=C LC_COLLATE=C LC_MESSAGES=C LANG=C
export LC_CTYPE LC_NUMERIC LC_TIME LC_COLLATE LC_MESSAGES LANG
unset LC_ALL ENV BASH_ENV CDPATH TAR_OPTIONS GREP_OPTIONS TAPE TMPDIR
jobs=$dir/jobs
self=$dir/resume.sh

# Empty files are made by true, not by ":": a redirection that fails there, as on a full disk, ends the whole shell.

# A program is started only for what echo reads in another way in some shells.
say() { case $* in -* | *\\*) printf '%s\n' "$*" ;; *) echo "$*" ;; esac; }
die() { printf 'bsdup: %s\n' "$*" >&2; exit 1; }
# The same from within $( ), where exit ends only that.
die_whole() { printf 'bsdup: %s\n' "$*" >&2; kill $$; exit 1; }

as_root() { [ "$(id -u)" = 0 ] || die 'must be root: log in as root, then run this again'; }

# latest STEP: the number of the newest attempt, 0 for none
latest() {
	n=0
	while [ -d "$jobs/$1/$((n + 1))" ]; do n=$((n + 1)); done
	say "$n"
}

# started PID: when that process began, in one form, whatever zone the caller lives in
started() { set -- $(TZ=UTC0 ps -p "$1" -o lstart= 2>/dev/null); say "$*"; }

# alive PREFIX [WORDS]: does the process of PREFIXpid and PREFIXstart still run? Its start tells it from a later one of
# that number; where the clock was set meanwhile and starts are reckoned by it, its own WORDS do.
alive() {
	[ -s "$1start" ] || return 1
	read -r pid <"$1pid" || return 1
	read -r start <"$1start"
	[ -n "$start" ] || return 1
	[ "$(started "$pid")" != "$start" ] || return 0
	[ -n "$2" ] || return 1
	case $(ps -ww -p "$pid" -o command= 2>/dev/null) in *"$2"*) return 0 ;; esac
	! kill -0 "$pid" 2>/dev/null || [ -n "$(started $$)" ] || blind
	return 1
}

# blind: no word on who runs, where base is just being replaced and its ps does not start
blind() { die_whole 'what runs cannot be told: ps shows nothing; look again in a moment'; }

# runs WORDS: is there a process whose command ends in them?
runs() {
	all=$(ps -axww -o command= 2>/dev/null)
	[ -n "$all" ] || blind
	case "$all
" in *"$1
"*) return 0 ;; esac
	return 1
}

# status DIR: sets rc to an attempt's exit status; fails where it has none
status() {
	rc=
	for f in "$1/rc" "$1/rc.tmp"; do
		[ ! -s "$f" ] || read -r rc <"$f"
		[ -z "$rc" ] || return 0
	done
	return 1
}

# ended DIR RC: writes it into the room that was kept for it, then gives it its name; the second may fail. What was done is on the disk
# before that, and that before who follows it has begun anything: a step that is not known to be done would be tried again after it.
ended() {
	sync
	echo "$2" 1<>"$1/rc.tmp" && mv "$1/rc.tmp" "$1/rc"
	sync
}

# own PREFIX: writes them for this process; who finds the start finds the number
own() {
	echo $$ >"$1pid"
	started $$ >"$1start"
}

# attempt DIR: none | running | ok | failed RC | lost  (lost: it ended without a status: a kill or a power cut)
attempt() {
	tries=0 of=${1#"$jobs/"}
	while :; do
		if status "$1"; then
			case $rc in 0) say ok ;; *) say "failed $rc" ;; esac
			return
		fi
		if [ ! -d "$1/claim" ]; then
			# The starter may be between mkdir and the job's first act; give it a moment, then take its place.
			[ "$tries" -lt 2 ] || { mkdir "$1/claim" 2>/dev/null && { say lost; return; }; }
			# Nobody can take it, on a full disk; the job may still begin, so that nothing can be said of it.
			[ "$tries" -lt 4 ] || die_whole "$1: whether it began cannot be told: $dir is full, or cannot be written"
		elif [ -s "$1/start" ]; then
			if alive "$1/" "$self job ${of%/*} ${of##*/}" || alive "$1/act." "$1/script"; then say running; return; fi
			[ "$tries" -lt 1 ] || { say lost; return; }
		else
			# On a busy disk it may take long to write its start: then its own words tell.
			[ "$tries" -lt 3 ] || { if runs "$self job ${of%/*} ${of##*/}" || runs "$self attended ${of%/*}"; then say running; else say lost; fi; return; }
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
	elif ! status "$jobs/$1/$n" && rebooted "$1"; then say "$n lost"
	else say "$n $(attempt "$jobs/$1/$n")"; fi
}

# test_of WHAT STEP: runs the step's done or proof text; 9 where it has none
test_of() {
	text=$("text_$1" "$2")
	[ -n "$text" ] || return 9
	printf '%s\n' "$text" | sh -e >/dev/null 2>&1
}

# proven STEP: does its proof hold, where it has one? An attempt that ended well and does not show is one that failed, so that the next call
# tries it again and does not pass over it.
proven() {
	test_of proof "$1"
	case $? in 0 | 9) return 0 ;; esac
	set -- "$1" $(state "$1")
	[ "$3" != ok ] || echo 1 >"$jobs/$1/$2/rc"
	return 1
}

# begin STEP [N]: makes the next attempt, which must be N; sets n and a. Only after the one before is proven ended.
begin() {
	info "$1"
	wanted=$2
	set -- "$1" $(state "$1")
	case $3 in
	'') exit 1 ;;
	running) die "$1 is still running (attempt $2)" ;;
	ok | already) die "$1 is done already" ;;
	esac
	n=$(($2 + 1))
	[ "${wanted:-$n}" = "$n" ] || die "$1: attempt $wanted is not the next, $n is"
	a=$jobs/$1/$n
	mkdir -p "$jobs/$1"
	mkdir "$a" || { [ -d "$a" ] && die "$1: attempt $n was begun by another"; die "$1: its job cannot be laid into $dir"; }
	# After the mkdir: either this sees that the run has turned, or who turns it sees this.
	case $1 in
	*.undo) ;;
	*) [ ! -f "$dir/turned" ] || { say "not begun: $(turned)" >"$a/log"; echo 1 >"$a/rc"; die "$1 is not begun: $(turned)"; } ;;
	esac
	# Whole or not at all, also on a full disk; and room for the status, which must find some at the end.
	# So is what tells a reboot, without which it would be asked for again after it.
	text_commands "$1" >"$a/script" && true >"$a/log" && true >"$a/followers" && echo >"$a/rc.tmp" && case $kind in zone | reboot) mark "$1" ;; esac ||
		{ rm -rf "$a"; die "$1: there is no room for its job in $dir, or for its marker in /var/run"; }
}

# look STEP N OFFSET: its state, bytes done and in all where they can be measured, then its log from there on: all of it,
# or at least 1 MiB
look() {
	say "$(state "$1")"
	text=$(text_measure "$1")
	say "$([ -z "$text" ] || printf '%s\n' "$text" | sh 2>/dev/null)"
	dd if="$jobs/$1/$2/log" bs=4096 skip=$(($3 / 4096)) count=257 2>/dev/null | tail -c "+$(($3 % 4096 + 1))"
}

# mark STEP: what the host looks like before a reboot. The marker first: a boot time without one would make any later reboot the step's.
mark() {
	true >"/var/run/bsdup.$1" && boot_time >"$jobs/$1/boot" && [ -s "$jobs/$1/boot" ] || return 1
	sync
}

# rebooted STEP: true when both signs say so
rebooted() {
	[ -s "$jobs/$1/boot" ] && [ ! -f "/var/run/bsdup.$1" ] && [ "$(boot_time)" != "$(cat "$jobs/$1/boot")" ]
}

# over RC: the attempt at $a is. A reboot that was asked for is not one that happened: only failure is a status there, the
# boot time is the success. Nothing but builtins after a zone: its programs may be gone.
over() {
	case $kind in
	zone | reboot)
		[ "$1" != 0 ] || return
		echo "$1" 1<>"$a/rc.tmp"
		# Who follows the log waits for a reboot that does not come.
		while read -r pid; do kill "$pid"; done <"$a/followers"
		;;
	*) ended "$a" "$1" ;;
	esac
}

# job STEP N: the attempt itself, detached
job() {
	info "$1"
	a=$jobs/$1/$2
	trap '' HUP INT
	if ! mkdir "$a/claim" 2>/dev/null; then
		# Given up by another, or a disk that filled in this moment: nobody else would end it then.
		[ -d "$a/claim" ] || { say "not begun: $dir is full, or cannot be written"; over 1; }
		exit 1
	fi
	own "$a/"
	sh "$self" act "$1" "$2"
	over $?
}

launch() { nohup sh "$self" job "$1" "$n" </dev/null >>"$a/log" 2>&1 & }

# foreground STEP: an attended step, on this terminal
foreground() {
	begin "$1"
	mkdir "$a/claim"
	own "$a/"
	rc=0
	sh "$self" act "$1" "$n" || rc=$?
	ended "$a" $rc
	return $rc
}

