#!/usr/bin/env bash
# uvn trace import and export of other tools' formats: what they take and say.
. "$(dirname "$0")/lib.sh"
data=$top/tests/traces/data

check "formats are listed, each with a line"
expect 0 trace import --format list
for format in blkparse fio msr oracleGeneral; do
	grep -qE "^$format +[^ ]" out || fail "no $format"
done
expect 0 trace export --format list
is "fio oracleGeneral" "$(awk '{ print $1 }' out | xargs)" "exporters"

check "samples are imported, and say how they were"
while read -r format file events files; do
	cp "$data/$file" .
	expect 0 trace import --format "$format" "$file" -o x.uvt
	silent
	says "$file: unknown_sizes: $files files"
	expect 0 trace check x.uvt
	expect 0 trace info x.uvt
	prints "events       $events"
	prints "#import $format page=4K"
	prints "from=$file"
	expect 0 replay x.uvt --backend null --memory 4M --no-db --paranoid
	expect 0 trace import --format "$format" "$file" -o x.uvt --json
	is "$format x.uvt $events $files $files 0" "$(json '$.format') $(
	    json '$.trace') $(json '$.events') $(json '$.files') $(
	    json '$.counts.unknown_sizes') $(json '$.counts.malformed')" \
	    "the summary"
done <<EOF
fio fio-v2.log 80 2
fio fio-v3.log 80 2
blkparse blkparse.txt 77 1
msr msr.csv 13 3
oracleGeneral oracleGeneral.bin.zst 301 1
EOF

check "without -o it is beside the input; -o says form and place"
expect 0 trace import --format fio fio-v3.log --quiet
[ ! -s err ] || fail "--quiet says something"
[ -f fio-v3.log.uvt ] || fail "no fio-v3.log.uvt"
expect 0 trace import --format oracleGeneral oracleGeneral.bin.zst
[ -f oracleGeneral.bin.uvt ] || fail "no oracleGeneral.bin.uvt"
expect 0 trace import --format fio fio-v3.log -o y.csv
expect 0 trace cat fio-v3.log.uvt
same out y.csv
"$UVN" trace import -f fio - -o - --quiet <fio-v3.log >z.uvt || fail "pipe"
"$UVN" trace cat z.uvt | grep -v '^#' >z.csv
grep -v '^#' y.csv | same z.csv /dev/stdin

check "options of a format"
expect 0 trace import -f fio fio-v3.log -o x.csv --as io --base-names \
    --only 'b.*' --except '*.log' --size 1M
is 1 "$(grep -c '^#file' x.csv)" files
is 1 "$(grep -cx '#file 1 size=1048576 path=b.dat' x.csv)" "files b.dat"
is 0 "$(grep -cE ',(read|write|attach),' x.csv)" "accesses"
expect 0 trace import -f fio fio-v3.log -o x.csv --set flush=msync --window inf
is 10 "$(grep -c ',msync,' x.csv)" msyncs
is 1 "$(grep -cx '#window inf' x.csv)" windows
expect 0 trace import -f fio fio-v3.log -o x.csv --window 32
is 1 "$(grep -cx '#window 32' x.csv)" windows
expect 0 trace import -f blkparse blkparse.txt -o x.csv --action C
is 19 "$(grep -c ',read,' x.csv)" "completed reads"

check "a line that is not understood ends it, or is counted"
sed '5s/.*/hello/' fio-v3.log >bad.log
expect 3 trace import --format fio bad.log -o bad.uvt
is 1 "$(wc -l <err)" "lines of complaint"
says "bad.log: line 5: 'hello' is no time in microseconds; --lenient"
[ ! -e bad.uvt ] || fail "bad.uvt was made"
expect 0 trace import --format fio bad.log -o bad.uvt --lenient
says "bad.log: malformed: 1 lines of an import that were not understood"
expect 0 trace import --format fio bad.log -o bad.uvt --lenient --json
is 1 "$(json '$.counts.malformed')" "malformed lines"

check "bad input is exit status 3, a host that cannot write 4"
head -c 100 /dev/zero >zero.bin
expect 3 trace import --format oracleGeneral zero.bin
says "zero.bin: cut short"
expect 3 trace import --format oracleGeneral fio-v3.log
expect 3 trace import --format fio msr.csv
says "msr.csv: line 1"
expect 3 trace import --format msr nothing.csv
says "nothing.csv"
: >empty
expect 3 trace import --format msr empty
says "empty: the file is empty"
gzip -k msr.csv
expect 3 trace import --format msr msr.csv.gz
says "zcat msr.csv.gz | uvn trace import --format msr - ..."
zcat msr.csv.gz | "$UVN" trace import --format msr - -o gz.uvt --quiet || fail zcat
expect 3 trace import --format fio fio-v3.log --only nothing
says "fio-v3.log: no event of a file that is wanted is in it"
expect 3 trace import --format oracleGeneral - -o x.uvt
expect 4 trace import --format fio fio-v3.log -o no/such/x.uvt
says "no/such/x.uvt"
"$UVN" trace import --format oracleGeneral - -o x.uvt <oracleGeneral.bin.zst 2>err
is 3 $? "exit status"
says "a pipe is not read twice; say by --ids page or --ids order"
"$UVN" trace import --format oracleGeneral - -o x.uvt --ids order --quiet \
    <oracleGeneral.bin.zst || fail "--ids order of a pipe"
expect 0 trace check x.uvt

check "wrong usage is exit status 2 and names what was meant"
expect 2 trace import --format fioo fio-v3.log
says "unknown format 'fioo'; did you mean 'fio'?"
expect 2 trace import --format zzzzzz fio-v3.log
says "uvn trace import --format list"
expect 2 trace export --format msr y.csv -o x
says "--format msr is not for export"
expect 2 trace import --as io y.csv
says "--as is for other formats"
expect 2 trace import --only x y.csv
says "--only and --except are for other formats"
expect 2 trace import --format oracleGeneral --action C oracleGeneral.bin.zst
says "--action means nothing to format oracleGeneral"
expect 2 trace import --format fio --as mapp fio-v3.log
says "map|io"
expect 2 trace import --format fio --page 5000 fio-v3.log
says "no power of two"
expect 2 trace import --format fio --window 0 fio-v3.log
says "--window: '0' is not a number of pages, nor inf"
expect 2 trace import --format fio --salvage fio-v3.log
says "--lenient"
expect 2 trace import --format fio fio-v3.log -o x.log
says ".csv.zst"
expect 2 trace import --format fio fio-v3.log -o - --json
says "-o FILE"
expect 2 trace import --format fio
says "TRACE expected"
expect 2 trace import --format fio a b
expect 2 trace export --format fio y.csv
says "say -o FILE"
expect 2 trace export --format oracleGeneral y.csv -o x --dir d
says "--dir is for formats that name files"
expect 2 trace export --format fio y.csv -o x --dir 'a b'
says "has blanks"
expect 2 trace export --format oracleGeneral y.csv -o x --fio_version 2
says "--fio_version means nothing to format oracleGeneral"
expect 2 trace export y.csv -o x.csv --io no
says "--io is for other formats"

check "an export says what it had to leave out"
expect 0 trace export --format oracleGeneral fio-v3.log.uvt -o x.bin
silent
says "fio-v3.log.uvt: left out what oracleGeneral has no word for: 2 attach, 10 fsync, 2 open, 2 close"
is $((64 * 24)) "$(wc -c <x.bin)" "bytes of 64 requests"
expect 0 trace export --format fio fio-v3.log.uvt -o x.log --json
is "fio x.log 80 2 2" "$(json '$.format') $(json '$.output') $(
    json '$.entries') $(json '$.files') $(json '$.left_out.attach')" summary
expect 0 trace export --format fio fio-v3.log.uvt -o - --quiet
same out x.log
expect 4 trace export --format fio fio-v3.log.uvt -o no/such/x.log
says "no/such/x.log"
printf '#uvn-trace 1\n' >bad.csv
expect 3 trace export --format fio bad.csv -o x2.log
[ ! -e x2.log ] || fail "x2.log was made"

check "manual and docs have every format and every option"
man=$top/docs/man/uvn-trace.1
for verb in import export; do
	expect 0 trace $verb --format list
	for format in $(awk '{ print $1 }' out); do
		grep -qx ".It Cm $format" "$man" || fail "uvn-trace.1 lacks $format"
		grep -qx "### $format" "$top/docs/formats.md" ||
		    fail "formats.md lacks $format"
	done
	expect 0 trace $verb --help
	for option in $(grep -oE '^  (-., |    )--[a-z_-]+' out | sed 's/.*--//; y/_/-/'); do
		case $option in
		help | version | quiet | set | output) continue ;;
		esac
		grep -qE "Fl -$option( |$)" "$man" || fail "uvn-trace.1 lacks --$option"
	done
done
