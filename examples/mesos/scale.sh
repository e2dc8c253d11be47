#!/bin/sh
# The command of an app with `per: app`: has Marathon run BRXY_WANT instances, without those in BRXY_REMOVE.
#   scale.sh http://marathon.example.com:8080/v2/apps/shop
set -u
api=$1

# call METHOD PATH [BODY]: the answer in $answer, or status 1 for what is not there. While a deployment is under way Marathon
# locks the app (409): that is waited for.
call() {
  tries=0
  while :; do
    answer=$(curl -sS --max-time 10 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} -w '\n%{http_code}' "$api$2") || exit 75
    case ${answer##*
} in
      2??) return 0 ;;
      404) return 1 ;;
      409) [ $((tries += 1)) -lt 100 ] || exit 75 ;;
      *) echo "$answer" >&2; exit 75 ;;
    esac
    sleep 0.2
  done
}

# Kills this very task, and lowers the number by one, in one step.
for id in $BRXY_REMOVE; do
  call DELETE "/tasks/$id?scale=true" || true
done

call GET '' || { echo "there is no app $api" >&2; exit 1; }
instances=$(echo "$answer" | grep -o '"instances":[0-9]*' | head -n 1 | cut -d : -f 2)
[ -n "$instances" ] || { echo "this is no answer of Marathon: $answer" >&2; exit 75; }
# A floor: only remove lowers the number.
[ "$instances" -ge "$BRXY_WANT" ] || call PUT '' "{\"instances\":$BRXY_WANT}"
