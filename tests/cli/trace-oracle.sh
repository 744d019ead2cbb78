#!/usr/bin/env bash
# uvn trace import and export --format oracleGeneral: oracleGeneral of libCacheSim.
. "$(dirname "$0")/lib.sh"

data=$top/tests/traces/data/lmdb.oracleGeneral

# The requests of a file: time object size next.
requests() {
	od -An -v -w24 -t u4 "$1" | awk '{
		next_ = $5 == 4294967295 && $6 == 4294967295 ? "never" : $5 + $6 * 4294967296
		printf "%d %.0f %d %s\n", $1, $2 + $3 * 4294967296, $4, next_
	}'
}

# request TIME OBJECT SIZE NEXT...: so many of them, as bytes.
request() {
	while [ $# -gt 0 ]; do
		perl -e 'print pack("VQ<Vq<", @ARGV)' -- "$1" "$2" "$3" "$4"
		shift 4
	done
}

# The requests that a trace's accesses are, found by another way.
wanted() {
	"$UVN" trace cat "$1" | awk -F, -v io="${2-}" '
	/^#page/ { page = substr($0, 7) + 0 }
	/^[0-9]/ && ($5 == "read" || $5 == "write" ||
	    (io && ($5 == "pread" || $5 == "pwrite") && $9 > 0)) {
		p = int($8 / page)
		end = int(($8 + $9 + page - 1) / page)
		do {
			if (n++ == 0)
				first = $2
			time[n] = int(($2 - first) / 1000000000)
			file[n] = $6
			at[n] = p
			p++
		} while (p < end)
	}
	END {
		for (i = n; i > 0; i--) {
			object = file[i] ":" at[i]
			next_[i] = object in last ? last[object] : "never"
			last[object] = i
		}
		for (i = 1; i <= n; i++)
			printf "%d %.0f %d %s\n", time[i], (file[i] - 1) * 1099511627776 + at[i], page, next_[i]
	}'
}

check "what libCacheSim's own converter has made comes back byte for byte"
expect 0 trace import --format oracleGeneral "$data" -o l.uvt
silent
expect 0 trace check l.uvt
expect 0 replay --backend null --db x.db l.uvt
expect 0 trace export --format oracleGeneral l.uvt -o back
same back "$data"

check "each request is a read of its object's page"
expect 0 trace cat l.uvt
prints "#objects the number of an object is its page"
requests "$data" | awk '{ printf "%.0f,1,1,read,1,1,%.0f,4096,\n", $1 * 1000000000, $2 * 4096 }' >want
grep '^[0-9]' out | sed 1d | cut -d, -f2- >got
same got want
expect 0 trace import --format oracleGeneral --as io --page 8K "$data" -o io.uvt
expect 0 trace cat io.uvt
prints "1,0,1,1,pread,1,0,8192,8192,"
prints "#objects of another size than a page are taken for one: 576 requests"

check "accesses of many files, some longer than a page: objects and next requests"
for name in rrd sqlite lld; do
	trace=$top/tests/traces/data/$name.csv.zst
	expect 0 trace export --format oracleGeneral --io no "$trace" -o $name.oracleGeneral --json
	requests $name.oracleGeneral >got
	wanted "$trace" >want
	same got want
	is "$(wc -l <want)" "$(json '$.entries')" entries
	is "$(zstdcat "$trace" | grep -c ,attach,)" "$(json '$.left_out.attach')" "attaches left out"
done
trace_csv made.csv 3000
expect 0 trace export --format oracleGeneral --io no made.csv -o made.oracleGeneral
says "left out"
requests made.oracleGeneral >got
wanted made.csv >want
same got want
expect 0 trace export --format oracleGeneral made.csv -o made.oracleGeneral
requests made.oracleGeneral >got2
wanted made.csv io >want
same got2 want
[ "$(wc -l <got2)" -gt "$(wc -l <got)" ] || fail "no pwrites were there"
expect 0 trace export --format oracleGeneral made.csv -o made.zst
zstd -dcq made.zst | cmp - made.oracleGeneral || fail "compressed"

check "what it can carry comes back: one file, whole pages, reads, whole seconds"
expect 0 trace gen uniform --pages 300 --events 2000 --writes 0 --interval 1s -o g.uvt
expect 0 trace export --format oracleGeneral g.uvt -o g.oracleGeneral
expect 0 trace import --format oracleGeneral g.oracleGeneral
expect 0 trace cat g.uvt
grep ',read,' out | awk -F, '{ $2 = $2 - 1000000000; $3 = $4 = 1; print }' OFS=, >want
expect 0 trace cat g.oracleGeneral.uvt
grep ',read,' out | awk -F, '{ $2 += 0; print }' OFS=, >got
is 1999 "$(wc -l <got)" reads
same got want

check "files come back with --ids split"
expect 0 trace export --format oracleGeneral "$top/tests/traces/data/rrd.csv.zst" -o rrd.oracleGeneral
expect 0 trace import --format oracleGeneral --ids split rrd.oracleGeneral -o rrd.uvt
expect 0 trace cat rrd.uvt
awk -F, '
	/^#file/ { split($0, word, /[ .]/); name[word[2]] = word[5] }
	/^[0-9]/ && $5 == "read" { print name[$6], $8 / 4096 }' out >got
wanted "$top/tests/traces/data/rrd.csv.zst" io |
    awk '{ f = int($2 / 1099511627776); print f + 1, $2 - f * 1099511627776 }' >want
same got want
is "$(cut -d' ' -f1 want | sort -u | wc -l)" "$(grep -c '^#file' out)" files

check "what it cannot: writes, files, processes, fractions of seconds, other ops"
expect 0 trace import --format oracleGeneral made.oracleGeneral -o m.uvt
expect 0 trace cat m.uvt
is "attach read" "$(grep '^[0-9]' out | cut -d, -f5 | sort -u | tr '\n' ' ' | sed 's/ $//')" ops
is "1,1" "$(grep '^[0-9]' out | cut -d, -f3,4 | sort -u)" processes
is 0 "$(grep '^[0-9]' out | cut -d, -f2 | grep -cvE '^(0|[0-9]+000000000)$')" "times between seconds"
is 1 "$(grep -c '^#file' out)" files
expect 0 trace gen uniform --events 100 --pages 10 -o w.uvt
expect 0 trace cut --to 1 w.uvt -o none.uvt
expect 3 trace export --format oracleGeneral none.uvt -o none
says "oracleGeneral has a word for none of the trace's events"
[ ! -e none ] || fail "none was made"

check "numbers that are scattered are numbered anew, or kept if that is wanted"
request 5 1000000000000 4096 3  5 7 4096 -1  6 1000000000000 4096 9223372036854775807 >far
expect 0 trace import --format oracleGeneral far -o far.uvt
expect 0 trace cat far.uvt
prints "#objects pages are numbered as objects come"
prints "#file 1 size=8192 path=objects"
prints "1,0,1,1,read,1,1,0,4096,"
prints "2,0,1,1,read,1,1,4096,4096,"
prints "3,1000000000,1,1,read,1,1,0,4096,"
expect 0 trace import --format oracleGeneral --ids page far -o far.uvt
expect 0 trace cat far.uvt
prints "1,0,1,1,read,1,1,4096000000000000,4096,"
expect 0 trace import --format oracleGeneral --ids order "$data" -o n.uvt
expect 0 trace cat n.uvt
prints "#objects pages are numbered as objects come"
request 0 9223372036854775807 4096 -1 >huge
expect 3 trace import --format oracleGeneral --ids page huge -o huge.uvt
says "huge: request 1: object 9223372036854775807 is no page of a file; --ids order"

check "zstd, and pipes"
zstd -q "$data" -o z.zst
expect 0 trace import --format oracleGeneral z.zst -o z.uvt
expect 0 trace cat z.uvt
grep '^[0-9]' out >got
expect 0 trace cat l.uvt
grep '^[0-9]' out >want
same got want
"$UVN" trace import --format oracleGeneral --ids page - -o p.uvt <"$data" 2>err || fail "piped"
expect 0 trace cat p.uvt
grep '^[0-9]' out >got
same got want
cat "$data" | "$UVN" trace import --format oracleGeneral - -o p.uvt 2>err && fail "read a pipe twice"
says "a pipe is not read twice; say by --ids"
"$UVN" trace export --format oracleGeneral l.uvt -o - 2>err | cmp - "$data" || fail "export to a pipe"

check "what is cut short or of another format"
head -c 1000 "$data" >cut
expect 3 trace import --format oracleGeneral cut -o cut.uvt
is 1 "$(wc -l <err)" "lines of complaint"
says "cut: cut short: 16 bytes are left behind request 41"
expect 3 trace import --format oracleGeneral --ids page --lenient cut -o cut.uvt
says "cut short"
head -c 2400 /bin/sh >elf
expect 3 trace import --format oracleGeneral elf -o elf.uvt
says "elf: request "
says "its object comes next in request "
# Some count from 0, so that the next may seem to be the request itself.
request 0 1 4096 2  0 1 4096 1  0 2 4096 -1 >self
expect 3 trace import --format oracleGeneral self -o self.uvt
says "self: request 2: its object comes next in request 1, which is not behind it"
expect 0 trace import --format oracleGeneral --lenient --json self -o self.uvt
is 1 "$(json '$.counts.malformed')" malformed
is 3 "$(json '$.events')" events
head -c 200 z.zst >cut.zst
expect 3 trace import --format oracleGeneral cut.zst -o cut.uvt
says "cut.zst: "
[ ! -e cut.uvt ] || fail "cut.uvt was made"
ln -s /dev/full full
expect 4 trace export --format oracleGeneral l.uvt -o full
says "No space left"
expect 4 trace export --format oracleGeneral l.uvt -o no/such/folder
says "no/such/folder"
is 0 "$(find . -name '*.tmp' -o -name '.uvn-*' | wc -l)" "files left behind"
