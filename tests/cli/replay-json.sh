#!/usr/bin/env bash
# uvn replay --json: one object on standard output and nothing else there,
# which the database agrees with.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv

check "standard output is one object with all members"
expect 0 replay t.csv --json --backend null --memory 1M --log ops
[ ! -s err ] || fail "something on standard error"
is 1 "$(sqlite3 :memory: "SELECT json_valid(readfile('out'))")" "json_valid"
for name in version run db status trace digest seed events wall_ns cpu_ns \
    rows waits verify tunables counters latency; do
	[ -n "$(json "\$.$name")" ] || fail "no member $name"
done
is complete "$(json '$.status')" status
is t.csv "$(json '$.trace')" trace
is 3000 "$(json '$.events')" events
is uvn.db "$(json '$.db')" db
is 1 "$(json '$.run')" run
cp out first

check "counters: every one, integers, and the same as in the database"
expect 0 params --counters
sed 1d out | grep -oE '^[a-z0-9_]+' | sort >names
sqlite3 :memory: "SELECT key FROM json_each(readfile('first'), '\$.counters')
    WHERE type = 'integer'" | sort >integers
same names integers
sqlite3 :memory: "SELECT key || '|' || value
    FROM json_each(readfile('first'), '\$.counters') ORDER BY key" >of_json
sql uvn.db "SELECT name, value FROM counter WHERE run = 1
    AND name IN (SELECT key FROM json_each(readfile('first'), '\$.counters'))
    ORDER BY name" >of_db
same of_json of_db

check "an access is a mapped hit, a resident hit, a miss, or was refused"
cp first out
sum=$(($(json '$.counters.mapped_hits') + $(json '$.counters.resident_hits') +
    $(json '$.counters.misses')))
[ $sum -le "$(json '$.counters.accesses')" ] || fail "more than accesses"
[ "$(json '$.counters.misses')" -gt 0 ] || fail "no miss"
[ "$(json '$.counters.pageout_ios')" -gt 0 ] || fail "no page-out"

check "latencies: counts of reads and writes add up to the accesses"
is "$(json '$.counters.accesses')" "$(sqlite3 :memory: "SELECT
    sum(json_extract(value, '\$.count'))
    FROM json_each(readfile('first'), '\$.latency')
    WHERE json_extract(value, '\$.kind') IN ('read', 'write')")" "their sum"

check "--quiet leaves the object and takes the summary"
expect 0 replay t.csv --json --quiet --backend null --no-db
is complete "$(json '$.status')" status
expect 0 replay t.csv --quiet --backend null --no-db
silent

check "--no-db: null for run and db, no file"
rm -f uvn.db
expect 0 replay t.csv --json --backend null --no-db
is "null|null" "$(sqlite3 :memory: "SELECT json_type(readfile('out'), '\$.run'),
    json_type(readfile('out'), '\$.db')")" "types"
[ ! -e uvn.db ] || fail "uvn.db was made"

check "a run that cannot begin prints no object"
expect 3 replay nothing.csv --json --backend null
silent
says "nothing.csv"
says_one_line
[ ! -e uvn.db ] || fail "uvn.db was made"
