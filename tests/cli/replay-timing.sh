#!/usr/bin/env bash
# The tunable timing: which faults are timed changes nothing but that; all are
# counted, and those that get a row or are paced are timed whatever it says.
. "$(dirname "$0")/lib.sh"
"$UVN" trace gen zipf --pages 4000 --events 8000 --writes 1/4 \
    --interval 100ns -o t.uvt >/dev/null || fail "trace gen"

# run NAME ARGS...: counters in counters.NAME, accesses by kind and outcome,
# how many, of which timed, in latency.NAME.
run() {
	expect 0 replay --json --db "$1.db" --backend null --memory 1M \
	    --advice random "${@:2}" t.uvt
	counters out >"counters.$1"
	sql "$1.db" "SELECT kind, outcome, count, timed FROM latency
	    WHERE kind IN ('read', 'write') ORDER BY 1, 2" >"latency.$1"
}
# faults NAME COLUMN: of all faults that went well.
faults() {
	awk -F '|' -v c="$2" '$2 != "mapped" { n += $c } END { print n }' \
	    "latency.$1"
}
alike() {
	same counters.all "counters.$1"
	cut -d '|' -f 1-3 latency.all >want
	cut -d '|' -f 1-3 "latency.$1" >got
	same want got
}

# Checked or not, the loop takes another way.
for paranoid in '' --paranoid; do
	rm -f ./*.db
	check "all of them${paranoid:+, checked}"
	run all
	n=$(faults all 3)
	[ "$n" -gt 1000 ] || fail "only $n faults"
	is "$n" "$(faults all 4)" "timed"

	check "none"
	run none --timing none
	alike none
	is 0 "$(faults none 4)" "timed"
	is 1 "$(sql none.db "SELECT count(*) FROM latency WHERE outcome = 'miss'
	    AND kind = 'read' AND p50 IS NULL AND max IS NULL")" "no times"

	check "one in ten"
	run sample --timing sample:10
	alike sample
	is $((n / 10)) "$(faults sample 4)" "timed"
done
paranoid=

# Faults that are not timed are done many at a time, where they are all of one
# thread, and more than a block of them is not to be timed.
"$UVN" trace gen mix --pages 4000 --events 8000 --files 3 --maps 2 --msync 900 \
    -o one.uvt >/dev/null || fail "trace gen"
"$UVN" trace gen mix --pages 4000 --events 8000 --files 2 --threads 3 \
    -o three.uvt >/dev/null || fail "trace gen"
# ways TRACE ARGS...: checked after each event, which goes one by one; then all,
# none and one in forty timed: all alike.  $hows: in other ways.
hows='paranoid all none sample:40'
ways() {
	rm -f counters.want
	for how in $hows; do
		check "$*, $how"
		rm -f w.db
		timing=(--timing "$how")
		[ "$how" != paranoid ] || timing=(--paranoid)
		expect 0 replay --json --db w.db --backend null "${timing[@]}" \
		    "${@:2}" "$1.uvt"
		{
			counters out
			sql w.db "SELECT kind, outcome, count FROM latency
			    ORDER BY 1, 2"
			sql w.db "SELECT * FROM cluster"
		} >counters.got
		[ -e counters.want ] || cp counters.got counters.want
		same counters.want counters.got
	done
}
for t in t one three; do
	ways "$t" --memory 1M
done
# The daemon takes mappings in the midst of a fault, too.
ways t --memory 512K --daemon_rule wait
ways t --memory 512K --daemon_rule io
# A hash of 32 MiB is more than a cache of level 2 holds: there are more hints.
hows='all none sample:40'
for t in t one three; do
	ways "$t" --memory 1M --hash_buckets 4M
done

check "a row has a time"
run rows --timing none --log ops
alike rows
is "$n" "$(faults rows 4)" "timed"
is 0 "$(sql rows.db "SELECT count(*) FROM op WHERE latency_ns IS NULL")" \
    "rows without"

check "what is paced has one"
run paced --timing none --pace 100
alike paced
is "$n" "$(faults paced 4)" "timed"

check "with threads"
"$UVN" trace gen zipf --pages 20000 --events 20000 --threads 3 -o t.uvt \
    >/dev/null || fail "trace gen"
run all --threads trace
run none --threads trace --timing none
is "$(faults all 3)" "$(faults all 4)" "timed"
is 0 "$(faults none 4)" "timed"
is "$(sql all.db "SELECT sum(count) FROM latency WHERE kind = 'read'")" \
    "$(sql none.db "SELECT sum(count) FROM latency WHERE kind = 'read'")" \
    "reads"
