# Two groups of runs: what is equal, what differs, what cannot be told.
. "$(dirname "$0")/lib.sh"

trace_csv t.csv 2000
for ((i = 0; i < 5; i++)); do
	for penalty in 4 1/64; do
		expect 0 replay --backend null --memory 2M --db a.db \
		    --hash_penalty $penalty t.csv
	done
done
# 1 3 5 7 9 are of penalty 4, 2 4 6 8 10 of 1/64.

check "of one configuration all counters are equal to the last digit"
expect 0 compare a.db 1,3 5..5,7,9
prints "$(sql a.db "SELECT count(*) FROM counter WHERE run = 1") counters are equal to the last digit"
prints "too few repeats to tell of"
prints "of each are needed at least (here 2 and 3)"
grep -q "exact difference" out && fail "counters that differ"

check "a run stands for all runs of its configuration"
expect 0 compare a.db 1 2
prints "A: 1, 5 runs of t.csv"
prints "B: 2, 5 runs of t.csv"
prints "hash_penalty: 4 in A, 1/64 in B"
prints "the same in all runs of a group: an exact difference"
prints "95% interval"
expect 0 compare a.db --confidence 90 1 2
prints "90% interval"

check "so do values of columns, as the command line takes them"
expect 0 compare a.db --json hash_penalty=4 hash-penalty=1/64,memory=2M
is "5|5|0" "$(json '$.runs[0]')|$(json '$.runs[1]')|$(json '$.shared')" runs
a=$(sql a.db "SELECT value FROM counter WHERE run = 1 AND name = 'lookups'")
b=$(sql a.db "SELECT value FROM counter WHERE run = 2 AND name = 'lookups'")
[ "$a" != "$b" ] || fail "the penalties do the same"
is "$a.0|$b.0|exact difference" "$(sqlite3 :memory: "SELECT
    json_extract(value, '\$.a.median') || '|' ||
    json_extract(value, '\$.b.median') || '|' ||
    json_extract(value, '\$.verdict')
    FROM json_each(readfile('out'), '\$.rows')
    WHERE json_extract(value, '\$.metric') = 'counter lookups'")" lookups
is "0.95|1|10000|Holm" "$(json '$.method.confidence')|$(json '$.method.seed'
    )|$(json '$.method.resamples')|$(json '$.method.correction')" "the method"
is '[{"name":"hash_penalty","a":"4","b":"1/64"}]' "$(json '$.apart')" apart
is "ns|5|5" "$(json '$.rows[0].unit')|$(json '$.rows[0].a.n')|$(json '$.rows[0].b.n')" \
    wall_ns
[ "$(json '$.rows[0].p_adjusted')" ] || fail "no p of wall_ns"
# Events in a second put the runs in the reverse order of the time they take.
is "events_per_s|wall_ns" "$(json '$.rows[2].metric')|$(json '$.rows[2].test_of')" \
    "the same test"

check "the same seed gives the same answer"
cp out first
expect 0 compare a.db --json hash_penalty=4 hash-penalty=1/64,memory=2M
same first out
expect 0 compare a.db --json --seed 2 --resamples 500 1 2
is "2|500" "$(json '$.method.seed')|$(json '$.method.resamples')" "the method"

check "--all prints the equal ones, too"
expect 0 compare a.db --all 1 2
prints "counter misses"
expect 0 compare a.db 1 2
grep -q "counter misses" out && fail "an equal counter without --all"

check "--exit-code tells of a difference"
expect 1 compare a.db --exit-code --quiet 1 2
silent
expect 0 compare a.db --exit-code --quiet 1,3 5,7

check "runs in both groups are remarked on"
expect 0 compare a.db 1,3,5 5,7
says "1 run is in both groups"
expect 0 compare a.db --against ./a.db 1,3,5 5,7
says "1 run is in both groups"

check "runs that are not complete are left out"
sql a.db "UPDATE run SET status = 'interrupted' WHERE id = 9"
expect 0 compare a.db 1 2
prints "A: 1, 4 runs"
says "'1': left out 1 run that is not complete"
expect 3 compare a.db 9..9,9 2
says "'9..9,9' selects no complete run, but others"

check "values are compared as numbers: ratios, inf, sizes"
for penalty in 1/8 inf 1/3; do
	expect 0 replay --backend null --memory 2M --db c.db \
	    --hash_penalty $penalty --cluster 32K t.csv
done
expect 0 compare c.db hash_penalty=0.125 hash_penalty=inf,cluster=32K
prints "hash_penalty: 1/8 in A, inf in B"
expect 0 compare c.db hash_penalty=2/6 hash_penalty=1/8,memory=2048K
prints "hash_penalty: 1/3 in A, 1/8 in B"
expect 0 compare c.db "status=complete,host=$(sql c.db "SELECT host FROM run LIMIT 1"),backend=null" 1
prints ", 3 runs of t.csv"
prints "hash_penalty: 3 values in A, 1/8 in B"

check "runs that measured something else are no repeats"
expect 0 replay --backend null --memory 2M --db c.db --cluster 32K \
    --hash_penalty 1/8 --events page-faults t.csv
expect 0 replay --backend null --memory 2M --db c.db --cluster 32K \
    --hash_penalty 1/8 --flush-both t.csv
expect 0 compare c.db 1 4
prints "A: 1, 1 run of"
prints "B: 4, 1 run of"
is "event page-faults flush,event page-faults run" \
    "$(sed -n 's/  .*only in B$//p' out | paste -sd ,)" "only in B"
expect 0 compare c.db 1 5
prints "B: 5, 1 run of"

check "B may be in another database"
expect 0 replay --backend null --memory 2M --db b.db t.csv
expect 0 compare a.db --against b.db 1 1
prints "B: 1, 1 run of t.csv"
sql b.db "UPDATE run SET host = 'elsewhere'"
expect 0 compare a.db --against b.db 1 1
prints "in A, elsewhere in B"
sqlite3 old.db <"$top/tests/cli/schema-1.sql"
expect 0 compare a.db --against old.db --different-traces 1 \
    "$(sql old.db "SELECT max(id) FROM run WHERE status = 'complete'")"
prints "1 run of"

check "different traces are compared only on demand"
trace_csv u.csv 1000
expect 0 replay --backend null --memory 2M --db a.db u.csv
expect 3 compare a.db 1 11
says "'1' is of trace t.csv ("
says "--different-traces"
says_one_line
expect 0 compare a.db --different-traces 1 11
expect 3 compare a.db memory=2M 1
says "selects runs of 2 traces"

check "the database is not written to"
cp a.db before.db
expect 0 compare a.db 1 2
cmp -s a.db before.db || fail "it was"

check "mistakes are named"
expect 3 compare a.db 1 99
says "holds no run 99"
expect 3 compare a.db 1 1,99
says "holds no run 99"
expect 3 compare a.db 1 1
says "are the same runs"
expect 3 compare a.db 1 hash_penalty=3
says "selects no complete run"
expect 3 compare a.db 1 hash_penalty=x
says "is no value of that column"
expect 3 compare a.db 1 penalty=4
says "table run has no column 'penalty'"
expect 3 compare a.db 1 "id) OR (1=1"
says "has no column"
expect 3 compare a.db 1 nonsense
says "selects no runs"
expect 3 compare a.db 1 ""
says "an empty selector"
expect 3 compare none.db 1 2
says "no such database"
expect 2 compare a.db 1
expect 2 compare a.db --confidence 100 1 2
says "--confidence"
expect 2 compare a.db --resamples 5 1 2
says "--resamples"
