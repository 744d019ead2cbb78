#!/usr/bin/env bash
# What uvn report refuses, and with which exit status; and a host without
# gnuplot.
. "$(dirname "$0")/lib.sh"

refused() {
	silent
	says_one_line
	says "$1"
	[ ! -e report.html ] || fail "a page was made"
}

trace_csv t.csv 500
expect 0 replay t.csv --backend null --memory 1M --db r.db --quiet
cp r.db kept.db

check "wrong usage"
expect 2 report
refused "DB"
expect 2 report r.db s.db
refused "s.db"
expect 2 report r.db -o ""
refused "--output: the file has no name"
expect 2 report r.db --run one
refused "--run: 'one' is not a count"

check "what -o names is not to be replaced"
expect 2 report r.db -o ./r.db
refused "./r.db: this is the database; name another file with -o"
ln -s r.db link.html
expect 2 report r.db -o link.html
refused "link.html: this is the database"
cmp -s r.db kept.db || fail "the database was changed"
mkdir folder
expect 2 report r.db -o folder
refused "folder: this is a folder"
expect 2 report r.db -o /dev/null
refused "/dev/null: this is not a file"
cp t.csv u.csv
expect 2 report r.db -o u.csv
refused "u.csv: is there, and is no page of HTML"
same t.csv u.csv

check "a page that cannot be written"
expect 4 report r.db -o t.csv/report.html
refused "t.csv/report.html: cannot be written"
expect 4 report r.db -o nowhere/report.html
refused "nowhere/report.html: cannot be written"
TMPDIR=$work/nowhere uvn report r.db
is 4 "$rc" "exit status"
refused "nowhere: no folder for the figures can be made there"
is "" "$(find . -name "*.html.*")" "what is left behind"

check "no such database, and what is none"
expect 3 report nowhere.db
refused "nowhere.db: no such database"
expect 3 report t.csv
refused "t.csv: it is not a SQLite database"
sql other.db "CREATE TABLE run (id)"
expect 3 report other.db
refused "other.db: the database is not one that uvn made"
cp r.db new.db
sql new.db "PRAGMA user_version = 99"
expect 3 report new.db
refused "schema 99, made by a newer uvn"

check "no such run or sweep"
expect 3 report r.db --run 7
refused "holds no run 7; its newest is 1"
expect 3 report r.db --sweep 7
refused "holds no sweep 7"

check "without gnuplot the page has data, and says what is missing"
mkdir bin
PATH=$work/bin uvn report r.db
is 0 "$rc" "exit status"
is report.html "$(cat out)" "what is printed"
says_one_line
says "report.html: pictures are missing"
says "install the package gnuplot-nox"
grep -q 'Gnuplot is missing, or cannot draw it' report.html ||
    fail "the page does not say it"
grep -q 'download="clusters.csv"' report.html || fail "no data"
! grep -q '<svg' report.html || fail "a picture"
PATH=$work/bin uvn report r.db --quiet
[ ! -s err ] || fail "not quiet"
PATH=$work/bin uvn report r.db --json
is 0 "$(json '$.figures[0].drawn')" drawn
json '$.warning' | grep -q gnuplot-nox || fail "no warning in the object"
