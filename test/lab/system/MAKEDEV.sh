# Makes the devices of this release.
[ "$1" = all ] || exit 1
for device in @devices@; do [ -e "$device" ] || : >"$device"; done
