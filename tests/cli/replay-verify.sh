#!/usr/bin/env bash
# --verify: passes on what is right; a byte that was changed behind the
# pager's back is found, with file, page and event, exit status 1.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv

backends="buffered direct"
uvn replay t.csv --no-db --quiet --backend direct --memory 1M
if [ "$rc" -eq 4 ] && grep -qF O_DIRECT err; then
	echo "  (the file system of $work has no O_DIRECT)"
	backends=buffered
fi

for backend in $backends; do
	for memory in 400K 1M 64M; do
		check "it passes: $backend, memory $memory"
		expect 0 replay t.csv --verify --json --no-db \
		    --backend "$backend" --memory $memory
		is passed "$(json '$.verify')" verify
	done
	check "it passes with everything of 1998 mended: $backend"
	expect 0 replay t.csv --verify --json --no-db --memory 1M \
	    --backend "$backend" --profile modern
	is passed "$(json '$.verify')" verify
done

# Asynchronous, by --profile modern.
uring=
uvn replay t.csv --no-db --quiet --backend uring --profile modern
if [ "$rc" -eq 4 ] && grep -qE 'O_DIRECT|io_uring' err; then
	echo "  (no asynchronous I/O: $(cat err))"
else
	is 0 "$rc" "exit status"
	uring=uring
fi
for backend in $uring; do
	for memory in 400K 1M 64M; do
		for more in "" "--readahead fixed --readahead_max 64K" \
		    "--io_depth 1" "--durability dsync" \
		    "--cluster 16K --pager_map 64K --daemon_rule io"; do
			check "it passes: uring, modern, memory $memory $more"
			# shellcheck disable=SC2086
			expect 0 replay t.csv --verify --json --no-db \
			    --backend uring --profile modern --memory $memory \
			    $more
			is passed "$(json '$.verify')" verify
			[ "$(json '$.counters.aiodones')" -gt 50 ] ||
			    fail "hardly any I/O was asynchronous"
		done
	done
	paranoid=
	for sample in lld tokyo-btree; do
		check "it passes: uring, modern, $sample"
		expect 0 replay "$top/traces/samples/$sample.uvt" --verify \
		    --json --no-db --backend uring --profile modern --memory 8M
		is passed "$(json '$.verify')" verify
	done
	paranoid=--paranoid
done

check "it is off unless asked for"
expect 0 replay t.csv --json --no-db --backend null
is off "$(json '$.verify')" verify

check "null has no bytes to verify"
expect 2 replay t.csv --verify --no-db --backend null
says_one_line
says "--verify"
silent

# Page 5 of the backing file $file; has it been written since $original?
page5() {
	dd if="$file" bs=4096 skip=5 count=1 2>/dev/null | cksum
}
written() {
	file=$(find data -type f -size 1048576c 2>/dev/null | head -n 1)
	[ -n "$file" ] && [ "$(page5)" != "$original" ]
}

# The first phase writes page 5 of file 1 to disk and goes no further until
# the second is in the pipe; in between a byte of page OFFSET/4096 flips.
phases() {
	local backend=$1 offset=$2 rc pid byte

	rm -rf data out err
	rm -f phases
	mkfifo phases
	"$UVN" replay - --verify --json --db flip.db --dir data \
	    --backend "$backend" --no-progress <phases >out 2>err &
	pid=$!
	exec 5>phases
	{
		printf '%s\n' '#uvn-trace 1' '#page 4096' \
		    '#file 1 size=1048576 path=/one' \
		    'seq,time_ns,pid,tid,op,file,map,offset,length,flags' \
		    '0,0,1,1,attach,1,1,0,1048576,r|w|shared|maxw'
		# Readers take events in batches: fill some.
		awk 'BEGIN { for (i = 1; i < 50000; i++)
			if (i == 100)
				print i "," i ",1,1,write,1,1,20480,4096,"
			else if (i == 200)
				print i "," i ",1,1,msync,1,1,0,1048576,sync"
			else
				print i "," i ",1,1,read,1,1,0,4096," }'
	} >&5
	wait_for 30 written || fail "page 5 is not written"
	byte=$(od -An -tu1 -j "$offset" -N 1 "$file")
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 1)))" |
	    dd of="$file" bs=1 seek="$offset" conv=notrunc 2>/dev/null
	awk 'BEGIN { for (i = 50000; i < 50100; i++)
		print i "," i ",1,1,read,1,1," (i == 50050 ? 36864 : 0) ",4096," }' >&5
	exec 5>&-
	wait $pid
	rc=$?
	[ $rc -eq 1 ] || fail "exit status $rc, not 1"
	says_one_line
	says "file 1"
	is failed "$(json '$.verify')" verify
	is failed "$(json '$.status')" status
	is failed "$(sql flip.db "SELECT verify FROM run
	    ORDER BY id DESC LIMIT 1")" "verify in the database"
}

# What page 5 holds before any write.
printf '%s\n' '#uvn-trace 1' '#page 4096' '#file 1 size=1048576 path=/one' \
    'seq,time_ns,pid,tid,op,file,map,offset,length,flags' \
    '0,0,1,1,attach,1,1,0,1048576,r|w|shared|maxw' >plain.csv
expect 0 replay plain.csv --backend buffered --no-db --quiet --dir data
file=$(find data -type f -size 1048576c | head -n 1)
original=$(page5)

for backend in $backends; do
	check "a byte flipped in a page that is read later: $backend"
	phases "$backend" $((9 * 4096 + 17))
	says "page 9"
	says "event 50050"
	check "a byte flipped in a page that is never read: $backend"
	phases "$backend" $((200 * 4096))
	says "page 200"
done
