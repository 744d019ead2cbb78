#!/usr/bin/env bash
# The summary of uvn replay: what it says, its width, and progress apart.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv

check "the summary says what the counters say, within 80 columns"
expect 0 replay t.csv --json --backend null --memory 1M --no-db
cp out json
expect 0 replay t.csv --backend null --memory 1M
awk 'length > 79 { bad = 1 } END { exit bad }' out || fail "a long line"
[ ! -s err ] || fail "progress without a terminal"
number() {
	sqlite3 :memory: "SELECT printf('%,d',
	    json_extract(readfile('json'), '\$.counters.$1'))"
}
for row in "accesses:accesses" "  mapped:mapped_hits" \
    "  resident:resident_hits" "  miss:misses" "faults:faults" \
    "page-ins:pagein_ios" "page-outs:pageout_ios" "dirtied:dirtied" \
    "flushes:flushes"; do
	grep -qE "^${row%:*} +$(number "${row#*:}")( |\$)" out ||
	    fail "no line '${row%:*}' with $(number "${row#*:}")"
done
prints "t.csv"
prints "complete"
prints "memory=1M"
prints "run           1 in uvn.db"
grep -qE '^  write +miss +[0-9,]+ ' out || fail "no latency of write misses"

check "--progress shows progress on standard error, --no-progress does not"
trace_csv long.csv 60000
expect 0 replay long.csv --backend null --progress --no-db --paranoid
grep -q "events" err || fail "no progress"
expect 0 replay t.csv --backend null --no-progress --no-db
[ ! -s err ] || fail "something on standard error"

check "--history prints the pager's last steps to standard error"
expect 0 replay t.csv --backend null --history 7 --no-db --quiet
silent
is 7 "$(wc -l <err)" "the number of lines"

check "a memory too small for the window of the recording is remarked"
sed '1a #window 64' t.csv >w.csv
expect 0 replay w.csv --backend null --memory 512K --no-db
says "window of 64 pages"
expect 0 replay w.csv --backend null --memory 1M --no-db
[ ! -s err ] || fail "a warning for memory of four windows"

check "so is a recording without re-references, whatever the memory"
sed '1a #window inf' t.csv >inf.csv
paranoid='' expect 0 replay inf.csv --backend null --memory 1G --no-db
says_one_line
says "inf.csv was recorded without re-references"
paranoid='' expect 0 replay inf.csv --backend null --memory 1G --no-db --quiet
[ ! -s err ] || fail "--quiet says something"

check "so are records that were lost, once"
sed '1a #lost 42' t.csv >lost.csv
expect 0 replay lost.csv --backend null --memory 1M --no-db
says_one_line
says "lost.csv lacks 42 records"
sed '1a #window 64\n#lost 42' t.csv >both.csv
expect 0 sweep both.csv --backend null --memory 512K --axis cluster=4K,64K \
    --no-progress
is 1 "$(grep -c 'window of 64 pages' err)" "remarks on the window"
is 1 "$(grep -c 'lacks 42 records' err)" "remarks on what was lost"

check "--paranoid finds nothing wrong"
expect 0 replay t.csv --backend null --memory 1M --paranoid --no-db --quiet

check "standard output that cannot be written is exit status 4"
if [ -e /dev/full ]; then
	"$UVN" replay t.csv --backend null --no-db >/dev/full 2>err
	is 4 $? "exit status"
	says "standard output cannot be written"
	says_one_line
fi

check "a trace from standard input"
"$UVN" replay - --backend null --no-db --json --memory 1M <t.csv >out 2>err ||
    fail "exit status $?"
counters out >from_stdin
counters json >from_file
same from_file from_stdin
