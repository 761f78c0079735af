#!/bin/sh
# Outlives the process that started it, however that one ends: then it kills what it was told of and removes its folder.
# Standard input is a pipe that only that process holds; its end is the sign. A line is "+PID" (watch) or "-PID" (gone already).
# Usage: watchdog.sh FOLDER; an empty FOLDER means that there is none to remove.
trap '' INT TERM HUP
folder=$1
pids=' '
while read -r line; do
  case $line in
    +*) pids="$pids${line#+} " ;;
    -*) pids=$(printf '%s' "$pids" | sed "s/ ${line#-} / /") ;;
  esac
done
for pid in $pids; do
  kill -KILL "$pid" 2>/dev/null
done
[ -n "$folder" ] || exit 0
# The killed may still write for a moment.
for attempt in 1 2 3 4 5; do
  rm -rf "$folder" 2>/dev/null && break
  sleep 1
done
