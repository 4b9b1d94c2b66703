# own_dir DIR: makes sure that DIR is a directory of ours, which nobody else writes to; what was planted there is not followed
own_dir() {
	if [ -L "$1" ] || [ ! -d "$1" ]; then printf 'bsdup: %s is not a directory but a link or a file; look who made it, and remove it\n' "$1" >&2; return 1; fi
	if [ ! -O "$1" ]; then printf 'bsdup: %s belongs to somebody else: %s\n' "$1" "$(ls -ldn "$1")" >&2; return 1; fi
	chmod go-w "$1"
}
