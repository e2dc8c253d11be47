#!/bin/sh
# A process manager in a page of sh, as somebody's own scheduler may look. Its state is a folder: a file for each process,
# whose name is the id and which holds the process id. INSTANCE is what it runs.
#   process-manager.sh DIR scale INSTANCE  brings about $BRXY_WANT processes, without those in $BRXY_REMOVE
#   process-manager.sh DIR start INSTANCE  starts $BRXY_LAUNCH
#   process-manager.sh DIR remove          ends $BRXY_INSTANCE
#   process-manager.sh DIR observe         lists them, as a line of JSON each
# DIR/../down has it fail, as a scheduler that cannot be reached, and DIR/../silent say nothing.
dir=$1
[ -e "$dir/../down" ] && { echo "connection refused" >&2; exit 75; }
[ -e "$dir/../silent" ] && exec sleep 3600
# Of two that run at once, the second one waits. SIGTERM is heeded between two steps.
exec 9>"$dir/lock"
flock 9 || exit 75
trap 'given_up=yes' TERM
ids="$dir/ids-$(printf %s "$BRXY_OWNER" | cksum | cut -d ' ' -f 1)"
mkdir -p "$ids"

# A zombie has ended.
is_alive() { grep -q '^State:[[:space:]]*[RSDTtI]' "/proc/$1/status" 2>/dev/null; }

start() {
  [ -e "$ids/$1" ] && return
  BRXY_INSTANCE=$1 setsid "$2" "$dir" "$1" 9>&- </dev/null >/dev/null 2>&1 &
  echo $! > "$ids/$1"
}

end() { [ -e "$ids/$1" ] && kill "$(cat "$ids/$1")" 2>/dev/null; }

count=0
for file in "$ids"/*; do
  [ -e "$file" ] || continue
  id=${file##*/}
  if ! is_alive "$(cat "$file")"; then
    rm "$file"
    continue
  fi
  [ "$2" = observe ] && printf '{"id":"%s","since":%s000}\n' "$id" "$(stat -c %Y "$file")"
  case " $BRXY_REMOVE " in *" $id "*) ;; *) count=$((count + 1)) ;; esac
done

case $2 in
  start) start "$BRXY_LAUNCH" "$3" ;;
  remove) end "$BRXY_INSTANCE" ;;
  scale)
    for id in $BRXY_REMOVE; do end "$id"; done
    next=$(cat "$dir/next" 2>/dev/null || echo 1)
    while [ -z "$given_up" ] && [ "$count" -lt "$BRXY_WANT" ]; do
      start "web-$next" "$3"
      next=$((next + 1)) count=$((count + 1))
    done
    echo "$next" > "$dir/next"
    ;;
esac
# What was not there to be ended is no failure.
exit 0
