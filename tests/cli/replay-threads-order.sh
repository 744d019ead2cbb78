#!/usr/bin/env bash
# --threads trace: what happens in order nevertheless, and what is known of it.
. "$(dirname "$0")/lib.sh"

# What every trace here begins with: N files of 40 pages.
head_csv() {
	local i

	printf '#uvn-trace 1\n#page 4096\n'
	for ((i = 1; i <= $1; i++)); do
		echo "#file $i size=163840 path=/f$i"
	done
	echo seq,time_ns,pid,tid,op,file,map,offset,length,flags
}

# threaded TRACE ARG...: a replay by threads that has to end well.
threaded() {
	expect 0 replay --backend null --threads trace --json "$@"
}

check "an exit is over before its process number is another's"
{
	head_csv 1
	echo '0,0,1,1,attach,1,1,0,163840,r|w|shared'
	echo '1,1,2,2,attach,1,2,0,163840,r|w|shared'
	echo '2,2,1,1,exit,0,0,0,0,'
	echo '3,3,1,3,attach,1,3,0,163840,r|w|shared'
	for ((i = 4; i < 54; i++)); do
		echo "$i,$i,1,3,read,1,3,$((i % 40 * 4096)),4096,"
	done
} >exit.csv
for ((seed = 1; seed <= 20; seed++)); do
	threaded --no-db --chaos 300 --chaos_seed $seed exit.csv
	is 50 "$(json '$.counters.accesses')" "accesses with seed $seed"
done

check "a file is closed after it was opened"
# Else the close does nothing, and the vnode is held for ever.  The exit is
# waited for; what follows takes the vnode of every file that is not open.
{
	head_csv 610
	awk 'BEGIN {
		for (f = 1; f <= 300; f++) {
			print n++ "," n ",1,1,open," f ",0,0,0,"
			print n++ "," n ",1,2,close," f ",0,0,0,"
			print n++ "," n ",1,1,attach," f "," f \
			    ",0,163840,r|w|shared"
			print n++ "," n ",1,1,write," f "," f ",0,4096,"
			print n++ "," n ",1,1,detach," f "," f ",0,163840,"
		}
		print n++ "," n ",2,2,exit,0,0,0,0,"
		for (; f <= 610; f++)
			print n++ "," n ",1,1,attach," f "," f \
			    ",0,163840,r|w|shared"
	}'
} >open.csv
expect 0 replay --backend null --no-db --max_vnodes 310 --json open.csv
recycled=$(json '$.counters.vnodes_recycled')
[ "$recycled" -ge 300 ] || fail "only $recycled vnodes recycled by one thread"
threaded --no-db --max_vnodes 310 --chaos 100 open.csv
is "$recycled" "$(json '$.counters.vnodes_recycled')" "vnodes recycled"

check "a failure ends the wait of the others"
{
	head_csv 1
	echo '0,0,1,1,attach,1,1,0,163840,r|w|shared'
	echo '1,0,1,2,read,1,1,0,4096,'
	echo '2,1000000,1,2,read,1,9,0,4096,'
	echo '3,3600000000000,1,1,read,1,1,0,4096,'
	echo '4,7200000000000,1,2,read,1,1,0,4096,'
} >hour.csv
timeout 20 "$UVN" replay --no-db --backend null --threads trace --pace trace \
    hour.csv >out 2>err
is 3 $? "exit status"
says "event 2: read: unknown map"
says_one_line

check "events are counted when they are done, and the first failure is told"
# All before the exit are done; the others' next events are due in an hour.
{
	head_csv 1
	echo '0,0,1,1,attach,1,1,0,163840,r|w|shared'
	for ((i = 1; i <= 40; i++)); do
		echo "$i,$i,1,$((i % 4 + 1)),read,1,1,0,4096,"
	done
	echo '41,41,9,2,exit,0,0,0,0,'
	echo '42,42,1,2,read,1,9,0,4096,'
	for ((i = 43; i < 200; i++)); do
		echo "$i,3600000000000,1,$((i % 4 + 1)),read,1,1,0,4096,"
	done
} >done.csv
timeout 20 "$UVN" replay --db d.db --backend null --threads trace --pace trace \
    --json done.csv >out 2>err
is 3 $? "exit status"
says "event 42: read: unknown map"
is 42 "$(json '$.events')" "events in JSON"
is 42 "$(sql d.db "SELECT events FROM run")" "events of the run"
is 40 "$(json '$.counters.accesses')" "accesses"

check "a signal ends a run whose events are all given out, and counts them"
sed 's/,read,1,9,/,read,1,1,/' done.csv >wait.csv
"$UVN" replay --db w.db --backend null --threads trace --pace trace \
    --progress wait.csv >out 2>err &
pid=$!
wait_for 20 grep -q "43 events" err || fail "no line says how far it is"
kill -INT $pid
wait $pid
is 1 $? "exit status"
says "interrupted after 43 events"
is "interrupted|43" "$(sql w.db "SELECT status, events FROM run")" "the run"

check "threads beyond the 64th are counted as they are by one thread"
# The first runs alone, and comes back after 64 others.
{
	head_csv 1
	echo '0,0,1,1,attach,1,1,0,163840,r|w|shared'
	awk 'BEGIN {
		n = 1
		for (t = 2; t <= 65; t++)
			print n++ "," n ",1," t ",read,1,1,0,4096,"
		for (i = 0; i < 900; i++)
			print n++ "," n ",1,1,read,1,1,0,4096,"
		for (t = 66; t <= 70; t++)
			for (i = 0; i < 100; i++)
				print n++ "," n ",1," t ",read,1,1,0,4096,"
	}'
} >many.csv
# rows: of thread_latency by thread, of the last run.
rows() {
	sql m.db "SELECT role, tid, kind, sum(count) FROM thread_latency
	    WHERE run = (SELECT max(id) FROM run) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
}
expect 0 replay --backend null --db m.db --log ops many.csv
rows >one
expect 0 replay --backend null --db m.db --log ops --threads trace many.csv
rows >trace
same one trace
is "900|501" "$(sql m.db "SELECT sum(count) FILTER (WHERE tid = 1 AND
    kind = 'read'), sum(count) FILTER (WHERE role = 'others')
    FROM thread_latency WHERE run = (SELECT max(id) FROM run)")" "reads"

check "an interval has what happened in its time"
{
	head_csv 1
	echo '0,5000000,1,1,attach,1,1,0,163840,r|w|shared'
	for ((i = 1; i <= 300; i++)); do
		echo "$i,$((5000000 + i * 1000000)),1,$((i % 3 + 1)),read,1,1,$((i % 40 * 4096)),4096,"
	done
} >t.csv
# intervals: those of the last run.
intervals() {
	sql i.db "SELECT $1 FROM interval
	    WHERE run = (SELECT max(id) FROM run) ORDER BY time"
}
expect 0 replay t.csv --backend null --interval 10ms --db i.db
intervals "time, accesses, misses" >one
is 31 "$(wc -l <one)" "intervals of one thread"
expect 0 replay t.csv --backend null --interval 10ms --db i.db --threads trace \
    --chaos 20
intervals "time, accesses, misses" >trace
same one trace
expect 0 replay t.csv --backend null --db i.db
intervals "time, accesses" >one
expect 0 replay t.csv --backend null --db i.db --threads trace
intervals "time, accesses" >trace
same one trace

check "with pace, too, though later events are given out already"
# 3 s.  A thread that the host holds up falls behind: rows are late, not lost.
sed 's/000000,1,/0000000,1,/' t.csv >slow.csv
expect 0 replay slow.csv --backend null --interval 100ms --db i.db \
    --threads trace --pace trace --progress
is 300 "$(intervals "sum(accesses)")" "accesses in all intervals"
rows=$(intervals "count(*)")
if [ "$rows" -lt 5 ] || [ "$rows" -gt 31 ]; then
	fail "$rows intervals"
fi
most=$(intervals "max(accesses)")
[ "$most" -lt 200 ] || fail "$most accesses in one interval of 10"
[ "$(intervals "sum(real_ns)")" -ge 2900000000 ] ||
    fail "intervals shorter than the run"

check "one line tells how far it is, and is removed at its end"
tr '\r' '\n' <err | sed -n 's/^\([0-9]*\) events, .*/\1/p' >lines
[ -s lines ] || fail "no line"
sort -n lines >sorted
same lines sorted
is "$(printf '\r\033[K' | od -An -c)" "$(tail -c 4 err | od -An -c)" \
    "the end of standard error"

check "what ended the run is told, not a call that failed before"
{
	head_csv 1
	echo '0,0,1,1,attach,1,1,0,163840,r|w|shared'
	echo '1,1,1,2,pwrite,1,0,163840,1048576,'
	echo '2,2,9,1,exit,0,0,0,0,'
	echo '3,3,1,1,read,1,9,0,4096,'
} >full.csv
sed '$s/,9,0,4096/,1,0,4096/' full.csv >call.csv
mkdir small
# full THREADS TRACE: with a file system of 512 KiB; false: there is none here.
full() {
	local how

	for how in "--mount" "--user --map-root-user --mount"; do
		# shellcheck disable=SC2016,SC2086
		unshare $how sh -c 'mount -t tmpfs -o size=512k none small ||
		    exit 99
		    exec "$@"' sh "$UVN" replay "$2" --no-db --dir small/d \
		    --backend buffered --threads "$1" >out 2>err
		rc=$?
		grep -q "^uvn" err && return 0
	done
	echo "  (not here: no right to mount a small file system)"
	return 1
}
for threads in one trace; do
	full $threads full.csv || break
	is 3 "$rc" "exit status"
	says "event 3: read: unknown map"
	says_one_line
	full $threads call.csv
	is 1 "$rc" "exit status"
	says "event 1: pwrite failed: No space left on device: small/d/"
	says_one_line
done
