#!/usr/bin/env bash
# What uvn figures refuses, and with which exit status.
. "$(dirname "$0")/lib.sh"

refused() {
	silent
	says_one_line
	says "$1"
}

trace_csv t.csv 500
expect 0 replay t.csv --backend null --memory 1M --db r.db --quiet

check "wrong usage"
expect 2 figures
refused "DB"
expect 2 figures r.db s.db
refused "s.db"
expect 2 figures r.db --only latencies
refused "no figure 'latencies'; did you mean 'latency'?"
expect 2 figures r.db --only zzzzzzzz
refused "no figure 'zzzzzzzz', but "
refused "penalty, heat, cluster, latency"
expect 2 figures r.db --format jpeg
refused "no format 'jpeg'"
expect 2 figures r.db --run one
refused "--run"
expect 2 figures r.db -o ""
refused "--output"
[ ! -e figures ] || fail "a folder was made"

check "no such database"
expect 3 figures nowhere.db
refused "nowhere.db: no such database"
[ ! -e nowhere.db ] || fail "it was made"

check "a file that is no database"
expect 3 figures t.csv
refused "t.csv: it is not a SQLite database"

check "a database of another program, and an empty one"
sql other.db "CREATE TABLE run (id)"
expect 3 figures other.db
refused "other.db: the database is not one that uvn made"
: >empty.db
expect 3 figures empty.db
refused "empty.db: the database is not one that uvn made"

check "a database of a newer uvn"
cp r.db new.db
sql new.db "PRAGMA user_version = 99"
expect 3 figures new.db
refused "schema 99, made by a newer uvn"

check "no such run, no run at all, none with an end"
expect 3 figures r.db --run 7
refused "holds no run 7; its newest is 1"
cp r.db none.db
sql none.db "UPDATE run SET status = 'failed'"
expect 3 figures none.db
refused "--run 1"
sql none.db "DELETE FROM run"
expect 3 figures none.db
refused "holds no run yet"

check "a folder that cannot be made"
: >file
expect 4 figures r.db -o file/figures
refused "file/figures: the folder for the figures cannot be made"

check "no gnuplot: data and scripts are written, the package is named"
mkdir bin
PATH=$work/bin uvn figures r.db -o bare --quiet
[ "$rc" -eq 4 ] || fail "exit status $rc"
says_one_line
says "install the package gnuplot-nox"
is "clusters.dat clusters.gp latency.dat latency.gp rates.dat rates.gp threads.dat threads.gp " \
    "$(ls bare | tr '\n' ' ')" "the folder"
is "$(ls bare | sed 's,^,bare/,' | LC_ALL=C sort)" "$(LC_ALL=C sort out)" \
    "what is printed"
