#!/usr/bin/env bash
# Unknown tunables, impossible values and combinations: exit status 2, one
# line with the remedy, and nothing is made.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv 50

refused() {
	local text=$1

	shift
	check "$*"
	expect 2 replay t.csv --backend null "$@"
	says "$text"
	says_one_line
	silent
	is "err out t.csv" "$(echo *)" "the folder"
}

refused "unknown tunable 'memroy'; did you mean 'memory'?" --set memroy=64M
refused "unknown tunable 'penalty'; did you mean 'hash_penalty'?" \
    --set penalty=1
refused "unknown tunable 'xyzzy'; uvn params lists them" --set xyzzy=1
refused "memory: 'much' is not a size" --memory much
refused "memory: '-64M' is not a size" --memory=-64M
refused "it may be 4K to 8T" --memory 9T
refused "it may be 4K to 8T" --memory 0
refused "beyond what fits" --memory 99999999999999999999
refused "hash_penalty: '1/0' is not a ratio" --hash-penalty 1/0
refused "hash_penalty: 'infinite' is not a ratio" --set hash_penalty=infinite
refused "inactive: 3/2 is out of bounds; it may be 0 to 1" --inactive 3/2
refused "sync_interval: '30' is not a time such as 250us, 30s" \
    --sync-interval 30
refused "did you mean 'forward'?" --cluster-policy forwards
refused "backend: 'mmap' is none of null|buffered|direct" --backend mmap
refused "did you mean '1998'?" --profile 1997
refused "did you mean 'faithful'?" --q4-single-read faithfull
refused "log: 'all' is not summary, ops or sample:N" --log all
refused "queue: 1 is out of bounds; it may be 64 to" --queue 1

refused "page_size=5000 is not a power of two" --page-size 5000
refused "cluster=5000 must be" --cluster 5000
refused "pager_map" --cluster 1M --pager-map 512K
refused "hash_buckets=1000 is not a power of two" --hash-buckets 1000
refused "freetarg=10 must be above freemin=20" --freemin 20 --freetarg 10

check "q20: less than 100 pages would livelock, and is refused with a remedy"
expect 2 replay t.csv --backend null --memory 396K
says "q20"
says "at least 100 pages (400K)"
says_one_line
expect 2 replay t.csv --backend null --memory 792K --page-size 8K
says "at least 100 pages (800K)"
expect 0 replay t.csv --backend null --memory 400K --no-db --quiet
expect 0 replay t.csv --backend null --memory 396K --no-db --quiet \
    --q20-small-memory fixed

check "--set and --NAME are one, and the last one counts"
expect 0 replay t.csv --no-db --json --set backend=direct --memory 1G \
    --hash_penalty 7 --set memory=2M --set hash-penalty=0.125 --backend null
is 2M "$(json '$.tunables.memory')" memory
is 1/8 "$(json '$.tunables.hash_penalty')" hash_penalty
is null "$(json '$.tunables.backend')" backend
