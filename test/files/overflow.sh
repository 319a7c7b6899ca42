#!/bin/sh
# Runs a command with a queue of inotify so short that it overflows (16 events), and
# puts the limit back whatever happens. FILES_FLOOD makes run fill it before each change. Needs root; 77 where it can't.
limit=/proc/sys/fs/inotify/max_queued_events
# One at a time, of all suites on this machine: another would take 16 for what was before.
if [ -r $limit ]; then exec 9<$limit && flock 9; fi
before=$(cat $limit 2>/dev/null)
if [ -z "$before" ] || ! (echo 16 >$limit) 2>/dev/null; then
	echo "skip: fs.inotify.max_queued_events can't be lowered here (not root, or read-only)"
	exit 77
fi
trap 'echo "$before" >$limit' EXIT
trap 'exit 130' INT TERM HUP
FILES_FLOOD=1 "$@" 9<&-
