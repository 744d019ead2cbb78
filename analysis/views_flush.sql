
-- Views of the flush laboratory: table flush of runs with --flush-both.

-- What the flushes of a run that may choose would have cost, had each chosen by
-- this penalty: 0, powers of two from 1/64 to 64, infinity.  traversal_ns is
-- the time of the dry walks.  It is the cost along the run as it was.  Both
-- methods leave the same pages resident and clean, but in another order: where
-- they deactivate, and memory runs short, another penalty's own run would come
-- to other flushes.  Flushes that may not choose cost the same with any penalty
-- and are left out, and so are those without a dry walk.
CREATE VIEW IF NOT EXISTS figure_flush_penalty
(run, penalty, flushes, by_list, visits, lookups, writes, traversal_ns,
    oracle_ns) AS
SELECT run, penalty, count(*), sum(list),
    sum(iif(list = (method = 'list'), visits, other_visits)),
    sum(iif(list = (method = 'list'), lookups, other_lookups)),
    sum(iif(list = (method = 'list'), writes, other_writes)),
    sum(iif(list, list_ns, hash_ns)), sum(min(list_ns, hash_ns))
FROM (SELECT flush.*, penalty,
	den = 0 OR object_pages * den <= range_pages * num AS list
    FROM flush, (SELECT column1 AS num, column2 AS den,
	    iif(column2 = 0, 9e999, 1.0 * column1 / column2) AS penalty
	FROM (VALUES (0, 1), (1, 64), (1, 32), (1, 16), (1, 8), (1, 4), (1, 2),
	    (1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (32, 1), (64, 1), (1, 0)))
    WHERE choice = 1 AND other_visits IS NOT NULL)
GROUP BY run, penalty;

-- The regret of each penalty: how much more its traversals took than those of
-- the best penalty, and than the cheaper method at each flush (the oracle).
CREATE VIEW IF NOT EXISTS figure_flush_regret
(run, penalty, traversal_ns, writes, regret_ns, oracle_regret_ns) AS
SELECT run, penalty, traversal_ns, writes,
    traversal_ns - min(traversal_ns) OVER (PARTITION BY run),
    traversal_ns - oracle_ns
FROM figure_flush_penalty;

-- The dry walks, two of a flush: curve says which.  Ranges and objects of one
-- class have page counts of as many bits, so a class is a doubling; bits are
-- counted by hexadecimal digits.  A flush that cleans makes two passes.
CREATE VIEW IF NOT EXISTS figure_flush_walk
(run, curve, range_pages, object_pages, ns, passes, range_class,
    object_class) AS
SELECT run, curve, range_pages, object_pages, ns, passes,
    4 * length(range) + (range >= '2') + (range >= '4') + (range >= '8'),
    4 * length(object) + (object >= '2') + (object >= '4') + (object >= '8')
FROM (SELECT run, column1 AS curve, range_pages, object_pages,
	iif(column1 = 'list', list_ns, hash_ns) AS ns,
	iif(caller IN ('fault', 'madvise', 'setsize'), 1, 2) AS passes,
	printf('%x', range_pages) AS range, printf('%x', object_pages) AS object
    FROM flush, (VALUES ('list'), ('hash'))
    WHERE list_ns IS NOT NULL AND range_pages > 0 AND object_pages > 0);

-- Figure 1: dry walks of a range by list and by hash, against its length: the
-- median of each class of lengths and its interval, as in figure_sweep_stat.  Of
-- objects of one class and of flushes with one number of passes: those that met
-- the most classes of ranges, and among them those with the most flushes.
-- (All windows of a SELECT have one PARTITION, else a run is not searched for.)
CREATE VIEW IF NOT EXISTS figure_1_flush
(run, curve, range_pages, ns, ns_low, ns_high, flushes, object_pages) AS
SELECT DISTINCT run, curve, mean_range, median, low, high, n, mean_object
FROM (SELECT *, avg(ns) FILTER (WHERE 2 * place BETWEEN n AND n + 2)
	OVER class AS median,
	max(ns) FILTER (WHERE place = 1 OR (2 * place <= n + 1 AND
	    (n + 1 - 2 * place) * (n + 1 - 2 * place) >= 3.8416 * n))
	OVER class AS low,
	min(ns) FILTER (WHERE place = n OR (2 * place >= n + 1 AND
	    (n + 1 - 2 * place) * (n + 1 - 2 * place) >= 3.8416 * n))
	OVER class AS high
    FROM (SELECT *, count(*) OVER class AS n,
	    avg(range_pages) OVER class AS mean_range,
	    row_number() OVER (PARTITION BY run, curve, range_class
		ORDER BY ns) AS place
	FROM (SELECT *, avg(object_pages) OVER (PARTITION BY run, choice)
		AS mean_object
	    FROM (SELECT *, rank() OVER (PARTITION BY run ORDER BY ranges DESC,
		    flushes DESC, object_class DESC, passes DESC) AS choice
		FROM (SELECT *, max(nth_range) OVER alike AS ranges,
			count(*) OVER alike AS flushes
		    FROM (SELECT *, dense_rank() OVER (PARTITION BY run,
			    object_class, passes ORDER BY range_class)
			    AS nth_range
			FROM figure_flush_walk)
		    WINDOW alike AS (PARTITION BY run, object_class, passes))))
	WHERE choice = 1
	WINDOW class AS (PARTITION BY run, curve, range_class))
    WINDOW class AS (PARTITION BY run, curve, range_class));
