PRAGMA application_id = 1970695729;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT,status TEXT NOT NULL,reason TEXT,started TEXT NOT NULL,finished TEXT,trace TEXT,digest TEXT,command TEXT,repeat INTEGER NOT NULL,seed INTEGER NOT NULL,dir TEXT,device TEXT,file_system TEXT,mount_options TEXT,host TEXT,kernel TEXT,cpu TEXT,clock TEXT NOT NULL,version TEXT NOT NULL,compiler TEXT NOT NULL,pid INTEGER NOT NULL,pid_start INTEGER NOT NULL,boot TEXT,events INTEGER,accesses INTEGER,wall_ns INTEGER,cpu_ns INTEGER,verify TEXT,tunables TEXT NOT NULL,"memory" INTEGER NOT NULL DEFAULT 67108864,"page_size" INTEGER NOT NULL DEFAULT 4096,"hash_penalty" REAL NOT NULL DEFAULT 4.0,"cluster" INTEGER NOT NULL DEFAULT 65536,"cluster_policy" TEXT NOT NULL DEFAULT 'forward',"advice" TEXT NOT NULL DEFAULT 'normal',"fault_back" INTEGER NOT NULL DEFAULT 3,"fault_forward" INTEGER NOT NULL DEFAULT 4,"seq_back" INTEGER NOT NULL DEFAULT 8,"seq_forward" INTEGER NOT NULL DEFAULT 7,"freemin" INTEGER NOT NULL DEFAULT 0,"freetarg" INTEGER NOT NULL DEFAULT 0,"inactive" REAL NOT NULL DEFAULT 0.33333333333333331,"reserve_kernel" INTEGER NOT NULL DEFAULT 5,"hash_buckets" INTEGER NOT NULL DEFAULT 0,"hash_stride" INTEGER NOT NULL DEFAULT 256,"max_vnodes" INTEGER NOT NULL DEFAULT 778,"sync_interval" INTEGER NOT NULL DEFAULT 30000000000,"daemon_rule" TEXT NOT NULL DEFAULT 'event',"daemon_limit" INTEGER NOT NULL DEFAULT 1000,"pager_map" INTEGER NOT NULL DEFAULT 4194304,"profile" TEXT NOT NULL DEFAULT '1998',"q1_error_clean" TEXT NOT NULL DEFAULT 'profile',"q2_not_durable" TEXT NOT NULL DEFAULT 'profile',"q3_center_test" TEXT NOT NULL DEFAULT 'profile',"q4_single_read" TEXT NOT NULL DEFAULT 'profile',"q5_out_of_range" TEXT NOT NULL DEFAULT 'profile',"q6_eof_page" TEXT NOT NULL DEFAULT 'profile',"q7_vrele_locked" TEXT NOT NULL DEFAULT 'profile',"q9_get_error_busy" TEXT NOT NULL DEFAULT 'profile',"q11_wlist_unlocked" TEXT NOT NULL DEFAULT 'profile',"q15_rescan_clean" TEXT NOT NULL DEFAULT 'profile',"q16_page0_lookup" TEXT NOT NULL DEFAULT 'profile',"q17_free_wired" TEXT NOT NULL DEFAULT 'profile',"q18_error_segv" TEXT NOT NULL DEFAULT 'profile',"q19_again_sync" TEXT NOT NULL DEFAULT 'profile',"q20_small_memory" TEXT NOT NULL DEFAULT 'profile',"q21_incoherent" TEXT NOT NULL DEFAULT 'profile',"backend" TEXT NOT NULL DEFAULT 'direct',"log" TEXT NOT NULL DEFAULT 'summary',"log_flush" TEXT NOT NULL DEFAULT 'all',"interval" INTEGER NOT NULL DEFAULT 0,"queue" INTEGER NOT NULL DEFAULT 65536) STRICT;
INSERT INTO run VALUES(1,'complete',NULL,'2026-11-23T07:12:07.443Z','2026-11-23T07:12:07.501Z','lld.uvt','5544e5e17f7160dfab950edb26cc675f','uvn replay lld.uvt --set memory=4M --set backend=null --dir uvn-data --seed 1 --db s1.db',0,1,NULL,NULL,NULL,NULL,'vm','Linux 6.18','AMD EPYC','tsc','0.1','gcc 12.2.0',20759,1320161,'00000000-0000-4000-8000-000000000000',209198,209088,55754032,55754994,'off','{"memory":"4M","page_size":"4K","hash_penalty":"4","cluster":"64K","cluster_policy":"forward","advice":"normal","fault_back":"3","fault_forward":"4","seq_back":"8","seq_forward":"7","freemin":"51","freetarg":"68","inactive":"1/3","reserve_kernel":"5","hash_buckets":"1024","hash_stride":"256","max_vnodes":"778","sync_interval":"30s","daemon_rule":"event","daemon_limit":"1000","pager_map":"4M","profile":"1998","q1_error_clean":"faithful","q2_not_durable":"faithful","q3_center_test":"faithful","q4_single_read":"faithful","q5_out_of_range":"faithful","q6_eof_page":"faithful","q7_vrele_locked":"faithful","q9_get_error_busy":"faithful","q11_wlist_unlocked":"faithful","q15_rescan_clean":"faithful","q16_page0_lookup":"faithful","q17_free_wired":"faithful","q18_error_segv":"faithful","q19_again_sync":"faithful","q20_small_memory":"faithful","q21_incoherent":"faithful","backend":"null","log":"summary","log_flush":"all","interval":"0","queue":"65536"}',4194304,4096,4.0,65536,'forward','normal',3,4,8,7,51,68,0.33333333333333331482,5,1024,256,778,30000000000,'event',1000,4194304,'1998','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','faithful','null','summary','all',0,65536);
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
CREATE TABLE flush(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,n INTEGER NOT NULL,seq INTEGER NOT NULL,caller TEXT NOT NULL,file INTEGER NOT NULL,range_pages INTEGER NOT NULL,object_pages INTEGER NOT NULL,method TEXT NOT NULL,visits INTEGER NOT NULL,lookups INTEGER NOT NULL,cleaned INTEGER NOT NULL,writes INTEGER NOT NULL,cpu_ns INTEGER NOT NULL,latency_ns INTEGER NOT NULL,PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;
INSERT INTO flush VALUES(1,0,8444,'detach',53,0,0,'list',0,0,0,0,480,480);
INSERT INTO flush VALUES(1,1,209144,'detach',54,19259,171,'list',193,149,159,10,12393,12513);
INSERT INTO flush VALUES(1,2,209145,'detach',48,1153,16,'list',16,0,0,0,400,400);
CREATE TABLE counter(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,name TEXT NOT NULL,value INTEGER NOT NULL,PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES(1,'accesses',209088);
INSERT INTO counter VALUES(1,'misses',140839);
CREATE TABLE latency(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,kind TEXT NOT NULL,outcome TEXT NOT NULL,count INTEGER NOT NULL,timed INTEGER NOT NULL,min INTEGER,mean REAL,p50 INTEGER,p90 INTEGER,p99 INTEGER,p999 INTEGER,max INTEGER,histogram TEXT,PRIMARY KEY(run, kind, outcome)) STRICT, WITHOUT ROWID;
INSERT INTO latency VALUES(1,'exit','ok',1,1,280,280.0,280,280,280,280,280,'280:1');
CREATE TABLE interval(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,n INTEGER NOT NULL,time INTEGER NOT NULL,accesses INTEGER NOT NULL,hits INTEGER NOT NULL,mapped INTEGER NOT NULL,resident INTEGER NOT NULL,misses INTEGER NOT NULL,dirty INTEGER NOT NULL,free INTEGER NOT NULL,active INTEGER NOT NULL,inactive INTEGER NOT NULL,bytes_in INTEGER NOT NULL,bytes_out INTEGER NOT NULL,PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;
INSERT INTO interval VALUES(1,0,2048000,301,38,38,0,263,0,761,263,0,1073153,0);
INSERT INTO interval VALUES(1,1,3072000,312,17,17,0,295,0,466,558,0,1191940,0);
INSERT INTO interval VALUES(1,2,11264000,169,34,34,0,135,0,331,693,0,552960,0);
CREATE TABLE cluster(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,direction TEXT NOT NULL,pages INTEGER NOT NULL,count INTEGER NOT NULL,PRIMARY KEY(run, direction, pages)) STRICT, WITHOUT ROWID;
INSERT INTO cluster VALUES(1,'in',1,140839);
INSERT INTO cluster VALUES(1,'out',1,527);
INSERT INTO cluster VALUES(1,'out',2,153);
INSERT INTO cluster VALUES(1,'out',3,111);
INSERT INTO cluster VALUES(1,'out',4,113);
INSERT INTO cluster VALUES(1,'out',5,116);
INSERT INTO cluster VALUES(1,'out',6,114);
INSERT INTO cluster VALUES(1,'out',7,96);
INSERT INTO cluster VALUES(1,'out',8,91);
INSERT INTO cluster VALUES(1,'out',9,69);
INSERT INTO cluster VALUES(1,'out',10,64);
INSERT INTO cluster VALUES(1,'out',11,60);
INSERT INTO cluster VALUES(1,'out',12,50);
INSERT INTO cluster VALUES(1,'out',13,38);
INSERT INTO cluster VALUES(1,'out',14,37);
INSERT INTO cluster VALUES(1,'out',15,27);
INSERT INTO cluster VALUES(1,'out',16,744);
CREATE TABLE event(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,phase TEXT NOT NULL,name TEXT,value INTEGER,time_enabled INTEGER,time_running INTEGER,reason TEXT) STRICT;
INSERT INTO sqlite_sequence VALUES('run',1);
CREATE INDEX event_run ON event(run);
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
COMMIT;
