#!/usr/bin/env bash
# uvn trace info: what a trace amounts to, as text and as JSON.
. "$(dirname "$0")/lib.sh"

# Pages 1 2 3 2 1 1 4 2 are read, 9 10 4 3 written; 0 to 9 synced, and the rest.
{
	printf '#uvn-trace 1\n#page 4096\n#file 1 size=81920 path=/a file\n'
	printf '#file 7 size=0 path=/un\033[31mtouched\n'
	echo "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	seq=0
	while read -r op offset length flags; do
		echo "$seq,$((seq * 100)),1,1,$op,1,1,$offset,$length,$flags"
		seq=$((seq + 1))
	done <<-EOF
	attach 0 81920 r|w|shared|maxw
	$(for p in 1 2 3 2 1 1 4 2; do echo "read $((p * 4096)) 4096 "; done)
	$(for p in 9 10 4 3; do echo "write $((p * 4096)) 4096 kernel"; done)
	msync 0 40960 sync
	msync 0 40960 async
	EOF
	echo "$seq,$((seq * 100)),1,1,fsync,1,0,0,0,"
} >t.csv

check "text has tables of all of it"
expect 0 trace info t.csv
prints "footprint    6 pages, 24.0 KiB"
prints "accesses     12 pages, 33.3 % of them written"
prints "  kernel     4, 100.0 % of them written"
grep -qE '^ +12 100\.0 % +33\.3 % +6 +4 +80\.0 KiB  /a file$' out ||
    fail "no row for the file"
prints "next page 27.3 %, same page 9.1 %, previous page 27.3 %, elsewhere 36.4 %"
grep -qE '^ +first touch +6 +50\.0 %' out || fail "no first touches"
grep -qE '^ +2\.\. +3 +25\.0 %.* 83\.3 %$' out || fail "no row of distances"
grep -qE '^  msync +1 +0 +3 +3\.0 +2 +1\.5 +2$' out || fail "no msync"
grep -qE '^  any +3 +1 +4 +1\.3 +3 +1\.3 +2$' out || fail "no syncs in all"
prints "dirty in all 4, dropped by truncate 0, left dirty 0"
prints "working set: different pages accessed in each"

check "text of a trace does not speak to the terminal"
prints "/un?[31mtouched"
grep -q "$(printf '\033')" out && fail "an escape came through"

check "JSON has all of it"
expect 0 trace info t.csv --json
is 1 "$(json '$.reuse.distances.buckets[0].count')" "distances of 0"
is 3 "$(json '$.reuse.distances.buckets[2].count')" "distances of 2 and 3"
is 11 "$(json '$.reuse.lru[0].misses')" "misses with one page"
is 10 "$(json '$.reuse.lru[1].misses')" "misses with two"
is 2 "$(json '$.syncs.msync.runs.count')" runs
is 1 "$(json '$.syncs."msync async".clean')" "clean syncs"
is 1 "$(json '$.syncs.fsync.pages.sum')" "pages that fsync found"
is 4 "$(json '$.flags.kernel.pages_written')" "by the kernel"
is 6 "$(json '$.files[0].touched_pages')" "pages touched"
is 0 "$(json '$.files[1].touched_pages')" "pages touched of the other"
is 100 "$(json '$.syncs.any.interval_ns.median')" median

check "--top lists fewer files, JSON all"
expect 0 trace info "$top/traces/samples/lld.uvt" --top 2
declared=$("$UVN" trace cat "$top/traces/samples/lld.uvt" | grep -c '^#file ')
prints "files: the 2 of $declared with the most accesses"
is 2 "$(sed -n '/^files: /,/^$/p' out | grep -c 'libLLVM\|libout')" "files listed"
expect 0 trace info "$top/traces/samples/lld.uvt" --top 2 --json
is "$declared" "$(sqlite3 :memory: "SELECT json_array_length(readfile('out'),
    '\$.files')")" "files in JSON"

check "the figures of a recorded trace agree with each other"
for name in lld lmdb rrd sqlite tdb; do
	expect 0 trace info "$top/traces/samples/$name.uvt" --json
	accesses=$(json '$.accesses')
	is "$(json '$.footprint_pages')" "$(json '$.reuse.first_touches')" \
	    "$name: first touches"
	is "$accesses" "$(($(json '$.reuse.distances.count') +
	    $(json '$.reuse.first_touches')))" "$name: distances"
	is "$accesses" "$(sqlite3 :memory: "SELECT sum(value ->> 'accesses')
	    FROM json_each(readfile('out'), '\$.parts')")" "$name: parts"
	is "$(json '$.footprint_pages')" "$(sqlite3 :memory: "SELECT
	    sum(value ->> 'touched_pages')
	    FROM json_each(readfile('out'), '\$.files')")" "$name: files"
	is "$(json '$.dirty.made')" "$(sqlite3 :memory: "SELECT
	    json_extract(readfile('out'), '\$.dirty.dropped') +
	    json_extract(readfile('out'), '\$.dirty.left') +
	    coalesce(json_extract(readfile('out'), '\$.syncs.any.pages.sum'), 0)"
	    )" "$name: dirty pages"
	expect 0 trace info "$top/traces/samples/$name.uvt"
	sed '/^provenance/,$d; /^files/,/^$/d' out | awk 'length > 80' >wide
	[ ! -s wide ] || fail "$name: wider than 80 columns: $(head -n 1 wide)"
done

check "misses below four windows are not shown"
expect 0 trace info "$top/traces/samples/lmdb.uvt"
grep -qE '^ +128\.\. .* -$' out || fail "128 pages have misses"
grep -qE '^ +256\.\. .* [0-9.]+ %$' out || fail "256 pages have none"
expect 0 trace info "$top/traces/samples/lmdb.uvt" --json
is 256 "$(json '$.meaningful_pages')" meaningful_pages
is 0 "$(json '$.reuse.lru[7].meaningful')" "128 pages"
is 1 "$(json '$.reuse.lru[8].meaningful')" "256 pages"

check "--fast leaves out reuse and nothing else"
expect 0 trace info t.csv --fast
prints "left out: reuse, by --fast"
grep -q "^reuse" out && fail "reuse is there"
grep -q "^syncs" out || fail "syncs are not"
expect 0 trace info t.csv --fast --json
is "" "$(json '$.reuse')" reuse
is 6 "$(json '$.footprint_pages')" footprint_pages

check "too many pages are left out, and said to be"
expect 0 trace gen uniform --pages 1M --events 200K --msync 1000 -o many.uvt
expect 0 trace info many.uvt --limit 2M
prints "footprint    more than "
prints "left out: reuse, dirty pages and working sets"
prints "sync intervals"
grep -q "^syncs" out && fail "syncs are said to find something"
expect 0 trace info many.uvt --limit 2M --json
is 0 "$(json '$.footprint_complete')" footprint_complete
is "" "$(json '$.dirty')" dirty
is "" "$(json '$.syncs.msync.runs')" runs
expect 2 trace info many.uvt --limit 0
says "--limit"
expect 2 trace info many.uvt --top many
says "--top"

check "a trace of nothing has nothing"
head -n 5 t.csv >empty.csv
expect 0 trace info empty.csv
prints "events       0"
grep -qE '^(sequence|reuse|syncs|working)' out && fail "a table of nothing"
expect 0 trace info empty.csv --json
is 0 "$(json '$.reuse.distances.count')" distances
