#!/usr/bin/env bash
# Folders that cannot hold backing files: exit status 4 and a remedy.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv 200

refused() {
	local text=$1

	shift
	check "$*"
	expect 4 replay t.csv --no-db --backend buffered "$@"
	silent
	says_one_line
	says "$text"
}

: >file
refused "file/data" --dir file/data
refused "file" --dir file
refused "nowhere/data" --dir nowhere/data
refused "/proc" --dir /proc/uvn-data

if [ "$(id -u)" -ne 0 ]; then
	mkdir closed
	chmod 555 closed
	refused "closed" --dir closed
	refused "closed/data" --dir closed/data
else
	echo "  (root may write anywhere: no test of a closed folder)"
fi

check "null needs no folder"
expect 0 replay t.csv --no-db --backend null --dir file/data --quiet
