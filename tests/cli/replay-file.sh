#!/usr/bin/env bash
# --file replays on a file of the user's, and only on his word.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv
echo "dear to its owner" >mine
cp mine before

check "without --overwrite it is refused and left alone"
expect 2 replay t.csv --backend buffered --no-db --file 1=mine
says "--overwrite"
says "mine"
says_one_line
same before mine
[ ! -e uvn-data ] || fail "uvn-data was made"

check "with --overwrite it is what the trace is replayed on"
expect 0 replay t.csv --backend buffered --no-db --file 1=mine --overwrite \
    --json --verify --dir data --memory 1M
is 2097152 "$(stat -c %s mine)" "the size"
counters out >on_mine
expect 0 replay t.csv --backend null --no-db --json --memory 1M
counters out >on_null
same on_null on_mine

check "a folder, a device"
mkdir folder
uvn replay t.csv --backend buffered --no-db --file 1=folder --overwrite
[ "$rc" -eq 2 ] || [ "$rc" -eq 4 ] || fail "exit status $rc"
says_one_line
says "folder"
device=$(find /dev -type b 2>/dev/null | head -n 1)
if [ -n "$device" ]; then
	expect 2 replay t.csv --backend buffered --no-db --file "1=$device" \
	    --overwrite
	says "block device"
	says_one_line
else
	echo "  (no block device in /dev)"
fi

check "the same file twice"
uvn replay t.csv --backend buffered --no-db --file 1=mine --file 2=./mine \
    --overwrite
[ "$rc" -ge 2 ] || fail "exit status $rc"
says_one_line
says "mine"
