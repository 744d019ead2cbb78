#!/usr/bin/env bash
# uvn replay --like, and the command line that a run's row keeps.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv

check "--like takes the tunables of a run"
expect 0 replay t.csv --quiet --backend null --memory 1M --cluster 16K \
    --hash-penalty 1/8 --profile modern --q4-single-read faithful
expect 0 replay t.csv --json --like 1
cp out like
is 1M "$(json '$.tunables.memory')" memory
is 16K "$(json '$.tunables.cluster')" cluster
is 1/8 "$(json '$.tunables.hash_penalty')" hash_penalty
is null "$(json '$.tunables.backend')" backend
is fixed "$(json '$.tunables.q1_error_clean')" q1
is faithful "$(json '$.tunables.q4_single_read')" q4
is "" "$(sql uvn.db "SELECT name, a.value, b.value FROM counter a
    JOIN counter b USING (name) WHERE a.run = 1 AND b.run = 2
    AND a.value IS NOT b.value")" "the difference of the counters"

check "the command line wins, wherever it stands"
expect 0 replay --memory 4M t.csv --json --like 1 --set profile=1998
is 4M "$(json '$.tunables.memory')" memory
is 16K "$(json '$.tunables.cluster')" cluster

check "what follows from another tunable follows it still"
is 51 "$(json '$.tunables.freemin')" freemin
is 1024 "$(json '$.tunables.hash_buckets')" hash_buckets
is faithful "$(json '$.tunables.q1_error_clean')" q1

check "the command of a run's row repeats it"
sql uvn.db "SELECT command FROM run WHERE id = 1" >command.sh
(
	# shellcheck disable=SC2317
	uvn() { "$UVN" "$@"; }
	# shellcheck disable=SC1091
	. ./command.sh
) >out 2>err || fail "$(cat command.sh)"
is "" "$(sql uvn.db "SELECT name, a.value, b.value FROM counter a
    JOIN counter b USING (name) WHERE a.run = 1
    AND b.run = (SELECT max(id) FROM run) AND a.value IS NOT b.value")" \
    "the difference of the counters"

check "a path that a shell would take apart is quoted"
cp t.csv "it's \$HOME.csv"
expect 0 replay "it's \$HOME.csv" --quiet --backend null
sql uvn.db "SELECT command FROM run ORDER BY id DESC LIMIT 1" >command.sh
(
	# shellcheck disable=SC2317
	uvn() { printf '%s\n' "$2"; }
	# shellcheck disable=SC1091
	. ./command.sh
) >out
is "it's \$HOME.csv" "$(cat out)" "the path"

check "no such run is bad input"
for run in 99 0 9223372036854775808; do
	expect 3 replay t.csv --like "$run" --backend null
	says "no run"
	says_one_line
done
