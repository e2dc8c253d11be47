#!/bin/sh
# An instance without a linker: it runs until SIGTERM, or until somebody writes a status into its FIFO, with which it ends.
#   instance.sh DIR [ID]
id=${2:-$BRXY_LAUNCH}
[ -e "$1/refused/$id" ] && { echo "$id is refused" >&2; exit 9; }
mkfifo "$1/fifos/$id" 2>/dev/null
# A file for each start, so that a second one of the same id is seen.
: > "$1/started/$id.$$"
read -r status < "$1/fifos/$id"
exit "$status"
