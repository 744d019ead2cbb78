#!/usr/bin/env bash
# uvn replay --events: what is counted, what is not and why, what is refused.
. "$(dirname "$0")/lib.sh"

trace_csv t.csv
# The same with two marks, of which the first follows the attaches.
awk -F, -v OFS=, '/^[0-9]/ {
	if ($1 == 2 || $1 == 1500) {
		print n++, $2, 1, 1, "mark", 0, 0, 0, 0, ""
	}
	$1 = n++
} { print }' t.csv >marks.csv

# An event of no processor that runs this.
case $(uname -m) in
x86_64) elsewhere=netburst::INSTR_RETIRED ;;
*) skip "no event known that is certainly another processor's" ;;
esac

check "software events have values in summary, object and database"
if ! grep -q '^ok .*perf events' <("$UVN" doctor); then
	skip "this host permits no perf events"
fi
expect 0 replay t.csv --backend null --memory 1M \
    --events task-clock,page-faults:u
prints "flush traversals"
grep -qE '^  task-clock +[0-9,]+ +[0-9,]+ +[0-9,]+$' out || fail "task-clock"
grep -qE '^  page-faults:u +[0-9,]+ +[0-9,]+ +[0-9,]+$' out || fail "faults"
awk 'length > 80 { bad = 1 } END { exit bad }' out || fail "a long line"
[ ! -s err ] || fail "something on standard error"
is "page-faults:u|flush page-faults:u|reading page-faults:u|run \
task-clock|flush task-clock|reading task-clock|run" "$(sql uvn.db "SELECT
    name, phase FROM event WHERE run = 1 AND value >= 0 AND time_enabled >= 0
    AND time_running >= 0 AND reason IS NULL ORDER BY name, phase" | xargs)" rows
is 1 "$(sql uvn.db "SELECT value > 0 AND time_running = time_enabled FROM event
    WHERE name = 'task-clock' AND phase = 'run'")" "the run's"
is 0 "$(sql uvn.db "SELECT count(*) FROM event f JOIN event r USING(run, name)
    WHERE f.phase = 'flush' AND r.phase = 'run' AND f.value > r.value")" \
    "flushes with more than the run"

check "--json has the rows of the database"
expect 0 replay t.csv --backend null --memory 1M --json \
    --events task-clock,$elsewhere
sqlite3 :memory: "SELECT json_extract(value, '\$.phase'),
    json_extract(value, '\$.name'), json_extract(value, '\$.value'),
    json_extract(value, '\$.time_enabled'),
    json_extract(value, '\$.time_running'), json_extract(value, '\$.reason')
    FROM json_each(readfile('out'), '\$.perf_events')" >of_json
sql uvn.db "SELECT phase, name, value, time_enabled, time_running, reason
    FROM event WHERE run = 2 ORDER BY rowid" >of_db
same of_json of_db
is 5 "$(wc -l <of_db)" rows

check "without --events: an empty array, no rows"
expect 0 replay t.csv --backend null --json
is 0 "$(sqlite3 :memory: "SELECT json_array_length(readfile('out'),
    '\$.perf_events')")" "its length"
is 0 "$(sql uvn.db "SELECT count(*) FROM event WHERE run = 3")" rows

check "marks make phases, which are the run when added up"
expect 0 replay marks.csv --backend null --events task-clock
prints "3 phases between marks"
is "phase-0 phase-1 phase-2" "$(sql uvn.db "SELECT phase FROM event
    WHERE run = 4 AND phase LIKE 'phase-%' ORDER BY rowid" | xargs)" phases
is 1 "$(sql uvn.db "SELECT sum(value) FILTER (WHERE phase LIKE 'phase-%') <=
    sum(value) FILTER (WHERE phase = 'run') FROM event WHERE run = 4")" "sum"

check "more phases than are kept: that is said"
{
	head -n 7 t.csv
	for i in $(seq 2 1010); do echo "$i,1$i,1,1,mark,0,0,0,0,"; done
} >many.csv
expect 0 replay many.csv --backend null --events task-clock
says "--events: the first 1000 phases have counts of their own; 10 more are in"
says_one_line
is 1000 "$(sql uvn.db "SELECT count(*) FROM event WHERE run = 5
    AND phase LIKE 'phase-%'")" phases
expect 0 replay many.csv --backend null --events task-clock --quiet
[ ! -s err ] || fail "--quiet: something on standard error"

check "what the host cannot count: the run goes on, the reason is told"
expect 0 replay t.csv --backend null --events \
    $elsewhere,task-clock
says "--events: not counted: $elsewhere: an event of "
says_one_line
prints "$elsewhere"
prints "which this host is not"
is "||1" "$(sql uvn.db "SELECT value, time_enabled, reason LIKE '%this host%'
    FROM event WHERE run = 7 AND name = '$elsewhere' AND phase = 'run'")" row
expect 0 replay t.csv --backend null --quiet --events $elsewhere
[ ! -s err ] || fail "--quiet: something on standard error"

check "a reason that several events have is told once"
expect 0 replay t.csv --backend null --no-db --events \
    "$elsewhere,task-clock,$elsewhere:u"
says "--events: not counted: $elsewhere, $elsewhere:u: an event of "
says_one_line

check "cycles are counted, or there is a reason"
expect 0 replay t.csv --backend null --no-db --json --events cycles
is 1 "$(sqlite3 :memory: "SELECT coalesce(json_extract(value, '\$.value') > 0, 0) +
    (json_extract(value, '\$.reason') IS NOT NULL)
    FROM json_each(readfile('out'), '\$.perf_events')
    WHERE json_extract(value, '\$.phase') = 'run'")" "value or reason"

check "counting changes no counter of the pager"
expect 0 replay t.csv --backend null --memory 1M --no-db --json
counters out >without
expect 0 replay t.csv --backend null --memory 1M --no-db --json --events \
    task-clock,page-faults
counters out >with
same without with

check "the run's command repeats the events"
is 1 "$(sql uvn.db "SELECT instr(command, '--events task-clock,page-faults:u') > 0
    FROM run WHERE id = 1")" "command has them"

check "unknown names and other mistakes: exit status 2, before a file is made"
refused() {
	rm -f no.db
	expect 2 replay t.csv --backend null --db no.db --events "$1"
	says "$2"
	says_one_line
	silent
	[ ! -e no.db ] || fail "a database was made"
}
refused cylces "--events: libpfm4 knows no event 'cylces'; did you mean 'cycles'?"
refused task-clock,LLC-load-mises "did you mean 'LLC-load-misses'?"
refused qqqqqqqqqqqqqqqq "uvn doctor --events lists them"
refused cycles:x "'cycles:x': invalid event attribute; cycles takes u k"
refused task-clock,task-clock "'task-clock' is named twice"
refused task-clock, "'task-clock,' has an empty name"
refused "" "empty name"
refused cycles:freq=99 "not sampled"
