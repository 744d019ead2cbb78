#!/usr/bin/env bash
# libCacheSim reads the oracleGeneral that uvn writes, and misses as often as a
# cache of our own does.  CACHESIM names its program cachesim.
. "$(dirname "$0")/lib.sh"
[ -n "${CACHESIM-}" ] || skip "CACHESIM does not name libCacheSim's cachesim"

# The pages a trace accesses, one a line: file, page.
pages() {
	"$UVN" trace cat "$1" | awk -F , '/^[0-9]/ && $5 ~ /^p?(read|write)$/ {
		last = $8 + ($9 > 0 ? $9 : 1) - 1
		for (p = int($8 / 4096); p <= int(last / 4096); p++)
			print $6 "," p
	}'
}

# lru SIZE: how many of the pages on stdin miss, and how many there are.  A
# list by time of use: queue of uses, of which a page's last one counts.
lru() {
	awk -v size="$1" '{
		if (!($1 in last)) {
			misses++
			while (n >= size) {
				if (last[use[head]] == head) {
					delete last[use[head]]
					n--
				}
				delete use[head++]
			}
			n++
		}
		use[NR] = $1
		last[$1] = NR
	} BEGIN { head = 1 } END { print misses + 0, NR }'
}

# belady SIZE: the same, with the page evicted that comes latest.
belady() {
	awk -v size="$1" '{ page[NR] = $1 } END {
		for (i = NR; i > 0; i--) {
			next_[i] = page[i] in at ? at[page[i]] : NR + 1
			at[page[i]] = i
		}
		for (i = 1; i <= NR; i++) {
			if (!(page[i] in in_)) {
				misses++
				if (n == size) {
					far = 0
					for (p in in_)
						if (in_[p] > far) {
							far = in_[p]
							victim = p
						}
					delete in_[victim]
					n--
				}
				n++
			}
			in_[page[i]] = next_[i]
		}
		print misses + 0, NR
	}'
}

# same_misses TRACE ALGORITHM SIZE...: four digits are all that cachesim prints.
same_misses() {
	local trace=$1 algorithm=$2 size misses n want got

	shift 2
	expect 0 trace export --format oracleGeneral "$trace" -o t.oracleGeneral.bin --quiet
	pages "$trace" >pages
	"$CACHESIM" t.oracleGeneral.bin oracleGeneral "$algorithm" \
	    "$(echo "$@" | tr ' ' ,)" --ignore-obj-size 1 >out 2>err ||
	    fail "cachesim: exit status $?"
	for size in "$@"; do
		read -r misses n < <("$algorithm" "$size" <pages)
		want="$n req, miss ratio $(awk -v m="$misses" -v n="$n" \
		    'BEGIN { printf "%.4f", m / n }')"
		got=$(grep -oE "cache size +$size, +[0-9]+ req, miss ratio [0-9.]+" out |
		    sed 's/.*, *\([0-9]* req\)/\1/')
		is "$want" "$got" "$algorithm of $size pages on ${trace##*/}"
		echo "  $algorithm, $size pages: $misses of $n miss"
	done
}

check "LRU misses as often"
expect 0 trace gen zipf --pages 600 --files 2 --events 4500 --fsync 100 -o z.uvt
same_misses z.uvt lru 10 50 200 1000
expect 0 trace gen mix --pages 200 --events 4500 -o m.uvt
same_misses m.uvt lru 10 50 100

check "so does Belady's algorithm, which goes by the next accesses"
same_misses z.uvt belady 10 50 200
same_misses m.uvt belady 10 50 100

check "and on a recorded trace"
same_misses "$top/traces/samples/lmdb.uvt" lru 100 500 1000
