#!/usr/bin/env bash
# uvn trace import --format msr: lines of the MSR Cambridge traces.
. "$(dirname "$0")/lib.sh"

data=$top/tests/traces/data/msr.csv

# What they come to, found by another way.  128166385295514663 is the first
# time; awk cannot count that far, so time goes by its last 15 digits.
wanted() {
	awk -F, '
	{
		if (!(($2 "_" $3) in file)) {
			file[$2 "_" $3] = ++files
		}
		f = file[$2 "_" $3]
		t = substr($1, 4) - 166385295514663
		printf "%.0f00,1,1,%s,%d,%d,%s,%s,\n", t, tolower($4), f, f, $5, $6
	}' "$data" | sed 's/^000,/0,/'
}

check "lines of three volumes"
expect 0 trace import --format msr "$data" -o m.uvt
silent
expect 0 trace cat m.uvt
wanted >want
grep '^[0-9]' out | sed 1,3d | cut -d, -f2- >got
same got want
for file in "1 size=9056016384 path=hm_0" "2 size=1105187328 path=prxy_0" \
    "3 size=3221270528 path=hm_1"; do
	prints "#file $file"
	id=${file%% *} size=${file#*=}
	prints ",0,1,1,attach,$id,$id,0,${size%% *},r|w|shared|maxw"
done
expect 0 trace check m.uvt
expect 0 replay --backend null --db x.db m.uvt

check "--only, --size, --as io, a line that names the fields"
expect 0 trace import --format msr --only 'hm_1' --size 4G --as io "$data" -o hm.uvt
expect 0 trace cat hm.uvt
is 3 "$(grep -c ',pread,1,0,' out)" preads
is 3 "$(grep -c '^[0-9]' out)" events
prints "#file 1 size=4294967296 path=hm_1"
{ echo Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime; cat "$data"; } >h.csv
expect 0 trace import --format msr h.csv
expect 0 trace cat h.uvt
grep '^[0-9]' out | sed 1,3d | cut -d, -f2- >got
same got want
expect 2 trace import --format msr --action D "$data" -o x.uvt
says "--action means nothing to format msr"

check "what is no request is refused with its line, or counted"
while IFS='|' read -r line why; do
	{ head -n 2 "$data"; printf '%s\n' "$line"; head -n 2 "$data"; } >bad.csv
	expect 3 trace import --format msr bad.csv
	is 1 "$(wc -l <err)" "lines of complaint"
	says "bad.csv: line 3: "
	says "$why"
	[ ! -e bad.uvt ] || fail "bad.uvt was made"
	expect 0 trace import --format msr --lenient --json bad.csv -o l.uvt
	is 1 "$(json '$.counts.malformed')" malformed
	is 6 "$(json '$.events')" events
done <<'END'
|not the 7 fields
128166372010810581,mds,0,Write,2654453760,4096|not the 7 fields
128166372010810581,mds,0,Write,2654453760,4096,54086,1|not the 7 fields
Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime|no time
928166372010810581,mds,0,Write,2654453760,4096,54086|no time
128166372010810581,,0,Write,2654453760,4096,54086|no host and number
128166372010810581,mds,x,Write,2654453760,4096,54086|no host and number
128166372010810581,mds,0,Erase,2654453760,4096,54086|is not Read or Write
128166372010810581,mds,0,Write,-1,4096,54086|no offset and size
128166372010810581,mds,0,Write,9223372036854775807,4096,54086|no offset and size
128166372010810581,mds,0,Write,2654453760,4096, 54086|no response time
END
: >empty.csv
expect 3 trace import --format msr empty.csv
says "empty.csv: the file is empty"
