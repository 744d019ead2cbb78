#!/usr/bin/env bash
# A sweep that is interrupted or killed goes on with the same command: finished
# cells are kept, the others done, none twice, and the database is sound.
. "$(dirname "$0")/lib.sh"
env --default-signal=INT true 2>/dev/null || skip "env has no --default-signal"
expect 0 trace gen zipf --pages 4096 --events 70000 --theta 0.9 --msync 3000 \
    --seed 1 -o t.uvt
args=(sweep t.uvt --backend null --memory 8M --axis hash_penalty=1/64..64*2
    --repeat 12 --jobs 2)
cells=156

# The sweep may hold its lock for a moment.
sql() {
	sqlite3 -cmd ".timeout 20000" "$1" "$2"
}

# begin: the sweep in a process group of its own, until some cells are done.
begin() {
	setsid env --default-signal=INT,TERM "$UVN" "${args[@]}" "$@" \
	    >out 2>err </dev/null &
	pid=$!
	wait_for 60 done_some $((done + 5)) || fail "the sweep does not get on"
	kill -0 $pid 2>/dev/null || fail "the sweep was too quick to be caught"
}
complete() {
	sql uvn.db "SELECT count(*) FROM run WHERE status = 'complete'" 2>/dev/null
}
done_some() {
	[ "$(complete || echo 0)" -ge "$1" ] 2>/dev/null
}
sound() {
	is ok "$(sql uvn.db "PRAGMA integrity_check")" "the database"
	is "" "$(sql uvn.db "PRAGMA foreign_key_check")" "its references"
	is 0 "$(sql uvn.db "SELECT count(*) - count(DISTINCT cell) FROM run
	    WHERE status = 'complete'")" "cells done twice"
}
sweep_is() {
	is "$1" "$(sql uvn.db "SELECT id || ' ' || status || ' ' || resumed
	    FROM sweep")" "the sweep"
}
# Nothing of a sweep lives on.
none_left() {
	! pgrep -f "^$UVN sweep t.uvt" >/dev/null
}

done=0
check "SIGKILL to all of its processes"
begin
kill -KILL -- -$pid
wait $pid 2>/dev/null
done=$(complete)
[ "$done" -lt $cells ] || fail "nothing is left to do"
sound

check "the same command goes on, and is killed again: this time the parent"
begin
kill -KILL $pid
wait $pid 2>/dev/null
wait_for 30 none_left || fail "its children live on"
done=$(complete)
[ "$done" -lt $cells ] || fail "nothing is left to do"
sound

check "again, at once after the kill"
begin
kill -KILL $pid
wait $pid 2>/dev/null
done=$(complete)
begin
sound
done=$(complete)

check "the same command while it runs is refused"
expect 4 "${args[@]}"
says "sweep 1 is this one, and process"
says_one_line
kill -0 $pid 2>/dev/null || fail "the sweep was too quick to be caught"

for sig in INT TERM; do
	check "SIG$sig lets the cells that run end in good order"
	kill -$sig $pid
	wait $pid
	is 1 $? "exit status"
	grep -q "interrupted with .* of $cells cells complete; the same command goes on" \
	    err || fail "no word of it"
	is "interrupted 1" "$(sql uvn.db "SELECT status || ' ' ||
	    (reason LIKE 'interrupted with %') FROM sweep
	    WHERE finished IS NOT NULL")" "the sweep"
	is 0 "$(sql uvn.db "SELECT count(*) FROM run WHERE status = 'running'")" \
	    "runs under way"
	sound
	done=$(complete)
	[ "$done" -lt $cells ] || fail "nothing is left to do"
	[ $sig = TERM ] || begin
done

check "SIGINT to all of it, as from a terminal"
begin
kill -INT -- -$pid
wait $pid
is 1 $? "exit status"
sound
done=$(complete)
[ "$done" -lt $cells ] || fail "nothing is left to do"

# A database that waits for another's lock is where a sweep begins slowly.
check "SIGINT before its first cell: it is stored as interrupted all the same"
coproc lock { exec sqlite3 uvn.db; }
echo "PRAGMA busy_timeout = 20000; BEGIN EXCLUSIVE; SELECT 'held';" >&"${lock[1]}"
until read -r word <&"${lock[0]}" && [ "$word" = held ]; do :; done
setsid env --default-signal=INT,TERM "$UVN" "${args[@]}" >out 2>err </dev/null &
pid=$!
wait_for 60 catches_int $pid || fail "it does not wait for the signal"
kill -INT $pid
echo "COMMIT;" >&"${lock[1]}"
eval "exec ${lock[1]}>&-"
wait $pid
is 1 $? "exit status"
sweep_is "1 interrupted 6"
is "$done" "$(complete)" "cells, none begun"
sound

check "undisturbed, it gets to its end"
expect 0 "${args[@]}"
prints "sweep 1 in uvn.db goes on: $cells cells, $done of them there already"
is $((cells - done)) "$(grep -c ' complete$' out)" "cells of this call"
sound
is $cells "$(complete)" "cells"
is "$cells $cells" "$(sql uvn.db "SELECT count(*) || ' ' || count(DISTINCT run)
    FROM sweep_cell WHERE status = 'complete'")" "cells and their runs"
is 0 "$(sql uvn.db "SELECT count(*) FROM sweep_cell c JOIN run r
    ON r.id = c.run WHERE r.status <> 'complete' OR r.cell <> c.cell")" \
    "cells with another's run"
sweep_is "1 complete 7"

check "a cell whose process is killed has failed; the sweep goes on"
rm -f uvn.db*
# Cells that take their time: one that is seen is still there to be killed.
expect 0 trace gen zipf --pages 4096 --events 1000000 --theta 0.9 --msync 3000 \
    --seed 1 -o t.uvt
args=(sweep t.uvt --backend null --memory 8M --axis hash_penalty=1/4,4
    --repeat 4 --jobs 2)
cells=8
done=-4
begin
child=
new_child() {
	local now

	now=$(pgrep -P $pid | tail -n 1)
	[ -n "$now" ] && [ "$now" != "$child" ] && child=$now
}
# The one after the next to begin has just begun.
wait_for 60 new_child && wait_for 60 new_child || fail "no child"
kill -KILL "$child"
wait $pid
is 1 $? "exit status"
grep -qF "1 of $cells cells failed; the first: its process was ended by SIGKILL" \
    err || fail "no word of it"
is "1 1" "$(sql uvn.db "SELECT sum(status = 'failed' AND reason LIKE
    'its process was ended by SIGKILL%') || ' ' || sum(status <> 'complete')
    FROM sweep_cell")" "cells"
is failed "$(sql uvn.db "SELECT status FROM sweep")" "the sweep"
sound

check "and is done by the same command"
expect 0 "${args[@]}" --quiet
silent
sweep_is "1 complete 1"
is $cells "$(complete)" "cells"
sound
