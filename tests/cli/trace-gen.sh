#!/usr/bin/env bash
# uvn trace gen and info.
. "$(dirname "$0")/lib.sh"

check "every pattern makes a valid trace, twice the same"
for pattern in sequential descending strided uniform zipf hotcold append mix
do
	expect 0 trace gen $pattern --pages 500 --events 5000 --seed 3 \
	    --files 2 --maps 2 --threads 2 --msync 100 --truncate 500 \
	    --detach yes -o a.uvt
	expect 0 trace check a.uvt
	prints "5000 events, 0 maps left attached, 0 accesses past the end"
	expect 0 trace gen $pattern --pages 500 --events 5000 --seed 3 \
	    --files 2 --maps 2 --threads 2 --msync 100 --truncate 500 \
	    --detach yes -o b.uvt
	same a.uvt b.uvt
done

check "the parameters are in the trace"
expect 0 trace gen zipf --theta 0.5 --set pages=64 --hot-probability 0.5 \
    --events 100 -o a.csv
grep -q '^#generator pattern=zipf pages=64 .* theta=1/2 ' a.csv ||
    fail "no parameters"

check "wrong values name what is meant"
expect 2 trace gen zpif --events 10 -o x.uvt
says "zipf"
expect 2 trace gen zipf --evnets 10 -o x.uvt
says "events"
expect 2 trace gen zipf --events 0 -o x.uvt
says "events"
expect 2 trace gen zipf --page 5000 -o x.uvt
says "power of two"
expect 2 trace gen zipf
says "-o FILE"

check "info counts"
expect 0 trace gen sequential --pages 100 --events 51 --writes 0 -o a.csv
expect 0 trace info a.csv
prints "events       51"
prints "footprint    50 pages, 200.0 KiB"
prints "accesses     50 pages, 0.0 % of them written"
expect 0 trace info a.csv --json
is 51 "$(json '$.events')" events
is 50 "$(json '$.footprint_pages')" footprint_pages
is 50 "$(json '$.ops.read')" reads
is 50000 "$(json '$.duration_ns')" duration_ns
is 409600 "$(json '$.files[0].size')" size
is "$(json '$.digest')" "$("$UVN" trace check a.csv | grep -oE '[0-9a-f]{32}')" \
    digest
