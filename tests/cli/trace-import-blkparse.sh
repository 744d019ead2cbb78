#!/usr/bin/env bash
# uvn trace import --format blkparse: of a real capture, and of lines made up.
. "$(dirname "$0")/lib.sh"

data=$top/tests/traces/data/blkparse.txt

# What the lines of an action come to, found by another way: events without seq.
wanted() {
	awk -v action="$1" '
	function put(op, at, bytes, flags) {
		map = op == "read" || op == "write" ? 1 : 0
		if (start == "")
			start = time
		printf "%.0f,%s,%s,%s,1,%d,%.0f,%.0f,%s\n", time - start, $5, $5,
		    op, map, at, bytes, flags
	}
	$1 !~ /^[0-9]+,[0-9]+$/ || $6 != action { next }
	{
		split($4, t, ".")
		time = t[1] * 1000000000 + t[2]
		some = $9 == "+"
		o = some ? $8 * 512 : 0
		n = some ? $10 * 512 : 0
		if ($7 ~ /^F/)
			put("fsync", 0, 0, "")
		if (some && $7 ~ /^F?D/)
			put("fallocate", o, n, "keep|punch")
		if (some && $7 ~ /^F?R/)
			put("read", o, n, "")
		if (some && $7 ~ /^F?W/)
			put("write", o, n, "")
		if (some && $7 ~ /^F?WF/)
			put("fsync", o, n, "data|range")
	}' "$data"
}

for action in Q D C; do
	check "a capture, at action $action"
	expect 0 trace import --format blkparse --action $action "$data" -o $action.uvt
	silent
	expect 0 trace cat $action.uvt
	wanted $action >want
	grep '^[0-9]' out | sed 1d | cut -d, -f2- >got
	same got want
	is 1 "$(grep -c ',attach,' out)" "attaches"
	expect 0 trace check $action.uvt
	expect 0 replay --backend null --db x.db $action.uvt
done
for rwbs in FWFSM FWS WSM RS DS; do
	grep -q " Q *$rwbs " "$data" || fail "the capture has no $rwbs"
done

check "the device is a file, as long as it is used, and attached whole"
expect 0 trace cat Q.uvt
end=$(awk -F, '/^[0-9]/ && $5 != "attach" && $8 + $9 > e { e = $8 + $9 } END { print e }' out)
prints "#file 1 size=$end path=7,0"
prints ",attach,1,1,0,$end,r|w|shared|maxw"

check "--size, --as io, --flush msync, --except"
expect 0 trace import --format blkparse --size 32M --as io "$data" -o io.uvt
expect 0 trace cat io.uvt
prints "#file 1 size=33554432 path=7,0"
is 0 "$(grep -cE ',(attach|read|write),' out)" "events of a map"
is "$(grep -c ' Q *R' "$data")" "$(grep -c ',pread,' out)" preads
expect 3 trace import --format blkparse --size 1M "$data" -o io.uvt
says "beyond its --size"
expect 0 trace import --format blkparse --flush msync "$data" -o m.uvt
expect 0 trace cat m.uvt
is 0 "$(grep -c ',fsync,' out)" fsyncs
wanted Q >want
is "$(grep -c ',fsync,' want)" "$(grep -c ',msync,1,1,' out)" msyncs
expect 3 trace import --format blkparse --except '7,*' "$data" -o no.uvt
says "no event of a file that is wanted"
[ ! -e no.uvt ] || fail "no.uvt was made"

check "two devices, a forced write, a failed request, events that were lost"
cat >two.txt <<'END'
Input file sda added
  8,0    3        1     0.000000000   697  Q   W 8 + 8 [kjournald]
259,12   3        2     1.500000000   697  Q WFS 16 + 1 [kjournald]
  8,0    1        0     1.600000000     0  m   N cfq697S / 12
  8,0    3        3     2.000000000     0  C   W 8 + 8 [-5]
  8,0    3        4     2.100000000     0  C   R 24 + 8 [0]
  8,0    3        5     2.200000000     0  C   N 36 (12 00 00) [0]

CPU0 (8,0):
 Reads Queued:           0,        0KiB	 Writes Queued:           1,        4KiB

Total (8,0):
 Reads Queued:           0,        0KiB	 Writes Queued:           1,        4KiB
Skips: 2 forward (1,234 -  10.0%)
END
expect 0 trace import --format blkparse two.txt -o two.uvt
says "lost: 1234"
expect 0 trace info two.uvt
prints "lost         1234 records"
expect 0 trace cat two.uvt
prints "#file 1 size=8192 path=8,0"
prints "#file 2 size=8704 path=259,12"
prints "2,0,697,697,write,1,1,4096,4096,"
prints "3,1500000000,697,697,write,2,2,8192,512,"
prints "4,1500000000,697,697,fsync,2,0,8192,512,data|range"
expect 0 trace import --format blkparse --action C two.txt -o two.uvt
expect 0 trace cat two.uvt
is 2 "$(grep -c '^[0-9]' out)" "events: the write failed"
prints "1,0,0,0,read,1,1,12288,4096,"

check "zstd, standard input, carriage returns, no newline at the end"
zstd -q "$data" -o z.zst
expect 0 trace import --format blkparse z.zst -o z.uvt
expect 0 trace cat z.uvt
grep '^[0-9]' out >z.csv
expect 0 trace cat Q.uvt
grep '^[0-9]' out >q.csv
same z.csv q.csv
sed 's/$/\r/' "$data" | head -c -2 |
    "$UVN" trace import --format blkparse - -o piped.uvt 2>err || fail "piped"
expect 0 trace cat piped.uvt
grep '^[0-9]' out >p.csv
same p.csv q.csv

check "what is no event is refused with its line, or counted"
head -n 3 "$data" >head
while IFS='|' read -r line why; do
	{ cat head; printf '%s\n' "$line"; cat head; } >bad.txt
	expect 3 trace import --format blkparse bad.txt -o bad.uvt
	is 1 "$(wc -l <err)" "lines of complaint"
	says "bad.txt: line 4: "
	says "$why"
	[ ! -e bad.uvt ] || fail "bad.uvt was made"
	expect 0 trace import --format blkparse --lenient --json bad.txt -o l.uvt
	is 1 "$(json '$.counts.malformed')" malformed
	is "$((2 * $(grep -c ' Q ' head) + 1))" "$(json '$.events')" events
	rm l.uvt
done <<'END'
hello|as blkparse prints
 sda    0        1     0.000000000  1  Q   R 0 + 8 [x]|as blkparse prints
  7,0    0        1     0.0000|as blkparse prints
  7,0    0        1     zero  1  Q   R 0 + 8 [x]|as blkparse prints
  7,0    0        1     0.0  -1  Q   R 0 + 8 [x]|as blkparse prints
  7,0    0        1     0.0  1  Q   Z 0 + 8 [x]|not what the request does
  7,0    0        1     0.0  1  Y   R 0 + 8 [x]|no action
  7,0    0        1     0.0  1  Q   R 0 + |no sectors
  7,0    0        1     0.0  1  Q   R -1 + 8 [x]|no sectors
  7,0    0        1     0.0  1  Q   R 36028797018963967 + 8 [x]|no sectors
END
expect 2 trace import --format blkparse --action X "$data" -o x.uvt
says "action"
