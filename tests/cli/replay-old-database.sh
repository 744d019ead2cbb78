#!/usr/bin/env bash
# A database of an older schema, as the uvn of that time wrote it, is brought up
# to date.
. "$(dirname "$0")/lib.sh"

trace_csv t.csv 500
trace_csv short.csv 120 # that of run 1 in schema-4.sql

# upgraded SCHEMA ROWS-OF-flush_total ROWS-OF-wait-AND-thread_latency
#	INTERVALS-WITH-DEPTHS: what run 1 has
upgraded() {
	local before rows names table columns

	rm -rf old.db new.db kept.db figures
	sqlite3 old.db <"$top/tests/cli/schema-$1.sql" >/dev/null
	is "$1" "$(sql old.db "PRAGMA user_version")" "user_version before"
	# What is unlike the rest is not lost: the largest, a negative one, NULL
	# for one row, a gap, and few columns in schema 1 and 2.
	sql old.db "INSERT INTO op(run, n, seq, time, tid, kind, file, offset,
		length, outcome, reads, writes, bytes_in, bytes_out, latency_ns)
	    SELECT 1, n, v, v, v, abs(n % 18), v, v, v, abs(n % 7), v, v, v, v, v
	    FROM (SELECT column1 AS n, column2 AS v FROM (VALUES(-7, 5),
		(100000, 1), (100001, 9223372036854775807), (100002, 0),
		(100003, -9223372036854775807 - 1), (100004, -1), (100005, 8),
		(100006, 9223372036854775807), (7000000000000, 10)))"
	[ "$1" -lt 3 ] || sql old.db "UPDATE op SET issued_ns = offset / 2,
	    scheduled_ns = iif(n = 100002, NULL, 3) WHERE n > 1000"
	rows=$(sql old.db "SELECT * FROM op ORDER BY run, n")
	before=$(sql old.db "SELECT id, status, digest, hash_penalty FROM run;
	    SELECT * FROM counter; SELECT run, n, visits, cpu_ns FROM flush")
	[ -n "$before" ] || fail "nothing in it"

	check "schema $1: its runs can be drawn without being written to"
	cp old.db kept.db
	expect 0 figures old.db --only rates --format svg -o figures
	cmp -s old.db kept.db || fail "the database was changed"

	if [ "$1" -ge 4 ]; then
		check "schema $1: so can what a sweep would take, by its runs"
		expect 0 sweep --dry-run --db old.db --backend null short.csv
		prints "by the median of 1 earlier runs"
		cmp -s old.db kept.db || fail "the database was changed"
	fi

	check "schema $1: a replay adds the tables and columns it lacks"
	expect 0 replay --backend null --db old.db t.csv
	is 5 "$(sql old.db "PRAGMA user_version")" user_version
	is ok "$(sql old.db "PRAGMA integrity_check")" integrity
	is "" "$(sql old.db "PRAGMA foreign_key_check")" "foreign keys"

	check "schema $1: its runs are what they were"
	is "$before" "$(sql old.db "SELECT id, status, digest, hash_penalty
	    FROM run WHERE id = 1; SELECT * FROM counter WHERE run = 1;
	    SELECT run, n, visits, cpu_ns FROM flush WHERE run = 1")" "run 1"
	[ "$1" -ge 3 ] || rows=$(sed 's/$/|||/' <<<"$rows")
	is "$rows" "$(sql old.db "SELECT * FROM op ORDER BY run, n")" "rows of op"
	is "$2" "$(sql old.db "SELECT count(*) FROM flush_total WHERE run = 1")" \
	    "flush_total of run 1"
	is 1 "$(sql old.db "SELECT count(*) FROM flush_total WHERE run = 2 AND
	    caller = 'msync' AND method = 'list'")" "flush_total of run 2"
	is "$3" "$(sql old.db "SELECT (SELECT count(*) FROM wait WHERE run = 1) +
	    (SELECT count(*) FROM thread_latency WHERE run = 1)")" \
	    "threads of run 1"
	is "$4" "$(sql old.db "SELECT count(*) FROM interval WHERE run = 1 AND
	    (depth IS NOT NULL OR real_ns IS NOT NULL)")" "depths of run 1"

	check "schema $1: it has the tables and views of a new one"
	expect 0 replay --backend null --db new.db t.csv
	names="SELECT type, name FROM sqlite_schema ORDER BY 1, 2"
	is "$(sql new.db "$names")" "$(sql old.db "$names")" "what there is"
	for table in $(sql new.db "SELECT name FROM sqlite_schema
	    WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"); do
		columns="SELECT name, type, \"notnull\", pk, hidden
		    FROM pragma_table_xinfo('$table')
		    ORDER BY name"
		is "$(sql new.db "$columns")" "$(sql old.db "$columns")" \
		    "table $table"
	done

	check "schema $1: the second time there is nothing left to do"
	expect 0 replay --backend null --db old.db t.csv
	is 3 "$(sql old.db "SELECT count(*) FROM run")" runs
}

upgraded 1 0 0 0
upgraded 2 3 0 0
upgraded 3 3 9 491
upgraded 4 2 8 116
