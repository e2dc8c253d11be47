#!/bin/sh
# Lists the tasks of an app, a line of JSON each.
#   observe.sh http://marathon.example.com:8080/v2/apps/shop
set -u
tasks=$(curl -fsS --max-time 10 -H 'Accept: application/json' "$1/tasks") || exit 75
# An empty list means that all are gone: only Marathon may say so.
case $tasks in
  *'"tasks":'*) ;;
  *) echo "this is no answer of Marathon: $tasks" >&2; exit 75 ;;
esac
echo "$tasks" | grep -o '"id":"[^"]*"' | sed 's/.*/{&}/'
