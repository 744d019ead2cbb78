#!/usr/bin/env bash
# --inject: faults to order on the real program; what they did is told in the
# summary, the JSON and the database, and msync's silence of 1998 with it.
. "$(dirname "$0")/lib.sh"

backends="null buffered"
printf '%s\n' '#uvn-trace 1' '#page 4096' '#file 1 size=65536 path=/one' \
    'seq,time_ns,pid,tid,op,file,map,offset,length,flags' \
    '0,0,1,1,attach,1,1,0,65536,r|w|shared|maxw' \
    '1,1,1,1,write,1,1,0,65536,' \
    '2,2,1,1,msync,1,1,0,65536,sync' \
    '3,3,1,1,read,1,1,0,4096,' >small.csv
for more in direct uring; do
	uvn replay small.csv --no-db --quiet --backend $more --profile modern
	[ "$rc" -eq 0 ] && backends="$backends $more"
done
[ "$backends" = "null buffered direct uring" ] ||
    echo "  (this host has $backends alone)"

# outcome DB: of the msync, as the program saw it.
outcome() {
	sql "$1" "SELECT outcome FROM ops WHERE kind = 'msync'"
}

for backend in $backends; do
	verify=--verify passed=passed
	[ "$backend" = null ] && verify='' passed=off
	rm -f q.db

	check "1998: msync is silent about a page that it lost: $backend"
	# shellcheck disable=SC2086
	expect 1 replay small.csv --db q.db --log ops --backend "$backend" $verify \
	    --profile 1998 --json --inject write:eio@page=5
	says "1 pages lost"
	is ok "$(outcome q.db)" "outcome of msync"
	is 1 "$(json '$.counters.lost_pages')" lost_pages
	is 0 "$(json '$.counters.dirty')" dirty
	is 1 "$(sql q.db "SELECT value FROM counter WHERE name = 'lost_pages'")" \
	    "lost_pages in the database"
	is "$passed" "$(json '$.verify')" verify
	[ "$backend" = null ] ||
	    is 1 "$(json '$.verify_unwritten')" "pages that verify misses"
	is "write:eio@page=5" "$(json '$.inject[0].rule')" rule
	is "$(json '$.inject[0].injected')" "$(sql q.db "SELECT injected FROM inject
	    WHERE rule = 'write:eio@page=5' AND seen = injected")" injected
	is "$(json '$.counters.pageout_errors')" \
	    "$(json '$.inject[0].injected')" "page-outs that failed"

	check "modern: msync says so, and the page stays dirty: $backend"
	rm -f q.db
	# shellcheck disable=SC2086
	expect 1 replay small.csv --db q.db --log ops --backend "$backend" $verify \
	    --profile modern --json --inject write:eio@page=5
	says "event 2: msync failed"
	says "as --inject ordered"
	is error "$(outcome q.db)" "outcome of msync"
	is 0 "$(json '$.counters.lost_pages')" lost_pages
	is 1 "$(json '$.counters.dirty')" dirty
	is "$passed" "$(json '$.verify')" verify
done

check "the summary tells of it"
expect 1 replay small.csv --db q.db --backend buffered --verify \
    --inject write:eio@page=5 --inject 'latency:+1us'
prints "injected "
prints "write:eio@page=5"
prints "latency:+1us"
prints "lost                        1 pages"
prints "1 of them as their writes failed"

check "the command in the database repeats it"
command=$(sql q.db "SELECT command FROM run ORDER BY id DESC LIMIT 1")
case $command in
*"--inject write:eio@page=5 --inject latency:+1us"*) ;;
*) fail "$command" ;;
esac

check "the same seed draws the same faults, another one others"
trace_csv t.csv
for run in 1 1-again 2; do
	expect 1 replay t.csv --no-db --json --backend null --memory 1M \
	    --seed "${run%-again}" --inject write:eio@p=0.2
	counters out >"counters-$run"
done
same counters-1 counters-1-again
cmp -s counters-1 counters-2 && fail "seeds 1 and 2 draw the same"

check "every, nth, file and after hit what they say"
expect 1 replay t.csv --no-db --json --backend null --memory 1M \
    --inject write:eio@every=10 --inject read:eio@nth=7 \
    --inject read:+1us@file=2 --inject write:enospc@after=1M
is "$(($(json '$.inject[0].seen') / 10))" "$(json '$.inject[0].injected')" every
is 1 "$(json '$.inject[1].injected')" nth
[ "$(json '$.inject[2].seen')" -lt "$(json '$.inject[1].seen')" ] ||
    fail "file=2 is every file"
[ "$(json '$.inject[3].seen')" -lt "$(json '$.inject[0].seen')" ] ||
    fail "after=1M is from the start"
[ "$(json '$.inject[3].injected')" -gt 0 ] || fail "the disk is never full"

check "a short write passes for a whole one in 1998 alone"
expect 1 replay small.csv --no-db --json --backend buffered --verify \
    --inject write:short
is passed "$(json '$.verify')" verify
[ "$(json '$.counters.short_writes')" -gt 0 ] || fail "none is counted"
[ "$(json '$.verify_unwritten')" -gt 0 ] || fail "verify misses nothing"
expect 1 replay small.csv --no-db --json --backend buffered --verify \
    --profile modern --inject write:short
is passed "$(json '$.verify')" verify
is 0 "$(json '$.counters.short_writes')" short_writes
says "msync failed"

check "a device that is late loses nothing"
for backend in $backends; do
	for profile in 1998 modern; do
		expect 0 replay small.csv --no-db --json --backend "$backend" \
		    --profile $profile --inject latency:+2ms
		[ "$(json '$.wall_ns')" -ge 2000000 ] || fail "no delay"
		[ "$(json '$.inject[0].injected')" -gt 0 ] || fail "none is late"
		# The null backend's own I/O is not timed, but a delay is.
		[ "$(sqlite3 :memory: "SELECT sum(value ->> '\$.ns')
		    FROM json_each(readfile('out'), '\$.wait')")" -ge 2000000 ] ||
		    fail "no wait"
	done
done

check "a bad rule is refused in one line, before a database is made"
for rule in write write:eoi wrote:eio write:eio@evry=1 write:eio@every=0 \
    sync:short latency:eio read:eio@p=2; do
	expect 2 replay small.csv --db none.db --inject "$rule"
	says_one_line
	says "--inject: '$rule'"
	silent
	[ ! -e none.db ] || fail "a database was made"
done
