# The flush laboratory: one replay tells what every penalty would have cost.
. "$(dirname "$0")/lib.sh"

# Everything fits into memory, and pages are cleaned, never freed: whichever
# method a flush takes, the same pages are resident and clean after it, and the
# list is in the order of the faults.  So no choice changes a later flush.
steady() {
	expect 0 trace gen uniform --pages 600 --events 6000 --writes 1/3 \
	    --msync 40 --msync_least 2 --seed 3 -o steady.uvt
}
run=(replay --backend null --memory 16M --set sync_interval=0 --db a.db)
sums="SELECT sum(visits), sum(lookups), sum(writes) FROM flush
    WHERE choice = 1 AND run = (SELECT max(run) FROM flush)"

check "without --flush-both nothing is foretold"
steady
expect 0 "${run[@]}" steady.uvt
is "0|0" "$(sql a.db "SELECT count(list_ns), count(other_visits) FROM flush")" \
    "columns of both"
is 0 "$(sql a.db "SELECT count(*) FROM figure_flush_penalty")" penalties

check "with it every flush that may choose has both, and nothing else changes"
expect 0 "${run[@]}" --json steady.uvt
counters out >plain
expect 0 "${run[@]}" --json --flush-both steady.uvt
counters out >both
same plain both
is 0 "$(sql a.db "SELECT count(*) FROM flush WHERE run = 3 AND
    (choice = 1) <> (list_ns IS NOT NULL)")" "rows without"
is 15 "$(sql a.db "SELECT count(*) FROM figure_flush_penalty WHERE run = 3")" \
    penalties

check "what one run tells of each penalty, each penalty's own run counts"
while IFS='|' read -r penalty foretold; do
	case $penalty in
	0.0) set=0 ;;
	Inf) set=inf ;;
	*) set=$penalty ;;
	esac
	expect 0 "${run[@]}" --set hash_penalty="$set" steady.uvt
	is "$foretold" "$(sql a.db "$sums")" "penalty $set"
done < <(sql a.db "SELECT penalty, visits || '|' || lookups || '|' || writes
    FROM figure_flush_penalty WHERE run = 3")
is 1 "$(sql a.db "SELECT count(DISTINCT visits) > 5 AND
    count(DISTINCT lookups) > 5 AND count(DISTINCT writes) > 1
    FROM figure_flush_penalty WHERE run = 3")" "the penalties differ"

check "the regret is 0 for the best penalty, and never below the oracle's"
is "0|0|0" "$(sql a.db "SELECT min(regret_ns), count(*) FILTER
    (WHERE regret_ns < 0), count(*) FILTER (WHERE oracle_regret_ns < 0)
    FROM figure_flush_regret WHERE run = 3")" regret

check "the totals of a run are the sums of its flushes"
is "$(sql a.db "SELECT caller, method, count(*), sum(visits), sum(lookups),
    sum(cleaned), sum(writes), sum(cpu_ns), sum(latency_ns) FROM flush
    WHERE run = 3 GROUP BY caller, method ORDER BY 1, 2")" \
    "$(sql a.db "SELECT caller, method, flushes, visits, lookups, cleaned,
    writes, cpu_ns, latency_ns FROM flush_total WHERE run = 3 ORDER BY 1, 2")" \
    flush_total

check "example E5: sixteen pages of 64 from the end, either way"
{
	echo "#uvn-trace 1"
	echo "#page 4096"
	echo "#file 1 size=262144 path=/e5"
	echo "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	echo "0,0,1,1,attach,1,1,0,262144,r|w|shared|maxw"
	for ((i = 1; i <= 64; i++)); do
		echo "$i,$i,1,1,write,1,1,$(((64 - i) * 4096)),4096,"
	done
	echo "65,65,1,1,msync,1,1,0,65536,sync"
} >e5.csv
expect 0 "${run[@]}" --flush-both e5.csv
is "list|16|1|hash 1" "$(sql a.db "SELECT method, writes, other_writes,
    (SELECT 'hash ' || writes FROM figure_flush_penalty AS p
	WHERE p.run = flush.run AND penalty = 2)
    FROM flush WHERE run = (SELECT max(run) FROM flush) AND choice = 1")" E5
