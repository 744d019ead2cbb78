# What a list step and a lookup cost: table, JSON, database, mistakes.
. "$(dirname "$0")/lib.sh"

quick="--quick --max 256 --repeat 3"

check "a table, and a penalty for each size"
expect 0 calibrate $quick --db a.db
prints "list step ns"
prints "break-even penalty"
prints "one for all of these: --hash_penalty "
is 18 "$(grep -cE '^ +(64|256)  (fresh|aged|shuffled) ' out)" rows
is 2 "$(grep -c '^objects of .*: --hash_penalty ' out)" recommendations
sed -n 's/^o[a-z]* .*--hash_penalty \([^ ]*\) .*/\1/p' out >penalties
is 3 "$(wc -l <penalties)" penalties
while read -r penalty; do
	trace_csv t.csv 100
	expect 0 replay --no-db --backend null --hash_penalty "$penalty" t.csv
done <penalties

check "the database has the rows, as one session"
is "1|18|2|3|3|1" "$(sql a.db "SELECT session, count(*), count(DISTINCT pages),
    count(DISTINCT frames), count(DISTINCT present), count(DISTINCT caches)
    FROM calibration")" calibration
is 0 "$(sql a.db "SELECT count(*) FROM calibration WHERE NOT (list_ns > 0 AND
    lookup_ns > 0 AND break_even > 0 AND list_low <= list_ns AND
    list_ns <= list_high AND started GLOB '20*Z' AND repeats = 3)")" "odd rows"

check "another call is another session"
expect 0 calibrate $quick --seed 5 --db a.db
is "1 2" "$(sql a.db "SELECT DISTINCT session FROM calibration" | tr '\n' ' ' |
    sed 's/ $//')" sessions
is 5 "$(sql a.db "SELECT DISTINCT seed FROM calibration WHERE session = 2")" seed

check "the stored command repeats it"
command=$(sql a.db "SELECT DISTINCT command FROM calibration WHERE session = 2")
expect 0 ${command#uvn }
is 3 "$(sql a.db "SELECT max(session) FROM calibration")" session

check "JSON says the same as the view, and nothing else is printed"
expect 0 calibrate $quick --json --db b.db
is 18 "$(json '$.rows' | sqlite3 :memory: "SELECT json_array_length(
    json_extract(readfile('out'), '\$.rows'))")" "rows of JSON"
is "$(sql b.db "SELECT group_concat(pages || ' ' || round(penalty, 9), ', ')
    FROM (SELECT * FROM figure_calibration_advice WHERE session = 1
	ORDER BY pages)")" \
    "$(sqlite3 :memory: "SELECT group_concat(json_extract(value, '\$.pages') ||
    ' ' || round(json_extract(value, '\$.break_even.median'), 9), ', ')
    FROM json_each(readfile('out'), '\$.recommended')")" recommendations
[ ! -s err ] || fail "something on standard error"
is 1 "$(sqlite3 :memory: "SELECT json_extract(readfile('out'),
    '\$.overall.farthest') >= 1")" "one penalty for all"

check "cold caches are measured unless it is quick"
expect 0 calibrate --min 64 --max 64 --repeat 3 --db c.db
is "cold warm" "$(sql c.db "SELECT DISTINCT caches FROM calibration ORDER BY 1" |
    tr '\n' ' ' | sed 's/ $//')" caches
expect 0 calibrate --min 64 --max 64 --repeat 3 --no-cold --no-db --quiet
silent

check "it stays on the processor asked for"
core=$(awk '/^Cpus_allowed_list/ { split($2, c, /[-,]/); print c[1] }' \
    /proc/self/status)
expect 0 calibrate $quick --core "$core" --db d.db
is "$core" "$(sql d.db "SELECT DISTINCT core FROM calibration")" core

check "mistakes"
expect 2 calibrate --core 100000
says "may not run there"
says_one_line
expect 2 calibrate --min 4
says "16 pages or more"
expect 2 calibrate --min 256 --max 64
says "the largest is not below the smallest"
expect 2 calibrate --step 1
says "--step: at least 2"
expect 4 calibrate --max 1000000M
says "memory is free for objects of about"
expect 2 calibrate extra
expect 3 calibrate $quick --db nowhere/a.db
says "its directory does not exist"
[ ! -e uvn.db ] || fail "a database after mistakes"

check "a signal ends it with what was measured"
env --default-signal=INT true 2>/dev/null || skip "env has no --default-signal"
env --default-signal=INT "$UVN" calibrate --db e.db >out 2>err &
pid=$!
wait_for 60 catches_int $pid || fail "it does not wait for the signal"
sleep 1
kill -INT $pid
wait $pid
is 1 $? "exit status"
says "interrupted after $(sql e.db "SELECT count(*) FROM calibration") rows"
is ok "$(sql e.db "PRAGMA integrity_check")" integrity
