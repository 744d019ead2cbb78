#!/usr/bin/env bash
# uvn sweep: cells, their order and their results; what it prints and stores.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv
trace_csv u.csv 2000
fixed=(--backend null --memory 1M)

check "every point, each repeat; one row each of run and sweep_cell"
expect 0 sweep t.csv "${fixed[@]}" --axis hash_penalty=0,1/4..4*4,inf \
    --axis cluster=4K,64K --repeat 3
prints "sweep 1 in uvn.db: 30 cells"
prints "sweep 1: 30 of 30 cells complete; 30 replayed in "
is 30 "$(grep -c ' complete$' out)" "lines of the table"
is "30 30 10" "$(sql uvn.db "SELECT count(*) || ' ' || count(DISTINCT cell)
    || ' ' || count(DISTINCT hash_penalty || '/' || cluster) FROM run
    WHERE status = 'complete' AND sweep = 1")" "runs"
is 30 "$(sql uvn.db "SELECT count(*) FROM sweep_cell c JOIN run r
    ON r.id = c.run AND r.cell = c.cell AND r.repeat = c.repeat
    AND r.tunables = c.tunables AND r.digest = c.digest AND r.trace = c.trace
    WHERE c.sweep = 1 AND c.status = 'complete'")" "cells with their runs"
is "complete 30 0" "$(sql uvn.db "SELECT status || ' ' || cells || ' ' ||
    resumed FROM sweep WHERE finished IS NOT NULL")" "the sweep"
is '[{"name":"hash_penalty","values":["0","1/4","1","4","inf"]},{"name":"cluster","values":["4K","64K"]}]' \
    "$(sql uvn.db "SELECT axes FROM sweep")" "the axes"

check "each repeat is a block of its own, in an order of its own"
is "10 10 10" "$(sql uvn.db "SELECT group_concat(k, ' ') FROM (SELECT
    count(DISTINCT tunables) AS k FROM sweep_cell GROUP BY n / 10, repeat)")" \
    "points a block"
is 3 "$(sql uvn.db "SELECT count(DISTINCT o) FROM (SELECT
    group_concat(hash_penalty || cluster) AS o FROM (SELECT repeat,
    tunables ->> 'hash_penalty' AS hash_penalty,
    tunables ->> 'cluster' AS cluster FROM sweep_cell ORDER BY n)
    GROUP BY repeat)")" "orders"

check "a cell's counters are those of uvn replay"
for n in 0 7; do
	sql uvn.db "SELECT command FROM run WHERE id = (SELECT run FROM
	    sweep_cell WHERE n = $n)" >command
	grep -q '^uvn replay t.csv --set ' command || fail "$(cat command)"
	(
		# shellcheck disable=SC2317
		uvn() { "$UVN" "$@"; }
		# shellcheck disable=SC1091
		. ./command
	) >out 2>err || fail "$(cat command)"
	is "" "$(sql uvn.db "SELECT a.name, a.value, b.value FROM counter a
	    JOIN counter b USING (name) WHERE b.run = (SELECT max(id) FROM run)
	    AND a.run = (SELECT run FROM sweep_cell WHERE n = $n)
	    AND a.value IS NOT b.value")" "the difference"
	is "" "$(sql uvn.db "SELECT a.caller, a.writes, b.writes
	    FROM flush_total a JOIN flush_total b USING (caller, method)
	    WHERE b.run = (SELECT max(id) FROM run)
	    AND a.run = (SELECT run FROM sweep_cell WHERE n = $n)
	    AND (a.writes, a.visits) IS NOT (b.writes, b.visits)")" \
	    "the difference of flushes"
done

check "the same command again replays nothing, and stays that sweep"
runs=$(sql uvn.db "SELECT count(*) FROM run")
expect 0 sweep t.csv "${fixed[@]}" --axis hash_penalty=0,1/4..4*4,inf \
    --axis cluster=4K,64K --repeat 3
prints "sweep 1 in uvn.db goes on: 30 cells, 30 of them there already"
is "$runs" "$(sql uvn.db "SELECT count(*) FROM run")" "runs"
is "complete 0" "$(sql uvn.db "SELECT status || ' ' || resumed FROM sweep")" \
    "the sweep"

check "another sweep takes from the first what they share"
expect 0 sweep t.csv "${fixed[@]}" --axis hash_penalty=1,2 --quiet
silent
is $((runs + 1)) "$(sql uvn.db "SELECT count(*) FROM run")" "runs"
is "1 2" "$(sql uvn.db "SELECT group_concat(DISTINCT run.sweep)
    FROM sweep_cell AS c JOIN run ON c.run = run.id WHERE c.sweep = 2
    ORDER BY 1" | tr , '\n' | sort | xargs)" "the sweeps of its runs"

check "--fresh replays all of it as a sweep of its own"
expect 0 sweep t.csv "${fixed[@]}" --axis hash_penalty=1,2 --quiet --fresh
is 2 "$(sql uvn.db "SELECT count(*) FROM run WHERE sweep =
    (SELECT max(id) FROM sweep)")" "runs"

check "the command of a sweep's row repeats it"
sql uvn.db "SELECT command FROM sweep WHERE id = 1" >command
(
	# shellcheck disable=SC2317
	uvn() { "$UVN" "$@"; }
	# shellcheck disable=SC1091
	. ./command
) >out 2>err || fail "$(cat command)"
prints "sweep 1 in uvn.db goes on: 30 cells, 30 of them there already"

check "two traces, --pairs, and JSON"
expect 0 sweep t.csv u.csv "${fixed[@]}" --db two.db --json --pairs \
    --axis hash_penalty=1/4,4 --axis cluster=16K,64K --repeat 2 --jobs 2
is complete "$(json '$.status')" status
is 8 "$(json '$.complete')" complete
is 2 "$(json '$.jobs')" jobs
is "2 8 2 2" "$(sqlite3 :memory: "SELECT json_array_length(j, '$.traces')
    || ' ' || json_array_length(j, '$.cells') || ' ' ||
    (SELECT count(DISTINCT json_extract(value, '$.values'))
	FROM json_each(j, '$.cells')) || ' ' ||
    (SELECT count(DISTINCT json_extract(value, '$.digest'))
	FROM json_each(j, '$.cells'))
    FROM (SELECT CAST(readfile('out') AS TEXT) AS j)")" "lengths"
is 8 "$(sqlite3 two.db "SELECT count(*) FROM json_each(
    CAST(readfile('out') AS TEXT), '$.cells') AS c JOIN run
    ON run.id = c.value ->> 'run' AND run.status = c.value ->> 'status'
    AND run.cell = c.value ->> 'cell' AND run.wall_ns = c.value ->> 'wall_ns'
    AND run.accesses = c.value ->> 'accesses'
    JOIN counter ON counter.run = run.id AND counter.name = 'pageout_ios'
    AND counter.value = c.value ->> 'writes'
    WHERE c.value ->> '\$.values.cluster' = run.tunables ->> 'cluster'")" \
    "cells that the database bears out"

check "no axis: one configuration, repeated"
expect 0 sweep t.csv "${fixed[@]}" --db one.db --repeat 5 --quiet
is "5 5 1" "$(sql one.db "SELECT count(*) || ' ' || count(DISTINCT repeat)
    || ' ' || count(DISTINCT tunables) FROM run")" "runs"

check "a cell that cannot work is stored with its reason; the others go on"
expect 1 sweep t.csv --backend null --db bad.db --axis memory=8K,1M,2M
prints "2 of 3 cells complete, 1 failed"
prints "failed: memory=8192 is 2 pages"
says "1 of 3 cells failed; the first: memory=8192 is 2 pages"
says_one_line
is "failed 1 of 3 cells failed" "$(sql bad.db "SELECT status || ' ' || reason
    FROM sweep")" "the sweep"
is "2 1 1" "$(sql bad.db "SELECT
    sum(status = 'complete' AND run IS NOT NULL) || ' ' ||
    sum(status = 'failed' AND run IS NULL) || ' ' ||
    sum(reason LIKE 'memory=8192 is%') FROM sweep_cell")" "cells"

check "so is one that fails when it begins"
expect 1 sweep t.csv --memory 1M --db bad2.db --verify --jobs 1 \
    --axis backend=null,buffered
is "complete," "$(sql bad2.db "SELECT status || ',' || coalesce(reason, '')
    FROM sweep_cell WHERE tunables ->> 'backend' = 'buffered'")" "buffered"
is 1 "$(sql bad2.db "SELECT reason LIKE '--verify: backend null moves no bytes%'
    FROM sweep_cell WHERE tunables ->> 'backend' = 'null'
    AND status = 'failed'")" "null"
is passed "$(sql bad2.db "SELECT verify FROM run")" "verify"

check "a trace too large to share gives the same counters"
expect 0 sweep t.csv "${fixed[@]}" --db share.db --axis cluster=4K,64K --share 0
expect 0 sweep t.csv "${fixed[@]}" --db share.db --axis cluster=4K,64K --fresh
is 0 "$(sql share.db "SELECT count(*) FROM counter a JOIN counter b USING (name)
    JOIN run x ON x.id = a.run JOIN run y ON y.id = b.run
    WHERE x.cell = y.cell AND a.value IS NOT b.value")" "differences"
is 2 "$(sql share.db "SELECT count(DISTINCT cell) FROM run")" "cells"
expect 0 sweep t.csv "${fixed[@]}" --db share2.db --share 1K
says "t.csv: its decoded events take more than"
says "each cell reads the file"

check "combinations that settle as the same are there once"
expect 0 sweep t.csv "${fixed[@]}" --db same.db --axis freemin=0,12,13
says "left out 1 combinations that are the same as another"
is 2 "$(sql same.db "SELECT count(*) FROM run")" "runs"

check "several jobs on a device have a folder each"
expect 0 sweep t.csv --backend buffered --memory 1M --db dev.db --dir files \
    --jobs 2 --axis cluster=4K,16K,64K --verify --quiet
is "job-0 job-1" "$(cd files && echo *)" "folders"
is "complete|passed|3" "$(sql dev.db "SELECT status, verify, count(*) FROM run
    GROUP BY status, verify")" "runs"
expect 0 sweep t.csv --backend buffered --memory 1M --db dev.db --dir one \
    --fresh --quiet
[ -f one/file-1.dat ] || fail "one job does not use the folder itself"
is 1 "$(sql dev.db "SELECT jobs FROM sweep ORDER BY id DESC LIMIT 1")" \
    "the default with a device"

check "--flush-both and --events reach the cells"
expect 0 sweep t.csv "${fixed[@]}" --db both.db --flush-both \
    --events page-faults --quiet
expect 0 replay t.csv --backend null --memory 1M --db both.db --flush-both --quiet
is 1 "$(sql both.db "SELECT count(DISTINCT n) FROM (SELECT
    count(*) || ' ' || count(list_ns) AS n FROM flush GROUP BY run)")" \
    "whether flushes are measured both ways, as by uvn replay"
[ "$(sql both.db "SELECT count(*) FROM event")" -gt 0 ] || fail "no event"
grep -q -- "--flush-both --events page-faults" \
    <(sql both.db "SELECT command FROM run") || fail "the command lacks them"
