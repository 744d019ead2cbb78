PRAGMA application_id = 1970695729;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT,status TEXT NOT NULL,reason TEXT,started TEXT NOT NULL,finished TEXT,trace TEXT,digest TEXT,command TEXT,repeat INTEGER NOT NULL,seed INTEGER NOT NULL,dir TEXT,device TEXT,file_system TEXT,mount_options TEXT,host TEXT,kernel TEXT,cpu TEXT,clock TEXT NOT NULL,version TEXT NOT NULL,compiler TEXT NOT NULL,pid INTEGER NOT NULL,pid_start INTEGER NOT NULL,boot TEXT,events INTEGER,accesses INTEGER,wall_ns INTEGER,cpu_ns INTEGER,verify TEXT,tunables TEXT NOT NULL,sweep INTEGER REFERENCES sweep(id) ON DELETE SET NULL,cell TEXT,revision TEXT,"memory" INTEGER NOT NULL DEFAULT 67108864,"page_size" INTEGER NOT NULL DEFAULT 4096,"hash_penalty" REAL NOT NULL DEFAULT 4.0,"cluster" INTEGER NOT NULL DEFAULT 65536,"cluster_policy" TEXT NOT NULL DEFAULT 'forward',"advice" TEXT NOT NULL DEFAULT 'normal',"fault_back" INTEGER NOT NULL DEFAULT 3,"fault_forward" INTEGER NOT NULL DEFAULT 4,"seq_back" INTEGER NOT NULL DEFAULT 8,"seq_forward" INTEGER NOT NULL DEFAULT 7,"freemin" INTEGER NOT NULL DEFAULT 0,"freetarg" INTEGER NOT NULL DEFAULT 0,"inactive" REAL NOT NULL DEFAULT 0.33333333333333331,"reserve_kernel" INTEGER NOT NULL DEFAULT 5,"hash_buckets" INTEGER NOT NULL DEFAULT 0,"hash_stride" INTEGER NOT NULL DEFAULT 256,"max_vnodes" INTEGER NOT NULL DEFAULT 778,"sync_interval" INTEGER NOT NULL DEFAULT 30000000000,"daemon_rule" TEXT NOT NULL DEFAULT 'event',"daemon_limit" INTEGER NOT NULL DEFAULT 1000,"pager_map" INTEGER NOT NULL DEFAULT 4194304,"profile" TEXT NOT NULL DEFAULT '1998',"q1_error_clean" TEXT NOT NULL DEFAULT 'profile',"q2_not_durable" TEXT NOT NULL DEFAULT 'profile',"q3_center_test" TEXT NOT NULL DEFAULT 'profile',"q4_single_read" TEXT NOT NULL DEFAULT 'profile',"q5_out_of_range" TEXT NOT NULL DEFAULT 'profile',"q6_eof_page" TEXT NOT NULL DEFAULT 'profile',"q7_vrele_locked" TEXT NOT NULL DEFAULT 'profile',"q9_get_error_busy" TEXT NOT NULL DEFAULT 'profile',"q11_wlist_unlocked" TEXT NOT NULL DEFAULT 'profile',"q15_rescan_clean" TEXT NOT NULL DEFAULT 'profile',"q16_page0_lookup" TEXT NOT NULL DEFAULT 'profile',"q17_free_wired" TEXT NOT NULL DEFAULT 'profile',"q18_error_segv" TEXT NOT NULL DEFAULT 'profile',"q19_again_sync" TEXT NOT NULL DEFAULT 'profile',"q20_small_memory" TEXT NOT NULL DEFAULT 'profile',"q21_incoherent" TEXT NOT NULL DEFAULT 'profile',"backend" TEXT NOT NULL DEFAULT 'direct',"log" TEXT NOT NULL DEFAULT 'summary',"log_flush" TEXT NOT NULL DEFAULT 'all',"interval" INTEGER NOT NULL DEFAULT 0,"queue" INTEGER NOT NULL DEFAULT 65536) STRICT;
INSERT INTO run VALUES(1,'complete',NULL,'2026-11-27T17:46:58.085Z','2026-11-27T17:46:58.087Z','t.csv','2db49b098a88628ee16e3af3f4e5a2ef','uvn replay t.csv --set backend=null --dir uvn-data --seed 1 --db s2.db',0,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'tsc','0.1','gcc 12.2.0',15013,6409112,NULL,500,689,745278,871606,'off','{"memory":"64M","page_size":"4K","hash_penalty":"4","cluster":"64K","cluster_policy":"forward","advice":"normal","fault_back":"3","fault_forward":"4","seq_back":"8","seq_forward":"7","freemin":"64","freetarg":"85","inactive":"1/3","reserve_kernel":"5","hash_buckets":"16384","hash_stride":"256","max_vnodes":"778","sync_interval":"30s","daemon_rule":"event","daemon_limit":"1000","pager_map":"4M","profile":"1998","q1_error_clean":"faithful","q2_not_durable":"faithful","q3_center_test":"faithful","q4_single_read":"faithful","q5_out_of_range":"faithful","q6_eof_page":"faithful","q7_vrele_locked":"faithful","q9_get_error_busy":"faithful","q11_wlist_unlocked":"faithful","q15_rescan_clean":"faithful","q16_page0_lookup":"faithful","q17_free_wired":"faithful","q18_error_segv":"faithful","q19_again_sync":"faithful","q20_small_memory":"faithful","q21_incoherent":"faithful","backend":"null","log":"summary","log_flush":"all","interval":"0","queue":"65536"}',NULL,NULL,'17333ebd2d2a',67108864,4096,4.0,65536,'forward','normal',3,4,8,7,64,85,0.33333333333333331482,5,16384,256,778,30000000000,'event',1000,4194304,'1998','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','null','summary','all',0,65536);
CREATE TABLE op_kind(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO op_kind VALUES(0,'attach');
INSERT INTO op_kind VALUES(1,'detach');
INSERT INTO op_kind VALUES(2,'protect');
INSERT INTO op_kind VALUES(3,'read');
INSERT INTO op_kind VALUES(4,'write');
INSERT INTO op_kind VALUES(5,'msync');
INSERT INTO op_kind VALUES(6,'madvise');
INSERT INTO op_kind VALUES(7,'truncate');
INSERT INTO op_kind VALUES(8,'fallocate');
INSERT INTO op_kind VALUES(9,'fsync');
INSERT INTO op_kind VALUES(10,'sync');
INSERT INTO op_kind VALUES(11,'pread');
INSERT INTO op_kind VALUES(12,'pwrite');
INSERT INTO op_kind VALUES(13,'open');
INSERT INTO op_kind VALUES(14,'close');
INSERT INTO op_kind VALUES(15,'unlink');
INSERT INTO op_kind VALUES(16,'exit');
INSERT INTO op_kind VALUES(17,'update');
CREATE TABLE outcome(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO outcome VALUES(0,'ok');
INSERT INTO outcome VALUES(1,'mapped');
INSERT INTO outcome VALUES(2,'resident');
INSERT INTO outcome VALUES(3,'miss');
INSERT INTO outcome VALUES(4,'protection');
INSERT INTO outcome VALUES(5,'past-eof');
INSERT INTO outcome VALUES(6,'error');
CREATE TABLE op(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,n INTEGER NOT NULL,seq INTEGER NOT NULL,time INTEGER NOT NULL,tid INTEGER NOT NULL,kind INTEGER NOT NULL REFERENCES op_kind(id),file INTEGER NOT NULL,offset INTEGER NOT NULL,length INTEGER NOT NULL,outcome INTEGER NOT NULL REFERENCES outcome(id),reads INTEGER NOT NULL,writes INTEGER NOT NULL,bytes_in INTEGER NOT NULL,bytes_out INTEGER NOT NULL,latency_ns INTEGER NOT NULL,PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;
CREATE TABLE flush(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,n INTEGER NOT NULL,seq INTEGER NOT NULL,caller TEXT NOT NULL,file INTEGER NOT NULL,range_pages INTEGER NOT NULL,object_pages INTEGER NOT NULL,method TEXT NOT NULL,visits INTEGER NOT NULL,lookups INTEGER NOT NULL,cleaned INTEGER NOT NULL,writes INTEGER NOT NULL,cpu_ns INTEGER NOT NULL,latency_ns INTEGER NOT NULL,choice INTEGER,other_visits INTEGER,other_lookups INTEGER,other_writes INTEGER,list_ns INTEGER,hash_ns INTEGER,PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;
INSERT INTO flush VALUES(1,0,55,'msync',1,220,43,'list',86,15,15,8,4881,5006,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO flush VALUES(1,1,61,'setsize',2,4,39,'hash',0,4,0,0,228,228,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO flush VALUES(1,2,94,'msync',1,220,72,'list',144,14,14,8,3088,3220,1,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE counter(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,name TEXT NOT NULL,value INTEGER NOT NULL,PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES(1,'accesses',689);
INSERT INTO counter VALUES(1,'misses',442);
CREATE TABLE latency(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,kind TEXT NOT NULL,outcome TEXT NOT NULL,count INTEGER NOT NULL,timed INTEGER NOT NULL,min INTEGER,mean REAL,p50 INTEGER,p90 INTEGER,p99 INTEGER,p999 INTEGER,max INTEGER,histogram TEXT,PRIMARY KEY(run, kind, outcome)) STRICT, WITHOUT ROWID;
CREATE TABLE interval(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,n INTEGER NOT NULL,time INTEGER NOT NULL,accesses INTEGER NOT NULL,hits INTEGER NOT NULL,mapped INTEGER NOT NULL,resident INTEGER NOT NULL,misses INTEGER NOT NULL,dirty INTEGER NOT NULL,free INTEGER NOT NULL,active INTEGER NOT NULL,inactive INTEGER NOT NULL,bytes_in INTEGER NOT NULL,bytes_out INTEGER NOT NULL,PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;
INSERT INTO interval VALUES(1,0,2001000,2,0,0,0,2,2,16382,2,0,8192,0);
INSERT INTO interval VALUES(1,1,3001000,1,0,0,0,1,2,16381,3,0,4096,0);
INSERT INTO interval VALUES(1,2,4001000,2,0,0,0,2,4,16379,5,0,8192,0);
CREATE TABLE cluster(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,direction TEXT NOT NULL,pages INTEGER NOT NULL,count INTEGER NOT NULL,PRIMARY KEY(run, direction, pages)) STRICT, WITHOUT ROWID;
INSERT INTO cluster VALUES(1,'in',1,442);
INSERT INTO cluster VALUES(1,'out',1,65);
INSERT INTO cluster VALUES(1,'out',2,115);
INSERT INTO cluster VALUES(1,'out',3,2);
INSERT INTO cluster VALUES(1,'out',4,2);
INSERT INTO cluster VALUES(1,'out',5,1);
CREATE TABLE event(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,phase TEXT NOT NULL,name TEXT,value INTEGER,time_enabled INTEGER,time_running INTEGER,reason TEXT) STRICT;
CREATE TABLE sweep(id INTEGER PRIMARY KEY AUTOINCREMENT,status TEXT NOT NULL,reason TEXT,started TEXT NOT NULL,finished TEXT,command TEXT,axes TEXT NOT NULL,traces TEXT NOT NULL,repeats INTEGER NOT NULL,seed INTEGER NOT NULL,jobs INTEGER NOT NULL,cells INTEGER NOT NULL,resumed INTEGER NOT NULL DEFAULT 0,definition TEXT NOT NULL,host TEXT,version TEXT NOT NULL,revision TEXT,pid INTEGER NOT NULL,pid_start INTEGER NOT NULL,boot TEXT) STRICT;
CREATE TABLE sweep_cell(sweep INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,n INTEGER NOT NULL,trace TEXT NOT NULL,digest TEXT NOT NULL,repeat INTEGER NOT NULL,tunables TEXT NOT NULL,cell TEXT NOT NULL,status TEXT NOT NULL,run INTEGER REFERENCES run(id) ON DELETE SET NULL,reason TEXT,PRIMARY KEY(sweep, n)) STRICT, WITHOUT ROWID;
CREATE TABLE flush_total(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,caller TEXT NOT NULL,method TEXT NOT NULL,flushes INTEGER NOT NULL,range_pages INTEGER NOT NULL,object_pages INTEGER NOT NULL,visits INTEGER NOT NULL,lookups INTEGER NOT NULL,cleaned INTEGER NOT NULL,writes INTEGER NOT NULL,cpu_ns INTEGER NOT NULL,latency_ns INTEGER NOT NULL,PRIMARY KEY(run, caller, method)) STRICT, WITHOUT ROWID;
INSERT INTO flush_total VALUES(1,'msync','list',6,1320,776,1552,70,70,41,25156,25801);
INSERT INTO flush_total VALUES(1,'setsize','hash',2,5,172,0,5,0,0,408,408);
INSERT INTO flush_total VALUES(1,'sync','list',10,3770,1449,2898,244,244,144,50584,52942);
CREATE TABLE calibration(id INTEGER PRIMARY KEY AUTOINCREMENT,session INTEGER NOT NULL,started TEXT NOT NULL,host TEXT,kernel TEXT,cpu TEXT,core INTEGER,version TEXT NOT NULL,revision TEXT,compiler TEXT NOT NULL,seed INTEGER NOT NULL,command TEXT,pages INTEGER NOT NULL,frames TEXT NOT NULL,present TEXT NOT NULL,caches TEXT NOT NULL,repeats INTEGER NOT NULL,list_ns REAL NOT NULL,list_low REAL NOT NULL,list_high REAL NOT NULL,lookup_ns REAL NOT NULL,lookup_low REAL NOT NULL,lookup_high REAL NOT NULL,break_even REAL NOT NULL,break_even_low REAL NOT NULL,break_even_high REAL NOT NULL) STRICT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('run',1);
CREATE INDEX event_run ON event(run);
CREATE INDEX run_cell ON run(cell) WHERE cell IS NOT NULL;
CREATE VIEW ops AS SELECT op.run, op.n, op.seq, op.time, op.tid, op_kind.name AS kind, op.file, op.offset, op.length, outcome.name AS outcome, op.reads, op.writes, op.bytes_in, op.bytes_out, op.latency_ns FROM op JOIN op_kind ON op_kind.id = op.kind JOIN outcome ON outcome.id = op.outcome;
CREATE VIEW figure_5_latency
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
CREATE VIEW figure_8_rates
(run, time_ns, hit_rate, dirty, free, active, inactive) AS
SELECT run, time, 100.0 * (mapped + resident) / nullif(accesses, 0),
    dirty, free, active, inactive
FROM interval;
CREATE VIEW figure_clusters
(run, direction, pages, count) AS
SELECT run, direction, pages, count
FROM cluster WHERE count > 0;
CREATE VIEW figure_flush_penalty
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
CREATE VIEW figure_flush_regret
(run, penalty, traversal_ns, writes, regret_ns, oracle_regret_ns) AS
SELECT run, penalty, traversal_ns, writes,
    traversal_ns - min(traversal_ns) OVER (PARTITION BY run),
    traversal_ns - oracle_ns
FROM figure_flush_penalty;
CREATE VIEW figure_flush_walk
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
CREATE VIEW figure_1_flush
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
CREATE VIEW figure_sweep_axis
(sweep, place, name) AS
SELECT sweep.id, axis.key, json_extract(axis.value, '$.name')
FROM sweep, json_each(sweep.axes) AS axis;
CREATE VIEW figure_sweep_cell
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
WHERE choice = 1
;
CREATE VIEW figure_sweep_value
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
CREATE VIEW figure_sweep_stat
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
CREATE VIEW figure_sweep_note
(sweep, figure, note) AS
SELECT DISTINCT sweep, figure, 'drawn at ' || coalesce(fixed, '')
    || CASE WHEN others > 0 AND traces > 1 THEN ', ' ELSE '' END
    || CASE WHEN traces > 1 THEN 'trace ' || trace ELSE '' END
FROM figure_sweep_cell WHERE others > 0 OR traces > 1;
CREATE VIEW figure_sweep_spread
(sweep, figure, note) AS
SELECT DISTINCT sweep, figure, CASE most WHEN 1 THEN
    'one repeat: there are no intervals' ELSE
    'intervals are ranges: fewer than 6 repeats' END
FROM (SELECT sweep, figure, min(repeats) OVER whole AS least,
	max(repeats) OVER whole AS most
    FROM figure_sweep_stat WINDOW whole AS (PARTITION BY sweep, figure))
WHERE least < 6;
CREATE VIEW figure_2_penalty
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
CREATE VIEW figure_3_heat
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
CREATE VIEW figure_4_cluster
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
CREATE VIEW figure_7_faultahead
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
CREATE VIEW figure_calibration_advice
(session, pages, penalty, penalty_low, penalty_high, list_ns, lookup_ns,
    present, caches) AS
SELECT session, pages, break_even, break_even_low, break_even_high, list_ns,
    lookup_ns, present, caches
FROM calibration AS c
WHERE frames = 'aged' AND caches = 'warm'
    AND present = iif((SELECT break_even FROM calibration AS b
	WHERE b.session = c.session AND b.pages = c.pages
	    AND b.frames = 'aged' AND b.present = 'present'
	    AND b.caches = 'warm') > 1, 'present', 'quarter');
CREATE VIEW figure_11_calibration
(session, curve, pages, ns, ns_low, ns_high, break_even, break_even_low,
    break_even_high) AS
SELECT session, 'list, ' || frames, pages, list_ns, list_low, list_high,
    break_even, break_even_low, break_even_high
FROM calibration
WHERE present = 'quarter' AND caches = 'warm'
UNION ALL
SELECT session, 'lookup, aged', pages, lookup_ns, lookup_low, lookup_high,
    NULL, NULL, NULL
FROM calibration
WHERE present = 'quarter' AND frames = 'aged' AND caches = 'warm';
COMMIT;
