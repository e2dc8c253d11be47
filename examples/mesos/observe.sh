#!/bin/sh
# Lists the tasks of an app, a line of JSON each.
#   observe.sh http://marathon.example.com:8080/v2/apps/shop
set -u
tasks=$(curl -fsS --max-time 10 -H 'Accept: application/json' "$1/tasks") || exit 75
echo "$tasks" | grep -o '"id":"[^"]*"' | sed 's/.*/{&}/'
