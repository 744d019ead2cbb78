#!/usr/bin/env bash
# What uvn sweep refuses: one line each, an exit status, no database made.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv
cp t.csv copy.csv

wrong() {
	local rc=$1 text=$2

	shift 2
	check "uvn sweep $*"
	expect "$rc" sweep "$@"
	says "$text"
	says_one_line
	silent
	[ ! -e uvn.db ] || fail "a database was made"
}

wrong 2 "TRACE... expected"
wrong 2 "--axis: 'x' is not NAME=VALUE" t.csv --axis x
wrong 2 "--axis: unknown tunable 'hash_penlaty'; did you mean 'hash_penalty'?" \
    t.csv --axis hash_penlaty=1
wrong 2 "--axis: cluster: '4Q' is not a size" t.csv --axis cluster=4Q
wrong 2 "--axis: hash_penalty: 1/4 is there twice" \
    t.csv --axis hash_penalty=0.25,1/4
wrong 2 "--axis: cluster: '4K..1M' lacks its step" t.csv --axis cluster=4K..1M
wrong 2 "--axis: cluster has an axis already" \
    t.csv --axis cluster=4K --axis cluster=64K
wrong 2 "hash_penalty is an axis and is set to 4, too" \
    t.csv --axis hash_penalty=1,2 --hash-penalty 4
wrong 2 "hash_penalty is an axis and is set to 4, too" \
    t.csv --set hash_penalty=4 --axis hash-penalty=1,2
wrong 2 "unknown tunable 'memroy'; did you mean 'memory'?" \
    t.csv --set memroy=1M
wrong 2 "hash_penalty has 2 values and cluster has 3; give all axes as many" \
    t.csv --pairs --axis hash_penalty=1,2 --axis cluster=4K,8K,16K
wrong 2 "--pairs takes the values of two axes or more" t.csv --pairs
wrong 2 "--repeat: at least 1" t.csv --repeat 0
wrong 2 "--repeat: 'x' is not a count" t.csv --repeat x
wrong 2 "--jobs: at most 1024" t.csv --jobs 1M
wrong 2 "--share: 'x' is not a size" t.csv --share x
wrong 2 "more than 1048576 cells" t.csv --repeat 2M
wrong 2 "not standard input" -
wrong 2 "t.csv and copy.csv are the same trace" t.csv copy.csv
wrong 2 "unknown option --axes; did you mean --axis?" t.csv --axes cluster=4K
wrong 3 "none.csv: No such file" none.csv
wrong 3 "none.csv: No such file" t.csv none.csv
head -c 100 t.csv >cut.csv
printf 'bad\n' >>cut.csv
wrong 3 "cut.csv" cut.csv
wrong 3 "no/such/dir.db: opening: its directory does not exist" t.csv --db no/such/dir.db

check "the manual has every option that is no tunable"
expect 0 sweep --help
sed -n '/^options:/,/^tunables/p' out | grep -oE -- '--[a-z-]+' | sort -u |
    while read -r option; do
	grep -qE -- "Fl -.*${option#--}\\b" "$top/docs/man/uvn-sweep.1" \
	    "$top/docs/man/uvn.1" || echo "$option"
done >missing
[ ! -s missing ] || fail "uvn-sweep(1) lacks $(tr '\n' ' ' <missing)"
awk 'length > 79 { bad = 1 } END { exit bad }' out || fail "a long line"

check "the manual page has nothing mandoc warns of"
if command -v mandoc >/dev/null; then
	mandoc -Tlint -Wwarning "$top/docs/man/uvn-sweep.1" >out ||
	    fail "uvn-sweep.1"
fi

check "a damaged trace is bad input; --salvage says once what it leaves out"
expect 0 trace gen uniform --pages 500 --events 300000 -o big.uvt
size=$(stat -c %s big.uvt)
printf '\377' | dd of=big.uvt bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
wrong 3 "big.uvt" big.uvt --backend null
check "salvaged"
expect 0 sweep big.uvt --backend null --salvage --repeat 2
says "big.uvt: left out 1 damaged blocks"
says_one_line
is 2 "$(sql uvn.db "SELECT count(*) FROM run WHERE status = 'complete'
    AND command LIKE '% --salvage %'")" "runs"
