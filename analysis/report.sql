-- What the tables of a report hold: uvn report makes these as temporary views,
-- after temp.report_job(run, sweep, calibration): what it goes into, NULL
-- where there is none.
--
-- A column is named "heading|unit|form"; the form says how a value is written,
-- see analysis/report_table.c.

-- The runs that are listed: the newest, those outside sweeps first, as the runs
-- of a sweep are its cells as well.
CREATE TEMP TABLE report_run AS
SELECT id FROM run WHERE id IN (SELECT id FROM run
	ORDER BY sweep IS NOT NULL, id DESC LIMIT 200)
    OR id = (SELECT run FROM report_job);

-- The cells that are listed, those that failed first.
CREATE TEMP TABLE report_cell AS
SELECT n, run FROM sweep_cell WHERE sweep = (SELECT sweep FROM report_job)
ORDER BY status <> 'failed', status = 'complete', n LIMIT 1000;

-- What is derived from the counters of those runs.
CREATE TEMP TABLE report_measure AS
WITH value AS (SELECT run,
	max(value) FILTER (WHERE name = 'accesses') AS accesses,
	max(value) FILTER (WHERE name = 'mapped_hits') AS mapped,
	max(value) FILTER (WHERE name = 'resident_hits') AS resident,
	max(value) FILTER (WHERE name = 'misses') AS misses,
	max(value) FILTER (WHERE name = 'pagein_ios') AS reads,
	max(value) FILTER (WHERE name = 'pageout_ios') AS writes,
	max(value) FILTER (WHERE name = 'pageout_pages') AS pages_out,
	max(value) FILTER (WHERE name = 'pageout_bytes') AS bytes_out,
	max(value) FILTER (WHERE name = 'dirtied') AS dirtied,
	max(value) FILTER (WHERE name = 'lost_pages') AS lost,
	max(value) FILTER (WHERE name = 'flushes') AS flushes
    FROM counter WHERE run IN (SELECT id FROM report_run
	UNION SELECT run FROM report_cell) GROUP BY run)
SELECT value.run, value.accesses, misses, reads, writes, bytes_out, lost, flushes,
    100.0 * (mapped + resident) / nullif(value.accesses, 0) AS hit_rate,
    1.0 * pages_out / nullif(writes, 0) AS pages_a_write,
    1.0 * bytes_out / nullif(dirtied * r.page_size, 0) AS amplification,
    coalesce((SELECT sum(cpu_ns) FROM flush_total AS f
	WHERE f.run = value.run), iif(flushes = 0, 0, NULL)) AS flush_ns,
    r.wall_ns, r.cpu_ns
FROM value JOIN run AS r ON r.id = value.run;
CREATE UNIQUE INDEX temp.report_measure_run ON report_measure(run);

-- Tunables of the listed runs as text, and those whose value is not the same
-- in all of them.  A quirk that only follows its profile does not differ.
CREATE TEMP TABLE report_tunable AS
SELECT r.id AS run, t.key AS name, t.value AS value,
    json_extract(r.tunables, '$.profile') AS profile
FROM run AS r, json_each(iif(json_valid(r.tunables), r.tunables, '{}')) AS t
WHERE r.id IN (SELECT id FROM report_run) AND json_valid(r.tunables);
CREATE INDEX temp.report_tunable_run ON report_tunable(run);
CREATE TEMP TABLE report_differs AS
SELECT name FROM report_tunable GROUP BY name
HAVING count(DISTINCT value) > 1 AND (name NOT GLOB 'q[0-9]*' OR
    count(DISTINCT profile || ' ' || value) > count(DISTINCT profile));

CREATE TEMP VIEW report_runs AS
SELECT r.id AS "Run||run", r.status AS "Status||status",
    r.reason AS "Reason||reason",
    r.started AS "Started (UTC)||time", r.trace AS "Trace||path",
    (SELECT group_concat(name || '=' || value, ' ') FROM report_tunable AS t
	WHERE t.run = r.id AND name IN report_differs)
	AS "Tunables that differ||words",
    r.sweep AS "Sweep||plain", r.repeat AS "Repeat||count",
    r.seed AS "Seed||plain",
    r.events AS "Events||count", r.wall_ns AS "Wall|ms|ms",
    r.verify AS "Verified||text"
FROM run AS r WHERE r.id IN (SELECT id FROM report_run) ORDER BY r.id DESC;

CREATE TEMP VIEW report_shared AS
SELECT name AS "Tunable||code", max(value) AS "Value||code"
FROM report_tunable GROUP BY name HAVING count(DISTINCT value) = 1;

CREATE TEMP VIEW report_counters AS
SELECT run AS "Run||runref", accesses AS "Accesses||count",
    hit_rate AS "Hit rate|%|f2", misses AS "Misses||count",
    reads AS "Reads|I/Os|count", writes AS "Writes|I/Os|count",
    pages_a_write AS "Pages/write||f2",
    amplification AS "Write amplification||f2",
    flushes AS "Flushes||count", flush_ns AS "Flush CPU|ms|ms",
    cpu_ns AS "CPU|ms|ms", wall_ns AS "Wall|ms|ms"
FROM report_measure WHERE run IN (SELECT id FROM report_run)
ORDER BY run DESC;

CREATE TEMP VIEW report_sweeps AS
SELECT s.id AS "Sweep||plain", s.status AS "Status||status",
    s.reason AS "Reason||reason", s.started AS "Started (UTC)||time",
    (SELECT group_concat(json_extract(a.value, '$.name') || ': ' ||
	(SELECT group_concat(v.value, ', ')
	    FROM json_each(a.value, '$.values') AS v), '; ')
	FROM json_each(iif(json_valid(s.axes), s.axes, '[]')) AS a)
	AS "Axes||words",
    (SELECT group_concat(coalesce(json_extract(t.value, '$.path'), '?'), ' ')
	FROM json_each(iif(json_valid(s.traces), s.traces, '[]')) AS t)
	AS "Traces||words",
    s.cells AS "Cells||count",
    (SELECT count(*) FROM sweep_cell AS c WHERE c.sweep = s.id
	AND c.status = 'complete') AS "Complete||count",
    (SELECT count(*) FROM sweep_cell AS c WHERE c.sweep = s.id
	AND c.status = 'failed') AS "Failed||count",
    s.repeats AS "Repeats||count", s.jobs AS "Jobs||count",
    s.seed AS "Seed||plain", s.resumed AS "Resumed||count",
    s.host AS "Host||text", s.revision AS "Revision||code"
FROM sweep AS s ORDER BY s.id DESC LIMIT 50;

CREATE TEMP VIEW report_sessions AS
SELECT session AS "Session||plain", min(started) AS "Started (UTC)||time",
    host AS "Host||text", cpu AS "CPU||text", core AS "Core||plain",
    count(*) AS "Measurements||count", max(repeats) AS "Repeats||count",
    max(seed) AS "Seed||plain", version AS "Version||text",
    revision AS "Revision||code", compiler AS "Compiler||text"
FROM calibration GROUP BY session ORDER BY session DESC LIMIT 20;

-- As cal_recommend() chooses for uvn calibrate.
CREATE TEMP VIEW report_recommended AS
SELECT pages AS "Object|pages|count",
    penalty AS "Recommended penalty||g3", penalty_low AS "from||g3",
    penalty_high AS "to||g3", list_ns AS "List step|ns|f2",
    lookup_ns AS "Lookup|ns|f2", present AS "Pages looked up||text",
    caches AS "Caches||text"
FROM figure_calibration_advice
WHERE session = (SELECT calibration FROM report_job)
ORDER BY pages;

CREATE TEMP VIEW report_calibration AS
SELECT pages AS "Pages||count", frames AS "Frames||text",
    present AS "Pages looked up||text", caches AS "Caches||text",
    list_ns AS "List step|ns|f2", list_low AS "from||f2",
    list_high AS "to||f2",
    lookup_ns AS "Lookup|ns|f2", lookup_low AS "from||f2",
    lookup_high AS "to||f2",
    break_even AS "Break-even penalty||g3", break_even_low AS "from||g3",
    break_even_high AS "to||g3"
FROM calibration WHERE session = (SELECT calibration FROM report_job)
ORDER BY pages, frames, present, caches LIMIT 1000;

CREATE TEMP VIEW report_latency AS
SELECT kind AS "Operation||text", outcome AS "Outcome||text",
    count AS "Count||count", timed AS "Timed||count", mean AS "Mean|µs|us",
    p50 AS "p50|µs|us", p99 AS "p99|µs|us", p999 AS "p99.9|µs|us",
    max AS "Maximum|µs|us"
FROM latency WHERE run = (SELECT run FROM report_job) ORDER BY kind, outcome;

CREATE TEMP VIEW report_flush AS
SELECT caller AS "Caller||text", method AS "Method||text",
    flushes AS "Flushes||count", range_pages AS "Range|pages|count",
    visits AS "List steps||count", lookups AS "Lookups||count",
    cleaned AS "Cleaned|pages|count", writes AS "Writes|I/Os|count",
    1.0 * cleaned / nullif(writes, 0) AS "Pages/write||f2",
    cpu_ns AS "CPU|ms|ms", latency_ns AS "Time|ms|ms"
FROM flush_total WHERE run = (SELECT run FROM report_job)
ORDER BY caller, method;

CREATE TEMP VIEW report_events AS
SELECT phase AS "Phase||text", name AS "Event||code", value AS "Count||count",
    100.0 * time_running / nullif(time_enabled, 0) AS "Counted|% of time|f1",
    reason AS "Reason||reason"
FROM event WHERE run = (SELECT run FROM report_job)
ORDER BY phase <> 'run', phase, rowid LIMIT 1000;

CREATE TEMP VIEW report_all AS
SELECT name AS "Counter||code", value AS "Value||count" FROM counter
WHERE run = (SELECT run FROM report_job) ORDER BY name;

-- One row an environment that runs were made in.
CREATE TEMP VIEW report_hosts AS
SELECT host AS "Host", cpu AS "CPU", kernel AS "Kernel", device AS "Device",
    file_system AS "File system", mount_options AS "Mount options",
    clock AS "Clock", group_concat(DISTINCT version) AS "Version of uvn",
    group_concat(DISTINCT revision) AS "Revision",
    group_concat(DISTINCT compiler) AS "Compiler",
    CASE WHEN count(*) = 1 THEN 'run ' || max(id)
	ELSE count(*) || ' runs, ' || min(id) || ' to ' || max(id) END AS "Runs"
FROM run GROUP BY host, cpu, kernel, device, file_system, mount_options, clock
ORDER BY max(id) DESC LIMIT 20;

-- Commands that repeat what was run: what for, and the command.
CREATE TEMP VIEW report_commands AS
SELECT * FROM (SELECT 'Sweep ' || id AS label, command FROM sweep
    WHERE command IS NOT NULL ORDER BY id DESC LIMIT 20)
UNION ALL SELECT * FROM (SELECT 'Calibration ' || session, max(command)
    FROM calibration WHERE command IS NOT NULL GROUP BY session
    ORDER BY session DESC LIMIT 5)
UNION ALL SELECT * FROM (SELECT CASE WHEN count(*) = 1 THEN 'Run ' || max(id)
	ELSE 'Runs ' || group_concat(id, ', ') END, command
    FROM run WHERE command IS NOT NULL AND sweep IS NULL
	AND id IN (SELECT id FROM report_run)
    GROUP BY command ORDER BY max(id) DESC LIMIT 50);
CREATE TEMP VIEW report_cell_commands AS
SELECT 'Run ' || id AS label, command FROM run WHERE command IS NOT NULL
    AND id IN (SELECT run FROM report_cell) ORDER BY id LIMIT 200;
