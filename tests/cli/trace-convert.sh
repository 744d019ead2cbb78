#!/usr/bin/env bash
# uvn trace import, export, cat: CSV and .uvt are the same trace.
. "$(dirname "$0")/lib.sh"

for name in lld lmdb rrd sqlite; do
	check "a recorded trace, $name, comes back byte for byte"
	zst=$top/tests/traces/data/$name.csv.zst
	cp "$zst" .
	expect 0 trace export "$name.csv.zst" -o "$name.csv"
	expect 0 trace import "$name.csv.zst"
	[ -f "$name.uvt" ] || fail "no $name.uvt"
	expect 0 trace cat "$name.uvt"
	same out "$name.csv"
	expect 0 trace export "$name.uvt" -o back.csv.zst
	expect 0 trace cat back.csv.zst
	same out "$name.csv"
	expect 0 trace check "$name.uvt" "$name.csv"
	is 1 "$(grep -oE 'digest [0-9a-f]{32}' out | sort -u | wc -l)" digests
done

check "the name of an import is that of the input"
cp lld.csv lld.csv.txt
expect 0 trace import lld.csv.txt
[ -f lld.csv.txt.uvt ] || fail "no lld.csv.txt.uvt"

check "standard input and output"
"$UVN" trace import - -o - <lld.csv >piped.uvt || fail "import - -o -"
"$UVN" trace cat - <piped.uvt >piped.csv || fail "cat -"
same piped.csv lld.csv
expect 2 trace import -
says "-o FILE.uvt"

check "a reader that goes away is no reason to go on"
"$UVN" trace cat lld.uvt | head -n 1 >/dev/null

check "wrong usage"
expect 2 trace
expect 2 trace impotr lld.csv
says "did you mean 'import'?"
expect 2 trace export lld.uvt
says "-o FILE.csv"
expect 2 trace export lld.uvt -o lld.xls
says ".csv.zst"
expect 2 trace import lld.csv -o other.csv
says "import writes .uvt"
expect 2 trace import lld.uvt
says "same file"
for verb in info plot cat import export gen cut merge check; do
	expect 0 trace $verb --help
	prints "usage: uvn trace $verb"
	expect 2 trace $verb
	is 1 "$(wc -l <err)" "lines of complaint"
done

check "bad input is exit status 3, a host that cannot write 4"
printf '#uvn-trace 1\nhello\n' >bad.csv
expect 3 trace import bad.csv
says "bad.csv: line 2"
[ ! -e bad.uvt ] || fail "bad.uvt was made"
expect 3 trace info nothing.uvt
says "nothing.uvt"
expect 4 trace import lld.csv -o no/such/folder/x.uvt
says "no/such/folder/x.uvt"
ln -s /dev/full full.csv
expect 4 trace export lld.uvt -o full.csv
says "No space left"
"$UVN" trace cat lld.uvt >/dev/full 2>err && fail "cat to /dev/full"
says "No space left"

check "what fails leaves no file, and what was there stays"
echo old >keep.uvt
expect 3 trace import bad.csv -o keep.uvt
is old "$(cat keep.uvt)" "the old file"
is 0 "$(find . -name '*.tmp' | wc -l)" "files left behind"
