#!/usr/bin/env bash
# uvn params: text and JSON hold the same tunables, and say what they take.
. "$(dirname "$0")/lib.sh"

check "text: the row of a tunable of each kind"
expect 0 params
grep -qE '^memory +64M +4K to 8T +bytes$' out || fail "memory"
grep -qE '^hash_penalty +4 +0 to inf$' out || fail "hash_penalty"
grep -qE '^cluster_policy +forward +forward\|aligned\|around$' out || fail "policy"
grep -qE '^sync_interval +30s +0 or more$' out || fail "sync_interval"
grep -qE '^q4_single_read +profile +profile\|faithful\|fixed$' out || fail "quirk"
grep -qE '^log +summary +summary\|ops\|sample:N$' out || fail "log"
grep -qE '^backend +direct +null\|buffered\|direct\|uring$' out || fail "backend"
sed 1d out | grep -oE '^[a-z0-9_]+' >text

check "JSON: the same tunables in the same order"
expect 0 params --json
is 1 "$(sqlite3 :memory: "SELECT json_valid(readfile('out'))")" "json_valid"
sqlite3 :memory: "SELECT json_extract(value, '\$.name')
    FROM json_each(readfile('out'), '\$.tunables')" >names
same text names

check "JSON: name, kind, default, range, unit and help of each"
is 0 "$(sqlite3 :memory: "SELECT count(*)
    FROM json_each(readfile('out'), '\$.tunables')
    WHERE json_extract(value, '\$.kind') IS NULL
    OR json_extract(value, '\$.default') IS NULL
    OR json_extract(value, '\$.range') IS NULL
    OR json_extract(value, '\$.unit') IS NULL
    OR json_extract(value, '\$.help') IS NULL")" "rows with a hole"

check "every default is a value that is accepted"
sqlite3 :memory: "SELECT json_extract(value, '\$.name') || '=' ||
    json_extract(value, '\$.default')
    FROM json_each(readfile('out'), '\$.tunables')" >defaults
args=()
while read -r setting; do
	args+=(--set "$setting")
done <defaults
expect 3 replay nothing.csv --no-db "${args[@]}"
says "nothing.csv"

check "--counters: the same as the JSON's"
expect 0 params --counters
for name in accesses mapped_hits resident_hits misses faults fault_errors \
    neighbours_mapped lookups list_visits flushes flush_by_list \
    flush_by_hash pagein_ios pagein_pages pagein_bytes pageout_ios \
    pageout_pages pageout_bytes alloc_failures memory_waits pdwoke pdrevs \
    pdscans pdobscan pdfreed pdreact pdbusy pdpageouts pddeact free active \
    inactive; do
	grep -qE "^$name " out || fail "no counter $name"
done
