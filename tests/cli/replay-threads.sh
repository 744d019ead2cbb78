#!/usr/bin/env bash
# --threads trace: a thread of its own for each of the trace's.
. "$(dirname "$0")/lib.sh"
samples=$top/traces/samples
hits="accesses mapped_hits resident_hits misses"
# Whole samples, and a look at all of memory after each event takes minutes.
paranoid=

# picked NAME...: counters of the JSON in out.
picked() {
	local name

	for name; do json "\$.counters.$name"; done
}

check "a trace with one thread counts the same"
some="$hits pageout_ios lookups list_visits"
for sample in tdb kyoto-hash; do
	expect 0 replay --no-db --backend null --memory 2M --json "$samples/$sample.uvt"
	# shellcheck disable=SC2086
	picked $some >one
	expect 0 replay --no-db --backend null --memory 2M --threads trace \
	    --json "$samples/$sample.uvt"
	# shellcheck disable=SC2086
	picked $some >trace
	same trace one
done

check "with several, each event of each thread happens"
some="accesses file_reads file_writes fsyncs attaches"
for sample in lld sqlite; do
	expect 0 replay --no-db --backend null --memory 4M --json "$samples/$sample.uvt"
	# shellcheck disable=SC2086
	picked $some >one
	expect 0 replay --no-db --backend null --memory 4M --threads trace \
	    --chaos 2 --json "$samples/$sample.uvt"
	# shellcheck disable=SC2086
	picked $some >trace
	same trace one
	is "$(picked accesses)" "$(($(picked mapped_hits) +
	    $(picked resident_hits) + $(picked misses)))" "$sample: outcomes"
done

# 55 ms of three threads at once; whole, the first alone has 2532 events.
expect 0 trace cut --from 2500 --to 12500 -o three.uvt "$samples/lmdb.uvt"

# together DB: three threads had operations, and of these some began before
# one of another thread had ended.  One after the other, none does.
together() {
	is 3 "$(sql "$1" "SELECT count(DISTINCT tid) FROM op")" threads
	[ "$(sql "$1" "SELECT count(*) FROM (SELECT tid, issued_ns,
	    lag(tid) OVER w AS tid_before, lag(completed_ns) OVER w AS stop
	    FROM op WINDOW w AS (ORDER BY issued_ns)) WHERE tid <> tid_before
	    AND stop > issued_ns")" -gt 0 ] || fail "no two operations at once"
}

check "every byte is right, with synchronous and asynchronous I/O"
expect 0 replay --db b.db --log ops --backend buffered --dir d --memory 2M \
    --threads trace --verify three.uvt
prints "verify        passed"
together b.db
if "$UVN" doctor | grep -q '^ok  *io_uring '; then
	expect 0 replay --db u.db --log ops --backend uring --profile modern \
	    --dir d --overwrite --memory 2M --threads trace --verify three.uvt
	prints "verify        passed"
	together u.db
else
	echo "  (not over io_uring: this host has none)"
fi

check "each thread has its latencies and waits"
expect 0 replay --db t.db --backend null --memory 2M --threads trace \
    --log sample:100 "$samples/lld.uvt"
is 3 "$(sql t.db "SELECT count(DISTINCT tid) FROM thread_latency
    WHERE role = 'trace'")" threads
[ "$(sql t.db "SELECT count(*) FROM op")" -gt 100 ] || fail "rows of operations"
is trace "$(sql t.db "SELECT threads FROM run")" threads
is ok "$(sql t.db "PRAGMA integrity_check")" integrity

check "recorded time is kept by all threads"
expect 0 trace info --json three.uvt
length=$(json '$.duration_ns') events=$(json '$.events')
expect 0 replay --db p.db --backend null --memory 2M --threads trace \
    --pace trace --log ops --json three.uvt
[ "$(json '$.wall_ns')" -ge "$length" ] || fail "faster than the trace"
is "$events" "$(json '$.lateness.count')" "events that had a time"
is 0 "$(sql p.db "SELECT count(*) FROM op WHERE scheduled_ns IS NULL OR
    scheduled_ns > issued_ns")" "operations before their time"
is 3 "$(sql p.db "SELECT count(DISTINCT tid) FROM op")" threads

check "what one thread alone can do is refused"
for option in --flush-both "--events task-clock" "--history 10" --paranoid; do
	# shellcheck disable=SC2086
	expect 2 replay --no-db --backend null --threads trace $option \
	    "$samples/lld.uvt"
	says "${option%% *} needs a run of one thread"
done
for quirk in q9_get_error_busy q11_wlist_unlocked q19_again_sync; do
	expect 2 replay --no-db --backend null --threads trace \
	    --$quirk faithful "$samples/lld.uvt"
	says "$quirk=faithful is not safe with threads=trace"
done

check "more turns of update than anyone can count"
for last in 3600000000000 18446744073709551615; do
	cat >late.csv <<-EOF
	#uvn-trace 1
	#page 4096
	#file 1 size=40960 path=f
	seq,time_ns,pid,tid,op,file,map,offset,length,flags
	0,0,1,1,attach,1,1,0,40960,r|shared
	1,1,1,2,read,1,1,0,4096,
	2,$last,1,1,read,1,1,4096,4096,
	3,$last,1,2,read,1,1,0,4096,
	EOF
	timeout -s KILL 60 "$UVN" replay --no-db --quiet --backend null --threads trace \
	    --sync_interval 1us late.csv >out 2>err </dev/null
	is 0 $? "exit status with an event at $last"
done

check "chaos without threads is refused"
expect 2 replay --no-db --backend null --chaos 2 "$samples/lld.uvt"
says_one_line
says "say --threads trace, or leave --chaos out"

check "a trace that is wrong ends the run"
{
	printf '#uvn-trace 1\n#file 1 size=40960 path=f\n'
	echo seq,time_ns,pid,tid,op,file,map,offset,length,flags
	echo '0,0,1,1,attach,1,1,0,40960,r|w|shared'
	echo '1,1,1,1,read,1,1,0,4096,'
	echo '2,2,1,2,read,1,1,4096,4096,'
	echo '3,3,1,2,read,1,9,4096,4096,'
	echo '4,4,1,1,read,1,1,8192,4096,'
} >bad.csv
expect 3 replay --no-db --backend null --threads trace bad.csv
says "event 3: read: unknown map"
