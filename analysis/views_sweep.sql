-- Views of sweeps.  A figure draws the cells of one sweep along the axes that
-- are its own; where the sweep has others, at one value of each:
-- figure_sweep_cell chooses it.  The four that a picture is made from, 2, 3, 4
-- and 7, give a median over the repeats of each cell and an interval, as
-- figure_sweep_stat says.
--
-- They have window functions and no GROUP BY, through which SQLite carries no
-- condition on sweep down to the tables.

-- The axes of a sweep, in the order they were given in.
CREATE VIEW IF NOT EXISTS figure_sweep_axis
(sweep, place, name) AS
SELECT sweep.id, axis.key, json_extract(axis.value, '$.name')
FROM sweep, json_each(sweep.axes) AS axis;

-- The finished cells of each sweep that a figure draws, if the sweep has the
-- axes that it needs.  others is how many other axes the sweep has, fixed their
-- names and the values they are drawn at, NULL where there are none: 1998's
-- values where they are swept, else those of the first cell.  Of several traces
-- it is the first.
CREATE VIEW IF NOT EXISTS figure_sweep_cell
(sweep, figure, run, trace, traces, fixed, others) AS
SELECT sweep, figure, run, trace, traces, fixed, others
FROM (SELECT *, rank() OVER (PARTITION BY sweep, figure
	ORDER BY trace_place, of_1998 DESC, first_cell) AS choice
    FROM (SELECT *, min(n) OVER (PARTITION BY sweep, figure, trace_place, fixed)
	    AS first_cell
	FROM (SELECT cell.sweep, drawn.figure, cell.n, cell.run, cell.trace,
		(SELECT min(key) FROM json_each(sweep.traces) WHERE
		    json_extract(value, '$.digest') = cell.digest)
		AS trace_place,
		json_array_length(sweep.traces) AS traces,
		(SELECT group_concat(name || ' ' || value, ', ')
		    FROM (SELECT axis.name, json_extract(run.tunables,
			    '$.' || axis.name) AS value
			FROM figure_sweep_axis AS axis
			WHERE axis.sweep = cell.sweep
			    AND instr(drawn.axes, ';' || axis.name || ';') = 0
			ORDER BY axis.place)) AS fixed,
		(SELECT count(*) FROM figure_sweep_axis AS axis
		    WHERE axis.sweep = cell.sweep
			AND instr(drawn.axes, ';' || axis.name || ';') = 0)
		AS others,
		(instr(drawn.axes, ';hash_penalty;') = 0
		    AND run.hash_penalty = 4)
		+ (instr(drawn.axes, ';cluster;') = 0 AND run.cluster = 65536)
		+ (instr(drawn.axes, ';cluster_policy;') = 0
		    AND run.cluster_policy = 'forward')
		+ (instr(drawn.axes, ';fault_back;') = 0
		    AND run.fault_back = 3)
		+ (instr(drawn.axes, ';fault_forward;') = 0
		    AND run.fault_forward = 4) AS of_1998
	    FROM sweep_cell AS cell
	    JOIN run ON run.id = cell.run
	    JOIN sweep ON sweep.id = cell.sweep,
	    (SELECT column1 AS figure, column2 AS axes, column3 AS needs
		FROM (VALUES
		('penalty', ';hash_penalty;', 1),
		('heat', ';hash_penalty;cluster;', 2),
		('cluster', ';cluster;cluster_policy;', 1),
		('faultahead', ';fault_forward;fault_back;', 1))) AS drawn
	    WHERE cell.status = 'complete'
		-- The first so many of its axes.
		AND (SELECT count(*) FROM figure_sweep_axis AS axis
		    WHERE axis.sweep = cell.sweep
			AND instr(drawn.axes, ';' || axis.name || ';')
			BETWEEN 1 AND CASE needs WHEN 1 THEN 1 ELSE 99 END)
		    = needs)))
WHERE choice = 1;

-- What figures show of each of their cells, one number a row:
--	cpu_ns	CPU time of the traversals of all flushes, ns
--	writes	page-out I/Os of the run
--	rate	what flushes wrote over the time they took, CPU and I/O, byte/s
--	p99_ns	99th percentile of the latency of msync, ns; of fsync in a trace
--		without msync, of sync in one without either
--	faults, misses	faults and major faults of the run
CREATE VIEW IF NOT EXISTS figure_sweep_value
(sweep, figure, hash_penalty, cluster, cluster_policy, fault_back,
fault_forward, measure, value) AS
SELECT cell.sweep, cell.figure, run.hash_penalty, run.cluster,
    run.cluster_policy, run.fault_back, run.fault_forward, shown.measure,
    CASE shown.measure
    WHEN 'cpu_ns' THEN
	(SELECT coalesce(sum(cpu_ns), 0) FROM flush_total WHERE run = cell.run)
    WHEN 'writes' THEN
	(SELECT value FROM counter WHERE run = cell.run
	    AND name = 'pageout_ios')
    WHEN 'rate' THEN
	(SELECT sum(cleaned) * run.page_size * 1e9 / nullif(sum(latency_ns), 0)
	    FROM flush_total WHERE run = cell.run)
    WHEN 'p99_ns' THEN
	(SELECT p99 FROM latency WHERE run = cell.run AND outcome = 'ok'
	    AND kind IN ('msync', 'fsync', 'sync') AND timed > 0
	    ORDER BY kind = 'msync' DESC, kind = 'fsync' DESC LIMIT 1)
    ELSE
	(SELECT value FROM counter WHERE run = cell.run
	    AND name = shown.measure)
    END
FROM figure_sweep_cell AS cell
JOIN run ON run.id = cell.run
JOIN (SELECT column1 AS figure, column2 AS measure FROM (VALUES
    ('penalty', 'cpu_ns'), ('penalty', 'writes'),
    ('heat', 'rate'), ('heat', 'writes'),
    ('cluster', 'rate'), ('cluster', 'writes'), ('cluster', 'p99_ns'),
    ('faultahead', 'faults'), ('faultahead', 'misses'))) AS shown
    ON shown.figure = cell.figure;

-- Median and interval over the repeats.  Of n values in ascending order,
-- the interval is from the r-th of them to the r-th from their end, where r is
-- the largest that has (n + 1 - 2r) >= 1.96 sqrt(n); the median lies within it
-- in at least 95 % of all cases if n is 6 or more.  Of fewer repeats it is the
-- whole range.
CREATE VIEW IF NOT EXISTS figure_sweep_stat
(sweep, figure, hash_penalty, cluster, cluster_policy, fault_back,
fault_forward, measure, repeats, median, low, high) AS
SELECT sweep, figure, hash_penalty, cluster, cluster_policy, fault_back,
    fault_forward, measure, n, median, low, high
FROM (SELECT *, avg(value) FILTER (WHERE 2 * place BETWEEN n AND n + 2)
	OVER cell AS median,
	max(value) FILTER (WHERE place = 1 OR (2 * place <= n + 1 AND
	    (n + 1 - 2 * place) * (n + 1 - 2 * place) >= 3.8416 * n))
	OVER cell AS low,
	min(value) FILTER (WHERE place = n OR (2 * place >= n + 1 AND
	    (n + 1 - 2 * place) * (n + 1 - 2 * place) >= 3.8416 * n))
	OVER cell AS high
    FROM (SELECT *, row_number() OVER (PARTITION BY sweep, figure,
	    hash_penalty, cluster, cluster_policy, fault_back, fault_forward,
	    measure ORDER BY value) AS place,
	    count(*) OVER (PARTITION BY sweep, figure, hash_penalty, cluster,
	    cluster_policy, fault_back, fault_forward, measure) AS n
	FROM figure_sweep_value WHERE value IS NOT NULL)
    WINDOW cell AS (PARTITION BY sweep, figure, hash_penalty, cluster,
	cluster_policy, fault_back, fault_forward, measure))
WHERE place = 1;

-- What to know of a figure of a sweep, a sentence a row.
CREATE VIEW IF NOT EXISTS figure_sweep_note
(sweep, figure, note) AS
SELECT DISTINCT sweep, figure, 'drawn at ' || coalesce(fixed, '')
    || CASE WHEN others > 0 AND traces > 1 THEN ', ' ELSE '' END
    || CASE WHEN traces > 1 THEN 'trace ' || trace ELSE '' END
FROM figure_sweep_cell WHERE others > 0 OR traces > 1;
CREATE VIEW IF NOT EXISTS figure_sweep_spread
(sweep, figure, note) AS
SELECT DISTINCT sweep, figure, CASE most WHEN 1 THEN
    'one repeat: there are no intervals' ELSE
    'intervals are ranges: fewer than 6 repeats' END
FROM (SELECT sweep, figure, min(repeats) OVER whole AS least,
	max(repeats) OVER whole AS most
    FROM figure_sweep_stat WINDOW whole AS (PARTITION BY sweep, figure))
WHERE least < 6;

-- Figure 2: cost of flushes and number of writes by hash_penalty.
CREATE VIEW IF NOT EXISTS figure_2_penalty
(sweep, hash_penalty, repeats,
cpu_ns, cpu_ns_low, cpu_ns_high,
writes, writes_low, writes_high) AS
SELECT sweep, hash_penalty, repeats,
    cpu_ns, cpu_ns_low, cpu_ns_high,
    writes, writes_low, writes_high
FROM (SELECT sweep, hash_penalty, repeats, measure,
	max(median) FILTER (WHERE measure = 'cpu_ns') OVER cell AS cpu_ns,
	max(low) FILTER (WHERE measure = 'cpu_ns') OVER cell AS cpu_ns_low,
	max(high) FILTER (WHERE measure = 'cpu_ns') OVER cell AS cpu_ns_high,
	max(median) FILTER (WHERE measure = 'writes') OVER cell AS writes,
	max(low) FILTER (WHERE measure = 'writes') OVER cell AS writes_low,
	max(high) FILTER (WHERE measure = 'writes') OVER cell AS writes_high
    FROM figure_sweep_stat WHERE figure = 'penalty'
    WINDOW cell AS (PARTITION BY sweep, hash_penalty))
WHERE measure = 'writes';

-- Figure 3: throughput of flushes and number of writes by hash_penalty and
-- cluster size.
CREATE VIEW IF NOT EXISTS figure_3_heat
(sweep, hash_penalty, cluster, repeats,
rate, rate_low, rate_high,
writes, writes_low, writes_high) AS
SELECT sweep, hash_penalty, cluster, repeats,
    rate, rate_low, rate_high,
    writes, writes_low, writes_high
FROM (SELECT sweep, hash_penalty, cluster, repeats, measure,
	max(median) FILTER (WHERE measure = 'rate') OVER cell AS rate,
	max(low) FILTER (WHERE measure = 'rate') OVER cell AS rate_low,
	max(high) FILTER (WHERE measure = 'rate') OVER cell AS rate_high,
	max(median) FILTER (WHERE measure = 'writes') OVER cell AS writes,
	max(low) FILTER (WHERE measure = 'writes') OVER cell AS writes_low,
	max(high) FILTER (WHERE measure = 'writes') OVER cell AS writes_high
    FROM figure_sweep_stat WHERE figure = 'heat'
    WINDOW cell AS (PARTITION BY sweep, hash_penalty, cluster))
WHERE measure = 'writes';

-- Figure 4: throughput of flushes, number of writes and latency of msync by
-- cluster size and policy.
CREATE VIEW IF NOT EXISTS figure_4_cluster
(sweep, cluster_policy, cluster, repeats,
rate, rate_low, rate_high,
writes, writes_low, writes_high,
p99_ns, p99_ns_low, p99_ns_high) AS
SELECT sweep, cluster_policy, cluster, repeats,
    rate, rate_low, rate_high,
    writes, writes_low, writes_high,
    p99_ns, p99_ns_low, p99_ns_high
FROM (SELECT sweep, cluster_policy, cluster, repeats, measure,
	max(median) FILTER (WHERE measure = 'rate') OVER cell AS rate,
	max(low) FILTER (WHERE measure = 'rate') OVER cell AS rate_low,
	max(high) FILTER (WHERE measure = 'rate') OVER cell AS rate_high,
	max(median) FILTER (WHERE measure = 'writes') OVER cell AS writes,
	max(low) FILTER (WHERE measure = 'writes') OVER cell AS writes_low,
	max(high) FILTER (WHERE measure = 'writes') OVER cell AS writes_high,
	max(median) FILTER (WHERE measure = 'p99_ns') OVER cell AS p99_ns,
	max(low) FILTER (WHERE measure = 'p99_ns') OVER cell AS p99_ns_low,
	max(high) FILTER (WHERE measure = 'p99_ns') OVER cell AS p99_ns_high
    FROM figure_sweep_stat WHERE figure = 'cluster'
    WINDOW cell AS (PARTITION BY sweep, cluster_policy, cluster))
WHERE measure = 'writes';

-- Figure 7: faults by the windows behind and ahead of a fault.
CREATE VIEW IF NOT EXISTS figure_7_faultahead
(sweep, fault_back, fault_forward, repeats,
faults, faults_low, faults_high,
misses, misses_low, misses_high) AS
SELECT sweep, fault_back, fault_forward, repeats,
    faults, faults_low, faults_high,
    misses, misses_low, misses_high
FROM (SELECT sweep, fault_back, fault_forward, repeats, measure,
	max(median) FILTER (WHERE measure = 'faults') OVER cell AS faults,
	max(low) FILTER (WHERE measure = 'faults') OVER cell AS faults_low,
	max(high) FILTER (WHERE measure = 'faults') OVER cell AS faults_high,
	max(median) FILTER (WHERE measure = 'misses') OVER cell AS misses,
	max(low) FILTER (WHERE measure = 'misses') OVER cell AS misses_low,
	max(high) FILTER (WHERE measure = 'misses') OVER cell AS misses_high
    FROM figure_sweep_stat WHERE figure = 'faultahead'
    WINDOW cell AS (PARTITION BY sweep, fault_back, fault_forward))
WHERE measure = 'faults';
