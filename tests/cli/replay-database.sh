#!/usr/bin/env bash
# Databases that uvn replay refuses, and those it mends.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv

replay() {
	local want=$1

	shift
	expect "$want" replay t.csv --backend null --quiet "$@"
}

refused() {
	silent
	says_one_line
	says "$1"
	says "--db"
}

check "a file that is no database is bad input, and stays as it is"
echo "not a database, but long enough to be looked at by SQLite" >text.db
cp text.db before
replay 3 --db text.db
refused text.db
same before text.db

check "a database of another program is bad input, and stays as it is"
sqlite3 other.db "CREATE TABLE customer (name); INSERT INTO customer VALUES (1)"
cp other.db before
replay 3 --db other.db
refused other.db
is customer "$(sql other.db .tables)" "its tables"

check "another program's application id"
sqlite3 foreign.db "PRAGMA application_id = 1234; CREATE TABLE run (id)"
replay 3 --db foreign.db
refused foreign.db

check "a newer schema is bad input, and stays as it is"
replay 0 --db new.db
sql new.db "PRAGMA user_version = 9999" >/dev/null
replay 3 --db new.db
refused new.db
is 9999 "$(sql new.db "PRAGMA user_version")" user_version

check "a damaged database is bad input"
replay 0 --db cut.db
sql cut.db "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE" \
    >/dev/null
dd if=/dev/zero of=cut.db bs=4096 seek=0 count=3 conv=notrunc 2>/dev/null
printf 'SQLite format 3' | dd of=cut.db conv=notrunc 2>/dev/null
replay 3 --db cut.db
refused cut.db

check "a folder is no database"
mkdir folder.db
uvn replay t.csv --backend null --db folder.db
[ "$rc" -eq 3 ] || [ "$rc" -eq 4 ] || fail "exit status $rc"
refused folder.db

check "a locked database is the environment's fault"
replay 0 --db locked.db
mkfifo hold
sqlite3 locked.db <hold >lock.out 2>&1 &
holder=$!
exec 3>hold
echo "BEGIN EXCLUSIVE; SELECT 'held';" >&3
wait_for 10 grep -q held lock.out || fail "sqlite3 got no lock"
replay 4 --db locked.db
refused locked.db
says "locked"
exec 3>&-
wait $holder
replay 0 --db locked.db
is 2 "$(sql locked.db "SELECT count(*) FROM run")" "the number of runs"

check "a folder that does not exist"
uvn replay t.csv --backend null --db nowhere/x.db
[ "$rc" -eq 3 ] || [ "$rc" -eq 4 ] || fail "exit status $rc"
refused nowhere/x.db

check "a folder that cannot be written to"
if [ "$(id -u)" -eq 0 ]; then
	echo "  (root may write anywhere: /proc instead)"
	uvn replay t.csv --backend null --db /proc/x.db
	[ "$rc" -ge 3 ] || fail "exit status $rc"
else
	mkdir closed
	chmod 555 closed
	replay 4 --db closed/x.db
	refused closed/x.db
fi

check "many runs live in one database"
replay 0 --db many.db
replay 0 --db many.db --memory 1M
replay 0 --db many.db --memory 2M
is "1|67108864|complete 2|1048576|complete 3|2097152|complete" \
    "$(sql many.db "SELECT id, memory, status FROM run ORDER BY id" |
    tr '\n' ' ' | sed 's/ $//')" "the runs"
