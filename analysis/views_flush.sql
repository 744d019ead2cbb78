
-- Views of the flush laboratory: table flush of runs with --flush-both.

-- What the flushes of a run that may choose would have cost, had each chosen by
-- this penalty: 0, powers of two from 1/64 to 64, infinity.  traversal_ns is
-- the time of the dry walks.  It is the cost along the run as it was: where a
-- choice changes what is resident, clean or next in a queue later on, another
-- penalty's own run would come to other flushes.
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

-- Powers of two, to class pages by.
CREATE VIEW IF NOT EXISTS figure_power(power) AS
WITH RECURSIVE p(n) AS (SELECT 1 UNION ALL SELECT 2 * n FROM p
    WHERE n < 1 << 40)
SELECT n FROM p;

-- Figure 1: dry walks of a range by list and by hash, against its length: the
-- median of each class of lengths (a doubling) and its interval, as in
-- figure_sweep_stat.  Of objects of one class of sizes: the one that met the
-- most classes of ranges, and of those the most flushes.
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
    FROM (SELECT *, row_number() OVER (PARTITION BY run, curve, range_class
	    ORDER BY ns) AS place,
	    count(*) OVER (PARTITION BY run, curve, range_class) AS n,
	    avg(range_pages) OVER (PARTITION BY run, curve, range_class)
		AS mean_range,
	    avg(object_pages) OVER (PARTITION BY run) AS mean_object
	FROM (SELECT run, method.column1 AS curve, range_pages, object_pages,
		iif(method.column1 = 'list', list_ns, hash_ns) AS ns,
		range_class, rank() OVER (PARTITION BY run
		    ORDER BY ranges DESC, flushes DESC, object_class DESC)
		    AS choice
	    FROM (SELECT *, max(range_rank) OVER (PARTITION BY run,
		    object_class) AS ranges,
		    count(*) OVER (PARTITION BY run, object_class) AS flushes
		FROM (SELECT *, dense_rank() OVER (PARTITION BY run,
			object_class ORDER BY range_class) AS range_rank
		    FROM (SELECT run, range_pages, object_pages, list_ns,
			    hash_ns,
			    (SELECT max(power) FROM figure_power
				WHERE power <= range_pages) AS range_class,
			    (SELECT max(power) FROM figure_power
				WHERE power <= object_pages) AS object_class
			FROM flush WHERE list_ns IS NOT NULL
			    AND range_pages > 0 AND object_pages > 0))),
	    (VALUES ('list'), ('hash')) AS method)
	WHERE choice = 1)
    WINDOW class AS (PARTITION BY run, curve, range_class));
