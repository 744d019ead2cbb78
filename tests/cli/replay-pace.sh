#!/usr/bin/env bash
# uvn replay --pace: when events happen, what is stored of that, and that it
# changes nothing else.
. "$(dirname "$0")/lib.sh"

# 301 events of three threads, 1 ms apart: 0.3 s.
awk 'BEGIN {
	print "#uvn-trace 1\n#page 4096\n#file 1 size=4194304 path=/one"
	print "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	print "0,5000000,1,1,attach,1,1,0,4194304,r|w|shared|maxw"
	for (i = 1; i <= 300; i++) {
		what = (i % 3 == 0 ? "write" : "read") ",1,1,"
		what = what (i * 7919 % 1024 * 4096) ",4096,"
		if (i % 50 == 0)
			what = "msync,1,1,0,4194304,sync"
		print i "," 5000000 + i * 1000000 ",1," i % 3 + 1 "," what
	}
}' >t.csv

replay() {
	expect 0 replay t.csv --backend null --memory 400K --log ops \
	    --interval 10ms --db p.db --json "$@"
}

check "as fast as can be is the default, and nothing is due"
replay
is asap "$(json '$.tunables.pace')" pace
is null "$(sqlite3 :memory: "SELECT json_type(readfile('out'), '\$.lateness')")" \
    lateness
is "[]" "$(json '$.response')" response
is 0 "$(sql p.db "SELECT count(scheduled_ns) FROM op")" "rows that were due"
is 0 "$(sql p.db "SELECT count(*) FROM response")" "table response"
is 0 "$(sql p.db "SELECT count(*) FROM lateness")" "table lateness"
counters out >asap

check "as recorded takes as long, at least, and has the same counts"
replay --pace trace
[ "$(json '$.wall_ns')" -ge 300000000 ] || fail "faster than the trace"
counters out >trace
same asap trace
is 301 "$(json '$.lateness.count')" "events that had a time"
cp out paced

check "the summary says how late events were"
expect 0 replay t.csv --backend null --no-db --pace 1000
prints "late"
prints "p99"

check "an event is due, then begins, then ends"
is 0 "$(sql p.db "SELECT count(*) FROM op WHERE run = 2 AND
    (scheduled_ns IS NULL OR scheduled_ns > issued_ns OR
    issued_ns > completed_ns OR completed_ns <> issued_ns + latency_ns)")" \
    "rows out of order"
is 0 "$(sql p.db "SELECT count(*) FROM op WHERE run = 2 AND
    kind <> (SELECT id FROM op_kind WHERE name = 'update') AND
    scheduled_ns <> time - 5000000")" "rows due at another time"
is 301 "$(sql p.db "SELECT count(*) FROM op WHERE run = 2")" rows

check "response is latency and lateness together"
is "$(sql p.db "SELECT kind, outcome, timed, count FROM latency
    WHERE run = 2 ORDER BY 1, 2")" "$(sql p.db "SELECT kind, outcome, count,
    count FROM response WHERE run = 2 ORDER BY 1, 2")" "counts"
is 0 "$(sql p.db "SELECT count(*) FROM latency l JOIN response r USING
    (run, kind, outcome) WHERE r.mean < l.mean OR r.max < l.max")" \
    "responses below latencies"
is "$(sql p.db "SELECT sum(completed_ns - scheduled_ns) FROM op WHERE run = 2")" \
    "$(sql p.db "SELECT CAST(round(sum(count * mean)) AS INTEGER) FROM response
    WHERE run = 2")" "sum of the responses"
is "$(sqlite3 :memory: "SELECT json_array_length(readfile('paced'),
    '\$.response')")" "$(sql p.db "SELECT count(*) FROM response
    WHERE run = 2")" "rows in JSON"

check "a factor stretches and shrinks the schedule"
replay --pace 2
counters out >twice
same asap twice
is 150000000 "$(sql p.db "SELECT max(scheduled_ns) FROM op WHERE run = 3")" \
    "the last event, twice as fast"
is 0 "$(sql p.db "SELECT count(*) FROM op WHERE run = 3 AND
    scheduled_ns <> (time - 5000000) / 2")" "rows due at another time"
is 2.0 "$(sql p.db "SELECT pace FROM run WHERE id = 3")" "pace of the run"
replay --pace 3/2
is 200000000 "$(sql p.db "SELECT max(scheduled_ns) FROM op WHERE run = 4")" \
    "the last event, 3/2 as fast"
replay --pace 0.5 --sync_interval 100ms
[ "$(json '$.wall_ns')" -ge 600000000 ] || fail "faster than half as fast"
counters out >paced_syncs
replay --sync_interval 100ms
counters out >syncs
same syncs paced_syncs

check "a tick has its own time, before the event that follows"
is "190000000 390000000 590000000 " "$(sql p.db "SELECT scheduled_ns FROM ops
    WHERE run = 5 AND kind = 'update' ORDER BY n" | tr '\n' ' ')" "ticks"

check "each thread has its latencies and waits"
is "1 2 3 " "$(sql p.db "SELECT DISTINCT tid FROM thread_latency WHERE run = 2
    AND role = 'trace' ORDER BY tid" | tr '\n' ' ')" "threads"
is "$(sql p.db "SELECT tid, kind, count(*), max(latency_ns) FROM ops
    WHERE run = 2 GROUP BY 1, 2")" "$(sql p.db "SELECT tid, kind, count, max
    FROM thread_latency WHERE run = 2 ORDER BY 1, 2")" "counts and largest"
is "$(sql p.db "SELECT sum(value) FROM counter WHERE run = 2 AND
    name IN ('pagein_ios', 'pageout_ios')")" "$(sql p.db "SELECT sum(count)
    FROM wait WHERE run = 2 AND kind = 'device'")" "waits for the device"
is "$(sql p.db "SELECT count(*) FROM ops WHERE run = 5 AND kind = 'update'")" \
    "$(sql p.db "SELECT sum(count) FROM thread_latency WHERE run = 5 AND
    role = 'update'")" "the syncer's"

check "intervals tell of I/O under way"
is "1|1" "$(sql p.db "SELECT min(depth_most), max(depth_most) FROM interval
    WHERE run = 2")" "the most"
is 0 "$(sql p.db "SELECT count(*) FROM interval WHERE run = 2 AND
    (depth < 0 OR depth > 1 OR real_ns IS NULL)")" "depths that cannot be"
[ "$(sql p.db "SELECT sum(real_ns) FROM interval WHERE run = 2")" -ge \
    290000000 ] || fail "intervals shorter than the run"
replay --async_put on --profile modern --readahead fixed
most=$(json '$.counters.depth_most')
[ "$most" -gt 1 ] || fail "one I/O at a time"
is "$most" "$(sql p.db "SELECT max(depth_most) FROM interval
    WHERE run = (SELECT max(id) FROM run)")" "most I/Os under way"

check "with I/O under way while it waits, every byte is right"
sed '/^300,/d; s/4194304,sync/4194304,async/' t.csv >async.csv
uvn replay async.csv --backend uring --profile modern --memory 400K --verify \
    --pace trace --db u.db --json
if [ "$rc" -eq 4 ]; then
	echo "  (not here: $(cat err))"
else
	[ "$rc" -eq 0 ] || fail "exit status $rc"
	is passed "$(json '$.verify')" verify
	[ "$(json '$.counters.aiodones')" -gt 0 ] || fail "no I/O was started"
	# Intervals know a synchronous I/O beside those that were started.
	most=$(json '$.counters.depth_most')
	is 1 "$(sql u.db "SELECT max(depth_most) BETWEEN max($most, 1) AND
	    $most + 1 FROM interval")" "most I/Os under way, given $most,"
	is 300 "$(sql u.db "SELECT count FROM lateness")" "events that had a time"
fi

check "threads beyond the 64th share a row, and that is said"
awk 'BEGIN {
	print "#uvn-trace 1\n#page 4096\n#file 1 size=4194304 path=/one"
	print "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	print "0,0,1,1,attach,1,1,0,4194304,r|w|shared|maxw"
	for (i = 1; i <= 300; i++)
		print i "," i ",1," (i % 70 + 1) ",read,1,1," (i * 4096) ",4096,"
}' >many.csv
expect 0 replay many.csv --backend null --db p.db --json
says "more than 64 threads"
says_one_line
is "64|1" "$(sql p.db "SELECT count(DISTINCT tid),
    count(DISTINCT thread) FILTER (WHERE role = 'others')
    FROM thread_latency WHERE run = (SELECT max(id) FROM run)")" "threads"
is 301 "$(sql p.db "SELECT sum(count) FROM thread_latency
    WHERE run = (SELECT max(id) FROM run)")" "operations of all"

check "a signal ends the wait for the next event"
{ sed -n 1,4p t.csv; echo "0,0,1,1,attach,1,1,0,4194304,r|w|shared|maxw"
    echo "1,3600000000000,1,1,read,1,1,0,4096,"; } >hour.csv
"$UVN" replay hour.csv --backend null --db h.db --pace trace >out 2>err &
pid=$!
wait_for 10 sh -c "sqlite3 h.db 'SELECT 1 FROM run' 2>/dev/null | grep -q 1" ||
    fail "the run did not begin"
sleep 0.2
kill -INT $pid
wait $pid
is 1 $? "exit status"
# It may have come before the first event.
is "interrupted|1" "$(sql h.db "SELECT status, events <= 1 FROM run")" "the run"

check "what is no pace is refused with what would be one"
for bad in none 0 -1 fast 2x 1/0; do
	expect 2 replay t.csv --backend null --no-db --pace "$bad"
	silent
	says_one_line
	says pace
done
expect 2 replay t.csv --backend null --no-db --pace 1/1001
says "1/1000"
