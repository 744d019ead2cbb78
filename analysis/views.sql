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
-- time_ns; NULL if there were none), and pages at its end.
CREATE VIEW IF NOT EXISTS figure_8_rates
(run, time_ns, hit_rate, dirty, free, active, inactive) AS
SELECT run, time, 100.0 * (mapped + resident) / nullif(accesses, 0),
    dirty, free, active, inactive
FROM interval;

-- Cluster sizes: how many I/Os of a direction ('in', 'out') had so many pages.
CREATE VIEW IF NOT EXISTS figure_clusters
(run, direction, pages, count) AS
SELECT run, direction, pages, count
FROM cluster WHERE count > 0;
