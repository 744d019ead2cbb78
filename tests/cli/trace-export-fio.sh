#!/usr/bin/env bash
# fio reads the iologs that uvn writes, and does what they say.
. "$(dirname "$0")/lib.sh"
command -v fio >/dev/null || skip "no fio; apt-get install fio"

# replay ENGINE LOG: let fio do what the log says; its JSON is out.
replay() {
	fio --name=r --read_iolog="$2" --ioengine="$1" --replay_no_stall=1 \
	    --output="$work/out" --output-format=json >"$work/err" 2>&1 ||
	    fail "fio: exit status $?"
	[ ! -s "$work/err" ] || fail "fio complains"
	is 0 "$(json '$.jobs[0].error')" "fio's error"
}

# counts LOG COLUMN: reads, writes, their bytes, and syncs of the log, as fio
# says that it did them.
counts() {
	awk -v a="$2" 'NR > 1 { n[$a]++; bytes[$a] += $(a + 2) }
	    END { print n["read"] + 0, n["write"] + 0, bytes["read"] + 0,
		bytes["write"] + 0, n["sync"] + 0 }' "$1"
}

did() {
	echo "$(json '$.jobs[0].read.total_ios') $(
	    json '$.jobs[0].write.total_ios') $(
	    json '$.jobs[0].read.io_bytes') $(
	    json '$.jobs[0].write.io_bytes') $(
	    json '$.jobs[0].sync.total_ios')"
}

check "reads, writes, bytes and syncs are counted alike, on files"
mkdir d
expect 0 trace gen mix --pages 256 --files 3 --events 4000 --fsync 50 \
    --msync 70 -o mix.uvt
expect 0 trace export --format fio --dir d mix.uvt -o mix.log --json
is 3 "$(json '$.files')" files
truncate -s 1M d/f1 d/f2 d/f3
for engine in null psync; do
	replay $engine mix.log
	is "$(counts mix.log 3)" "$(did)" "what fio did with $engine"
done
[ "$(counts mix.log 3 | awk '$1 > 1000 && $2 > 500 && $5 > 50')" ] ||
    fail "hardly anything was done"
[ "$(tr -d '\0' <d/f1 | wc -c)" -gt 0 ] || fail "nothing was written"

check "the log has what the trace has"
reads=$("$UVN" trace cat mix.uvt | grep -c ',read,')
writes=$("$UVN" trace cat mix.uvt | grep -c ',write,')
syncs=$("$UVN" trace cat mix.uvt | grep -cE ',fsync,|,msync,.*,sync$')
is "$reads $writes $syncs" "$(counts mix.log 3 | cut -d ' ' -f 1,2,5)" \
    "reads, writes and syncs"

check "version 2, too"
expect 0 trace export --format fio --dir d --fio-version 2 mix.uvt -o mix2.log
replay psync mix2.log
is "$(counts mix2.log 2)" "$(did)" "what fio did"
is "$(counts mix.log 3)" "$(counts mix2.log 2)" "version 2 against 3"

check "a recorded trace"
expect 0 trace export --format fio --dir d "$top/traces/samples/sqlite.uvt" -o s.log --quiet
awk 'NR > 1 && NF == 5 && $4 + $5 > size[$2] { size[$2] = $4 + $5 }
    END { for (f in size) print size[f], f }' s.log |
    while read -r size file; do truncate -s "$size" "$file"; done
replay psync s.log
is "$(counts s.log 3)" "$(did)" "what fio did"
