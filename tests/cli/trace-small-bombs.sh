#!/usr/bin/env bash
# Files of some hundred bytes that speak of very much: within 512 MB of address
# space they are refused, or work, and nothing says that memory is short.
. "$(dirname "$0")/lib.sh"

limit=524288 # KB

# AddressSanitizer's own takes terabytes.
(
	ulimit -v $limit
	"$UVN" --version >/dev/null 2>&1
) || skip "this build of uvn takes more than that by itself"

# Run with little memory: out, err, $rc.
small() {
	(
		ulimit -v $limit
		exec "$UVN" "$@" >"$work/out" 2>"$work/err" </dev/null
	)
	rc=$?
}

# Each of the commands that read traces.
reads() {
	local verb

	for verb in "trace info $1" "trace check $1" "trace cat $1" \
	    "trace export $1 -o x.csv" "trace plot $1 -o x.svg" \
	    "replay $1 --backend null --no-db --memory 1M"; do
		# shellcheck disable=SC2086
		small $verb
		[ "$rc" -eq 0 ] || [ "$rc" -eq 3 ] ||
		    fail "exit status $rc: uvn $verb"
		! grep -q "no memory" err || fail "uvn $verb: $(cat err)"
	done
}

csv() {
	{
		echo "#uvn-trace 1"
		printf '#file 1 size=%s path=a\n' "$1"
		echo "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
		cat
	} >bomb.csv
}

# The page table of such a map is reserved, 4 GB, and hardly touched.
check "a file and a map of 16 TB, touched at both ends"
limit=5242880
csv 17592186044416 <<EOT
0,0,1,1,attach,1,1,0,17592186044416,r|w|shared
1,1,1,1,read,1,1,0,4096,
2,2,1,1,write,1,1,17592186040320,4096,
EOT
reads bomb.csv

limit=524288
check "ids at the end of their range"
csv 8192 <<EOT
0,0,4294967295,4294967295,attach,1,4294967295,0,8192,r|shared
1,18446744073709551615,4294967295,4294967295,read,1,4294967295,0,8192,
EOT
reads bomb.csv

check "an access of the whole 16 TB"
csv 17592186044416 <<EOT
0,0,1,1,truncate,1,0,0,17592186044416,
1,1,1,1,fallocate,1,0,0,17592186044416,
2,2,1,1,sync,0,0,0,0,
EOT
reads bomb.csv

check "a zstd frame that says it holds 4 GB, and has a window of as much"
printf '\x28\xb5\x2f\xfd\xa0\xff\xff\xff\xff\x01\x00\x00' >bomb.zst
reads bomb.zst

check "a .uvt whose preamble is said to be large"
uvn trace gen uniform --events 10 --pages 10 -o good.uvt
cp good.uvt bomb.uvt
printf '\xff\xff\xff\x03' |
    dd of=bomb.uvt bs=1 seek=40 conv=notrunc 2>/dev/null
reads bomb.uvt

check "importers"
for format in blkparse bpftrace fio lackey msr oracleGeneral perf-script \
    perf-trace strace; do
	head -c 100 /dev/zero | tr '\0' 9 >nines
	small trace import --format "$format" nines -o x.uvt
	[ "$rc" -eq 3 ] || fail "exit status $rc: $format"
	! grep -q "no memory" err || fail "$format: $(cat err)"
done
printf '\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\0\0\0\0\0\0\0\0' \
    >huge.oracle
small trace import --format oracleGeneral huge.oracle -o x.uvt
[ "$rc" -eq 0 ] || [ "$rc" -eq 3 ] || fail "exit status $rc"
! grep -q "no memory" err || fail "$(cat err)"
