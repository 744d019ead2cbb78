#!/usr/bin/env bash
# The first signal ends a run cleanly, the second at once; a killed run is seen
# to be unfinished, and the runs before it stay.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv
expect 0 replay t.csv --backend null --quiet

# A trace without end: the replay of what is in the pipe waits for more.
mkfifo endless
begin() {
	rm -f out err
	: >out
	: >err
	# A background job of a shell without job control ignores SIGINT, and
	# so would what it starts: env puts that right.
	env --default-signal=INT,TERM "$UVN" replay - --backend null --json \
	    --no-progress <endless >out 2>err &
	pid=$!
	exec 4>endless
	cat t.csv >&4
	wait_for 20 is_running || fail "the run does not begin"
	# The row comes before the first event: let it get to some.
	sleep 1
}
is_running() {
	[ "$(sql uvn.db "SELECT status FROM run ORDER BY id DESC LIMIT 1" \
	    2>/dev/null)" = running ]
}
# More events, so that the one under way ends.
feed() {
	awk 'BEGIN { for (i = 3000; i < 60000; i++)
		print i "," i "000000,1,1,read,1,1,0,4096," }' >&4 2>/dev/null
}
status_of() {
	sql uvn.db "SELECT status FROM run WHERE id = $1"
}

env --default-signal=INT true 2>/dev/null || skip "env has no --default-signal"

for sig in INT TERM; do
	check "SIG$sig: the partial run is stored as interrupted, exit status 1"
	begin
	kill -$sig $pid
	( trap '' PIPE; feed )
	exec 4>&-
	wait $pid
	is 1 $? "exit status"
	is interrupted "$(sql uvn.db "SELECT status FROM run ORDER BY id DESC
	    LIMIT 1")" "the status of the run"
	is interrupted "$(json '$.status')" "the status in JSON"
	says "interrupted after"
	[ "$(json '$.counters.accesses')" -gt 0 ] || fail "no accesses"
	is "$(json '$.counters.accesses')" "$(sql uvn.db "SELECT value
	    FROM counter WHERE name = 'accesses'
	    AND run = (SELECT max(id) FROM run)")" "accesses in the database"
done

check "a gap of 584 years between two events is no reason not to stop"
for threads in one trace; do
	cat >gap.csv <<-EOF
	#uvn-trace 1
	#page 4096
	#file 1 size=2097152 path=/one
	seq,time_ns,pid,tid,op,file,map,offset,length,flags
	0,0,1,1,attach,1,1,0,2097152,r|w|shared|maxw
	1,10,1,2,write,1,1,0,1048576,
	2,18446744073709551615,1,1,read,1,1,0,4096,
	EOF
	env --default-signal=INT,TERM timeout -s KILL 120 "$UVN" replay \
	    --backend null --threads $threads --no-progress gap.csv \
	    >out 2>err &
	pid=$!
	wait_for 20 is_running || fail "the run does not begin"
	sleep 1
	env kill -INT "$(pgrep -P $pid)"
	wait $pid
	is 1 $? "exit status, threads=$threads"
	says "gap.csv: interrupted after"
done

check "a run that is killed is running, then unfinished; the others stay"
begin
kill -KILL $pid
exec 4>&-
wait $pid 2>/dev/null
killed=$(sql uvn.db "SELECT max(id) FROM run")
is running "$(status_of "$killed")" "the status before the next uvn"
is ok "$(sql uvn.db "PRAGMA integrity_check")" "the database"
expect 0 replay t.csv --backend null --quiet
is unfinished "$(status_of "$killed")" "the status after"
is complete "$(status_of 1)" "the status of the first run"
is ok "$(sql uvn.db "PRAGMA integrity_check")" "the database"

check "the second signal ends it at once"
begin
kill -INT $pid
sleep 0.2
kill -INT $pid 2>/dev/null
wait $pid
rc=$?
exec 4>&-
[ $rc -eq 130 ] || [ $rc -eq 1 ] || fail "exit status $rc"
