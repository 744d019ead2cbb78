#!/usr/bin/env bash
# A .uvt of another kind, of a newer version, damaged or cut: exit status 3,
# and nothing of a damaged block reaches the pager.
. "$(dirname "$0")/lib.sh"

# Too many events for that.
paranoid=

expect 0 trace gen zipf --pages 1K --events 200K --seed 1 -o good.uvt
expect 0 replay good.uvt --backend null --json --no-db
events=$(json '$.events')
size=$(stat -c %s good.uvt)

# patch OFFSET: standard input over bad.uvt from there on
patch() {
	dd of=bad.uvt bs=1 seek="$1" conv=notrunc 2>/dev/null
}

refused() {
	expect 3 replay bad.uvt --backend null --no-db --quiet
	silent
	says_one_line
	says "bad.uvt"
}

check "wrong magic"
cp good.uvt bad.uvt
printf 'XXXX' | patch 0
refused

check "a newer version"
cp good.uvt bad.uvt
printf '\377' | patch 8
refused
says "version"

check "a damaged block: what came before it is replayed, nothing of it"
cp good.uvt bad.uvt
printf '\0\377\0\377\0\377\0\377' | patch $((size * 3 / 5))
refused
says "block"
expect 3 replay bad.uvt --backend null --json --no-db
[ "$(json '$.events')" -lt "$events" ] || fail "all events were replayed"
is failed "$(json '$.status')" status

check "--salvage replays the blocks that are good"
before=$(json '$.events')
expect 0 replay bad.uvt --salvage --backend null --json --no-db
says "left out 1 damaged blocks"
[ "$(json '$.events')" -gt "$before" ] && [ "$(json '$.events')" -lt "$events" ] ||
    fail "--salvage replayed $(json '$.events') events"

check "a flipped bit anywhere is found"
for at in 20 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 20)); do
	cp good.uvt bad.uvt
	byte=$(od -An -tu1 -j "$at" -N 1 good.uvt)
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 4)))" | patch "$at"
	refused
done

check "cut anywhere"
for at in 0 4 100 $((size / 2)) $((size - 1)); do
	head -c "$at" good.uvt >bad.uvt
	refused
done
