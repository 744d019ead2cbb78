#!/usr/bin/env bash
# uvn sweep --dry-run changes nothing and says what would be done.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv
fixed=(--backend null --memory 1M --axis hash_penalty=1/4,4,16)

check "without a database it tries a cell, and makes no file"
before=$(ls -A)
expect 0 sweep t.csv "${fixed[@]}" --repeat 2 --dry-run
prints "6 cells, 6 to replay"
prints "by trying 1 cell for a moment"
is 6 "$(grep -c ' planned$' out)" "lines"
# out and err are there by now.
is "$(printf '%s\n' $before err out | sort -u)" "$(ls -A)" "the folder"

check "with a device, too"
expect 0 sweep t.csv --memory 1M --backend buffered --dry-run
prints "1 cells, 1 to replay, 1 at a time: about"
is "$(printf '%s\n' $before err out | sort -u)" "$(ls -A)" "the folder"

check "with a database it knows what is there and how long that took"
expect 0 sweep t.csv "${fixed[@]}" --quiet
cp uvn.db was.db
expect 0 sweep t.csv "${fixed[@]}" --repeat 2 --dry-run
prints "6 cells, 3 to replay"
prints "by the median of 3 earlier runs"
is 3 "$(grep -c ' complete, run [1-3]$' out)" "lines of cells that are there"
same was.db uvn.db
is "$(printf '%s\n' $before err out uvn.db was.db | sort -u)" "$(ls -A)" \
    "the folder"

check "with --fresh all of it is to be done"
expect 0 sweep t.csv "${fixed[@]}" --dry-run --fresh
prints "3 cells, 3 to replay"

check "all there: nothing to estimate"
expect 0 sweep t.csv "${fixed[@]}" --dry-run
prints "3 cells, 0 to replay"

check "its JSON has the cells in the order they would run, and the estimate"
expect 0 sweep t.csv "${fixed[@]}" --repeat 2 --dry-run --json --seed 3
is "" "$(json '$.status')" "status"
is "3 3" "$(json '$.planned') $(json '$.complete')" "planned and complete"
is real "$(sqlite3 :memory: "SELECT typeof(json_extract(
    CAST(readfile('out') AS TEXT), '$.estimate.seconds'))")" "the estimate"
is 3 "$(json '$.estimate.earlier_runs')" "earlier runs"
sqlite3 :memory: "SELECT value ->> 'cell' FROM json_each(
    CAST(readfile('out') AS TEXT), '$.cells') ORDER BY value ->> 'n'" >would
expect 0 sweep t.csv "${fixed[@]}" --repeat 2 --quiet --seed 3 --jobs 1
sql uvn.db "SELECT cell FROM sweep_cell WHERE sweep =
    (SELECT max(id) FROM sweep) ORDER BY n" >did
same would did

check "a cell that cannot work is told of"
expect 0 sweep t.csv --backend null --axis memory=8K,1M --dry-run
prints "failed: memory=8192 is 2 pages"

check "another program's database is refused"
sqlite3 other.db "CREATE TABLE t(a)"
expect 3 sweep t.csv "${fixed[@]}" --dry-run --db other.db
says "other.db: the database is another program's"
says_one_line
