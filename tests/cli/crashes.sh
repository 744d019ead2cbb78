#!/usr/bin/env bash
# kill -9 at random instants of replay, sweep, record and import: the database
# is sound, what it held is there, the run is told as unfinished, a sweep goes
# on, a recording can be salvaged; no output is there half.
#
#	CRASHES=N		of all together; 20
#	SEED=N			of the instants
. "$(dirname "$0")/lib.sh"
crashes=${CRASHES:-20}
seed=${SEED:-$(($(date +%s%N) / 1000 % 1000000007))}
echo "seed $seed"
RANDOM=$seed
walk=$(dirname "$UVN")/tests/programs/walk
[ -x "$walk" ] || skip "the programs to record are not built"
[ "$(uname -m)" = x86_64 ] || skip "no recording without privilege here"

# The sweep's children that still write may hold its lock.
sql() {
	sqlite3 -cmd ".timeout 20000" "$1" "$2"
}

expect 0 trace gen zipf --pages 4096 --events 150000 --msync 2000 --seed 1 \
    -o t.uvt
expect 0 trace export t.uvt -o t.csv
expect 0 trace gen zipf --pages 4096 --events 3000 --seed 1 -o small.uvt
mkdir d

# instant MS: a random time up to it, in seconds.
instant() {
	printf '%d.%03d' $(($1 * RANDOM / 32768 / 1000)) \
	    $(($1 * RANDOM / 32768 % 1000))
}

# took CMD...: milliseconds
took() {
	local begin

	begin=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - begin) / 1000000 + 1))
}

# shoot MS ARGS...: run uvn and all its processes, kill them within MS.
shoot() {
	local most=$1 when

	shift
	when=$(instant "$most")
	what="kill $shots, after $when s: uvn $* (seed $seed)"
	setsid "$UVN" "$@" >out 2>err </dev/null &
	pid=$!
	sleep "$when"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid 2>/dev/null
	rc=$?
	[ $rc -ne 137 ] || killed=$((killed + 1))
	[ $rc -eq 137 ] || [ $rc -eq 0 ] || fail "exit status $rc"
}

sound() {
	is ok "$(sql "$1" "PRAGMA integrity_check")" "the database"
	is "" "$(sql "$1" "PRAGMA foreign_key_check")" "its references"
}

# What complete runs hold, all of them.
holdings() {
	sql "$1" "SELECT r.*, (SELECT sum(value) FROM counter WHERE run = r.id),
	    (SELECT count(*) FROM op WHERE run = r.id),
	    (SELECT sum(latency_ns) FROM op WHERE run = r.id)
	    FROM run r WHERE status = 'complete' AND id <= $2"
}

last_run() {
	sql "$1" "SELECT coalesce(max(id), 0) FROM run"
}

kill_replay() {
	local before

	before=$(last_run r.db)
	holdings r.db "$before" >held
	shoot "$replay_ms" replay t.uvt --backend buffered --dir d --db r.db \
	    --log ops --memory 4M
	sound r.db
	holdings r.db "$before" | cmp -s - held || fail "earlier runs changed"
	# The next to open it tells.
	expect 0 replay small.uvt --backend null --db r.db --quiet
	is "" "$(sql r.db "SELECT id, status, reason FROM run WHERE status NOT IN
	    ('complete', 'unfinished') OR (status = 'unfinished' AND
	    reason IS NOT 'its process ended without a word')")" "other runs"
	is 0 "$(sql r.db "SELECT count(*) FROM run r WHERE status = 'complete'
	    AND id > $before AND (SELECT count(*) FROM counter WHERE run = r.id)
	    <> (SELECT count(*) FROM counter WHERE run = 1)")" \
	    "runs taken for complete"
	expect 0 replay small.uvt --backend buffered --dir d --no-db --verify \
	    --quiet
}

sweep=(sweep small.uvt --backend null --memory 8M --axis hash_penalty=1/4..4*2
    --repeat 4 --jobs 2)
kill_sweep() {
	local done before

	rm -f s.db*
	shoot "$sweep_ms" "${sweep[@]}" --db s.db
	# Killed before its first byte it has left nothing, or nothing in it.
	done=0
	if [ -s s.db ]; then
		sound s.db
		done=$(sql s.db "SELECT count(*) FROM run
		    WHERE status = 'complete'" 2>/dev/null || echo 0)
		before=$(last_run s.db 2>/dev/null || echo 0)
		[ "$before" = 0 ] || holdings s.db "$before" >held
	fi
	expect 0 "${sweep[@]}" --db s.db --quiet
	sound s.db
	[ "$done" = 0 ] || holdings s.db "$before" | cmp -s - held ||
	    fail "earlier cells changed"
	is "complete 20 20" "$(sql s.db "SELECT status, (SELECT count(DISTINCT cell)
	    FROM run WHERE status = 'complete'), (SELECT count(*) FROM run
	    WHERE status = 'complete') FROM sweep" | tr '|' ' ')" "the sweep"
	is 0 "$(sql s.db "SELECT count(*) FROM run WHERE status = 'running'")" \
	    "runs under way"
}

kill_record() {
	rm -f rec.uvt* d/walk
	shoot "$record_ms" record --mode preload -o rec.uvt -- \
	    "$walk" d 2000 200000 1
	if [ -e rec.uvt ]; then
		expect 0 trace check rec.uvt
	elif [ -e rec.uvt.recording ]; then
		# One that was killed before its head was written is empty.
		uvn record --salvage rec.uvt.recording -o salvaged.uvt
		case $rc in
		0)	salvaged=$((salvaged + 1))
			expect 0 trace check salvaged.uvt
			# All of memory after each of its events takes minutes.
			paranoid='' expect 0 replay salvaged.uvt --backend null \
			    --no-db ;;
		3)	[ "$(stat -c %s rec.uvt.recording)" -lt 4096 ] ||
			    fail "not salvaged: $(cat err)" ;;
		*)	fail "exit status $rc: $(cat err)" ;;
		esac
		rm -f rec.uvt.recording
		# Nothing of the last one is in the way of the next.
	fi
	rm -f rec.uvt*
	expect 0 record --mode preload -o rec.uvt -- "$walk" d 10 100 1
}

kill_import() {
	cp old.uvt i.uvt
	shoot "$import_ms" trace import t.csv -o i.uvt
	cmp -s i.uvt old.uvt || cmp -s i.uvt t.uvt || {
		expect 0 trace check i.uvt
		[ "$(digest i.uvt)" = "$(digest t.uvt)" ] ||
		    fail "neither the old trace nor the new"
	}
	rm -f i.uvt.*.tmp
}
digest() {
	"$UVN" trace info "$1" --json >info
	sqlite3 :memory: "SELECT json_extract(readfile('info'), '\$.digest')"
}

check "how long they take undisturbed"
expect 0 replay small.uvt --backend null --db r.db --log ops --quiet
expect 0 trace cut t.uvt --to 10 -o old.uvt
replay_ms=$(took "$UVN" replay t.uvt --backend buffered --dir d --db r.db \
    --log ops --memory 4M)
sweep_ms=$(took "$UVN" "${sweep[@]}" --db s.db)
record_ms=$(took "$UVN" record --mode preload -o rec.uvt -- \
    "$walk" d 2000 200000 1)
import_ms=$(took "$UVN" trace import t.csv -o i.uvt)
echo "  replay $replay_ms ms, sweep $sweep_ms, record $record_ms," \
    "import $import_ms"

killed=0 salvaged=0
for ((shots = 0; shots < crashes; shots++)); do
	[ $((shots % 20)) -ne 0 ] || echo "  $shots"
	case $((shots % 4)) in
	0) kill_replay ;;
	1) kill_sweep ;;
	2) kill_record ;;
	3) kill_import ;;
	esac
done
what="all of them"
echo "- $killed of $crashes were killed under way, $salvaged recordings salvaged"
[ $((killed * 4)) -ge "$crashes" ] || fail "most had ended before"

check "two replays into one new database at a time, and a third after them"
rm -f two.db*
pids=
for i in 1 2 3 4; do
	"$UVN" replay small.uvt --backend null --db two.db --log ops --quiet \
	    >"out.$i" 2>"err.$i" &
	pids="$pids $!"
done
for pid in $pids; do
	wait "$pid" || fail "exit status $?: $(cat err.?)"
done
sound two.db
expect 0 replay small.uvt --backend null --db two.db --log ops --quiet
is "5 5 1" "$(sql two.db "SELECT count(*), sum(status = 'complete'),
    (SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM op GROUP BY run))
    FROM run" | tr '|' ' ')" "runs, complete ones, different numbers of ops"

check "two sweeps into one database, and a replay"
"$UVN" "${sweep[@]}" --db two.db --quiet >out 2>err &
one=$!
"$UVN" sweep small.uvt --backend null --memory 4M --axis cluster=16K,64K \
    --repeat 3 --jobs 2 --db two.db --quiet >out.2 2>err.2 &
two=$!
expect 0 replay small.uvt --backend null --db two.db --quiet
wait $one || fail "exit status $? of the first"
wait $two || fail "exit status $? of the second: $(cat err.2)"
sound two.db
is "complete complete" "$(sql two.db "SELECT group_concat(status, ' ')
    FROM sweep")" "the sweeps"
is 32 "$(sql two.db "SELECT count(*) FROM run WHERE status = 'complete'")" "runs"
exit 0
