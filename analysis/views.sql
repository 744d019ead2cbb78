-- A view a figure.  Each gives the series of one picture for every run: select
-- those of one run, in the order that docs/figures.md names.

-- Figure 5: which fraction of the operations of a kind and outcome took at most
-- latency_ns, from the histogram of table latency.  A bucket is named by its
-- lowest value, which is within 1 % of the others in it.  The rows are the
-- corners of a curve of steps, two at each value: the fraction below it, and
-- the fraction at or below it; so each curve begins with 0 and ends with 1.
-- total_ns is the time that all operations of the curve took together.
--
-- The text "value:count value:count" becomes [[value,count],[value,count]],
-- which json_each() takes apart for each row of latency; and there is no UNION.
-- So SQLite carries a condition on run down to table latency, and a database of
-- a thousand runs is not unfolded to draw one.
CREATE VIEW IF NOT EXISTS figure_5_latency
(run, kind, outcome, latency_ns, fraction, total_ns) AS
SELECT run, kind, outcome, low,
    sum(n * upper) OVER (PARTITION BY run, kind, outcome ORDER BY step, upper
	ROWS UNBOUNDED PRECEDING) * 1.0
	/ sum(n * upper) OVER (PARTITION BY run, kind, outcome),
    total_ns
FROM (SELECT run, kind, outcome, timed * mean AS total_ns,
	bucket.key AS step, corner.column1 AS upper,
	CAST(json_extract(bucket.value, '$[0]') AS INTEGER) AS low,
	CAST(json_extract(bucket.value, '$[1]') AS INTEGER) AS n
    FROM latency, json_each('[[' ||
	replace(replace(histogram, ':', ','), ' ', '],[') || ']]') AS bucket,
	(VALUES (0), (1)) AS corner
    WHERE histogram IS NOT NULL AND histogram <> '');

-- Figure 8: hit rate (percent, of the accesses in the interval that ends at
-- time_ns; NULL if there were none), pages at its end, and how many I/Os were
-- under way: the mean over the real time it took, and the most.
CREATE VIEW IF NOT EXISTS figure_8_rates
(run, time_ns, hit_rate, dirty, free, active, inactive, depth, depth_most) AS
SELECT run, time, 100.0 * (mapped + resident) / nullif(accesses, 0),
    dirty, free, active, inactive, depth, depth_most
FROM interval;

-- Figure 8 by thread.  part is 'latency': a kind of operation, whose median,
-- 99th percentile and largest are low_ns, high_ns and most_ns, and which took
-- total_ns in all; or 'wait': a kind of wait, of total_ns in all, in a stack
-- of the thread's kinds from low_ns to high_ns.  name is the thread's tid, or its role
-- where it is none of the trace.  With a window function for the stack, all
-- runs would be looked at for one.
CREATE VIEW IF NOT EXISTS figure_8_threads
(run, part, kind, thread, name, count, low_ns, high_ns, most_ns, total_ns) AS
SELECT run, 'latency', kind, thread, coalesce(tid, role), count, p50, p99,
    max, count * mean
FROM thread_latency
UNION ALL
SELECT run, 'wait', kind, thread, name, count, below, below + ns, NULL, ns
FROM (SELECT run, kind, thread, coalesce(tid, role) AS name, count, ns,
	(SELECT coalesce(sum(ns), 0) FROM wait AS other
	    WHERE other.run = wait.run AND other.thread = wait.thread
	    AND other.kind > wait.kind) AS below
    FROM wait);

-- Cluster sizes: how many I/Os of a direction ('in', 'out') had so many pages.
CREATE VIEW IF NOT EXISTS figure_clusters
(run, direction, pages, count) AS
SELECT run, direction, pages, count
FROM cluster WHERE count > 0;
