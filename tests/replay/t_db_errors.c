#include "tests/test.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/db.h"
#include "tests/replay/dbtest.h"

#define NOBODY 65534

/* Undoes what a test that failed half way has left. */
static int
teardown(void **state)
{
	const struct dbtest *dt = *state;

	struct rlimit rl;

	if (getrlimit(RLIMIT_FSIZE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_FSIZE, &rl);
	}
	(void)!seteuid(getuid());
	(void)umount2(dt->dt_dir, MNT_DETACH);
	return dbtest_teardown(state);
}

/* Opening path fails with error, in one line that names it and word. */
static void
refused(const char *path, int error, const char *word)
{
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;
	const int got = db_open(path, &db, &em);

	if (got != error)
		fail_msg("%s: error %d, not %d: %s", path, got, error,
		    em.em_text);
	assert_null(db);
	print_message("%s\n", em.em_text);
	assert_non_null(strstr(em.em_text, path));
	assert_non_null(strstr(em.em_text, word));
	assert_non_null(strstr(em.em_text, "--db"));
	assert_null(strchr(em.em_text, '\n'));
}

static void
write_file(const char *path, const char *text)
{
	FILE *fp = fopen(path, "w");

	assert_non_null(fp);
	assert_int_equal(fputs(text, fp) < 0, 0);
	must(fclose(fp));
}

/* The file's bytes, malloc'd. */
static char *
slurp(const char *path, size_t *lenp)
{
	struct stat st;

	must(stat(path, &st));
	char *bytes = malloc((size_t)st.st_size + 1);
	FILE *fp = fopen(path, "r");
	assert_non_null(bytes);
	assert_non_null(fp);
	*lenp = fread(bytes, 1, (size_t)st.st_size, fp);
	assert_int_equal(*lenp, st.st_size);
	must(fclose(fp));
	return bytes;
}

static void
a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
	struct dbtest *dt = *state;
	size_t len;

	write_file(dt->dt_path,
	    "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n");
	refused(dt->dt_path, EINVAL, "not a SQLite database");
	char *bytes = slurp(dt->dt_path, &len);
	assert_memory_equal(bytes, "seq,time_ns,", 12);
	assert_int_equal(len, 52);
	free(bytes);
}

static void
another_programs_database_is_refused_and_left_alone(void **state)
{
	struct dbtest *dt = *state;
	size_t before, after;

	write_file(dt->dt_path, "");
	dbtest_exec(dt,
	    "CREATE TABLE run(id INTEGER, tea TEXT);"
	    "INSERT INTO run VALUES(1, 'Assam')");
	char *old = slurp(dt->dt_path, &before);
	refused(dt->dt_path, EINVAL, "another program");
	char *new = slurp(dt->dt_path, &after);
	assert_int_equal(before, after);
	assert_memory_equal(old, new, before);
	free(old);
	free(new);

	dbtest_exec(dt, "PRAGMA application_id = 4711");
	refused(dt->dt_path, EINVAL, "another program");
}

static void
a_newer_schema_is_refused(void **state)
{
	struct dbtest *dt = *state;

	db_close(dbtest_open(dt));
	dbtest_exec(dt, "PRAGMA user_version = 99");
	refused(dt->dt_path, EINVAL, "newer uvn");
}

static void
an_empty_file_is_taken(void **state)
{
	struct dbtest *dt = *state;

	write_file(dt->dt_path, "");
	db_close(dbtest_open(dt));
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM run"), 0);
}

static void
a_damaged_database_is_refused(void **state)
{
	struct dbtest *dt = *state;

	db_close(dbtest_open(dt));
	const int fd = open(dt->dt_path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	char junk[4000];
	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 100), sizeof(junk));
	must(close(fd));
	refused(dt->dt_path, EINVAL, "d");
}

static void
a_name_that_no_file_can_have_says_why(void **state)
{
	struct dbtest *dt = *state;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/none/t.db", dt->dt_dir);
	refused(path, ENOENT, "directory does not exist");
	write_file(dt->dt_path, "text");
	(void)snprintf(path, sizeof(path), "%s/t.db", dt->dt_path);
	refused(path, ENOENT, "no directory");
	refused(dt->dt_dir, EINVAL, "is a directory");
	refused("", EINVAL, "no name");
}

static void
what_may_not_be_written_is_eacces(void **state)
{
	struct dbtest *dt = *state;
	const bool root = geteuid() == 0;

	db_close(dbtest_open(dt));
	must(chmod(dt->dt_path, 0444));
	must(chmod(dt->dt_dir, 0755));
	if (root)
		must(seteuid(NOBODY));
	char path[512];
	refused(dt->dt_path, EACCES, "no permission");
	if (root) {
		(void)snprintf(path, sizeof(path), "%s/new.db", dt->dt_dir);
		refused(path, EACCES, "no permission");
		must(seteuid(0));
	}
}

static void
a_lock_that_is_not_given_back_is_ebusy(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct config cf;
	sqlite3 *sq;
	int64_t run;

	config_init(&cf);
	must(sqlite3_open(dt->dt_path, &sq));
	must(sqlite3_exec(sq, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	const struct db_run rn = { .rn_config = &cf };
	assert_int_equal(db_run_begin(db, &rn, &run, &em), EBUSY);
	assert_non_null(strstr(em.em_text, "locked by another program"));
	must(sqlite3_exec(sq, "ROLLBACK", NULL, NULL, NULL));
	db_close(db);
	must(
	    sqlite3_exec(sq, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
		NULL, NULL, NULL));
	refused(dt->dt_path, EBUSY, "locked");
	must(sqlite3_close(sq));
}

/* Write rows until the writer fails; what it then says is enospc. */
static void
fill_up(struct db *db, int64_t run)
{
	struct errmsg em = { .em_text = "" };
	struct db_writer *dw;
	struct db_op op = { .op_kind = OP_READ };
	uint64_t rows, waits;

	must_em(db_writer_start(db, run, 1024, &dw, &em), &em);
	while (!db_writer_failed(dw) && op.op_seq < 10000000) {
		op.op_seq++;
		op.op_latency = op.op_seq * UINT64_C(0x9e3779b97f4a7c15) >> 3;
		db_put_op(dw, &op);
	}
	assert_true(db_writer_failed(dw));
	/* The queue goes on taking rows, far more than it holds. */
	for (int i = 0; i < 100000; i++)
		db_put_op(dw, &op);
	const int error = db_writer_stop(dw, &rows, &waits, &em);
	print_message("%s\n", em.em_text);
	assert_int_equal(error, ENOSPC);
	assert_non_null(strstr(em.em_text, "rows lost"));
	assert_true(rows < op.op_seq);
}

/* What was committed before is whole, and the run is not complete. */
static void
still_whole(struct dbtest *dt, struct db *db, int64_t run)
{
	struct errmsg em = { .em_text = "" };
	const struct uvmexp exp = { .accesses = 1 };
	const struct db_result rs = { .rs_status = "failed",
		.rs_reason = "no space",
		.rs_exp = &exp };

	/* There may be room for that, or not; it must not claim what is not. */
	const int error = db_run_end(db, run, &rs, &em);
	char *status = dbtest_text(dt, "SELECT status FROM run WHERE id = 1");
	assert_string_equal(status, error == 0 ? "failed" : "running");
	free(status);
	db_close(db);
	char *check = dbtest_text(dt, "PRAGMA integrity_check");
	assert_string_equal(check, "ok");
	free(check);
}

static void
a_file_size_limit_ends_the_writer_with_enospc(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;
	struct rlimit rl;

	config_init(&cf);
	const int64_t run = dbtest_begin(db, &cf);
	must(getrlimit(RLIMIT_FSIZE, &rl));
	rl.rlim_cur = 1 << 20;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	must(setrlimit(RLIMIT_FSIZE, &rl));
	fill_up(db, run);
	rl.rlim_cur = rl.rlim_max;
	must(setrlimit(RLIMIT_FSIZE, &rl));
	still_whole(dt, db, run);
}

static void
a_full_file_system_is_enospc(void **state)
{
	struct dbtest *dt = *state;
	char path[512];
	struct config cf;

	if (mount("none", dt->dt_dir, "tmpfs", 0, "size=2m") != 0)
		skip();
	config_init(&cf);
	struct db *db = dbtest_open(dt);
	const int64_t run = dbtest_begin(db, &cf);
	fill_up(db, run);
	still_whole(dt, db, run);

	/* And to begin with: fill what is left. */
	(void)snprintf(path, sizeof(path), "%s/filler", dt->dt_dir);
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	char block[4096] = "";
	while (write(fd, block, sizeof(block)) > 0)
		continue;
	must(close(fd));
	(void)snprintf(path, sizeof(path), "%s/new.db", dt->dt_dir);
	refused(path, ENOSPC, "no space left");
}

static void
a_read_only_file_system_is_erofs(void **state)
{
	struct dbtest *dt = *state;
	char path[512];

	if (mount("none", dt->dt_dir, "tmpfs", 0, "size=2m") != 0)
		skip();
	db_close(dbtest_open(dt));
	must(mount("none", dt->dt_dir, "tmpfs", MS_REMOUNT | MS_RDONLY,
	    "size=2m"));
	refused(dt->dt_path, EROFS, "read-only");
	(void)snprintf(path, sizeof(path), "%s/new.db", dt->dt_dir);
	refused(path, EROFS, "read-only");
}

/*
 * A process that begins a run, and ends without a word when hold is closed.
 */
static pid_t
runner(struct dbtest *dt, int *holdp)
{
	int hold[2], ready[2];
	char byte = 0;

	must(pipe(hold));
	must(pipe(ready));
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct config cf;

		(void)close(hold[1]);
		config_init(&cf);
		(void)dbtest_begin(dbtest_open(dt), &cf);
		_exit(write(ready[1], &byte, 1) == 1 &&
			    read(hold[0], &byte, 1) == 0 ?
			0 :
			1);
	}
	must(close(hold[0]));
	must(close(ready[1]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	must(close(ready[0]));
	*holdp = hold[1];
	return pid;
}

static void
a_run_whose_process_is_gone_becomes_unfinished(void **state)
{
	struct dbtest *dt = *state;
	struct config cf;
	int hold;

	config_init(&cf);
	struct db *db = dbtest_open(dt);
	const int64_t mine = dbtest_begin(db, &cf);
	const pid_t pid = runner(dt, &hold);

	/* Both live. */
	db_close(dbtest_open(dt));
	assert_int_equal(
	    dbtest_int(dt, "SELECT count(*) FROM run WHERE status = 'running'"),
	    2);
	must(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	must(close(hold));
	db_close(dbtest_open(dt));
	assert_int_equal(dbtest_int(dt,
			     "SELECT id FROM run WHERE status = 'running'"),
	    mine);
	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM run WHERE status"
			     " = 'unfinished' AND reason IS NOT"
			     " NULL AND finished IS NULL"),
	    1);
	db_close(db);
}

static void
a_run_is_known_by_its_process_start_boot_and_host(void **state)
{
	struct dbtest *dt = *state;
	struct config cf;

	config_init(&cf);
	struct db *db = dbtest_open(dt);
	for (int i = 0; i < 4; i++)
		(void)dbtest_begin(db, &cf);
	/* The same pid again; before a reboot; elsewhere, so nobody knows. */
	dbtest_exec(dt,
	    "UPDATE run SET pid_start = pid_start + 1 WHERE id = 1;"
	    "UPDATE run SET boot = 'another' WHERE id = 2;"
	    "UPDATE run SET host = 'elsewhere', pid = 1, pid_start = 1,"
	    " boot = 'another' WHERE id = 3");
	db_close(dbtest_open(dt));
	char *text = dbtest_text(dt,
	    "SELECT group_concat(status) FROM (SELECT status FROM run"
	    " ORDER BY id)");
	assert_string_equal(text, "unfinished,unfinished,running,running");
	free(text);
	db_close(db);
}

/* A process that waits for hold to be closed, then opens the database, begins a
 * run and leaves it there. */
static pid_t
opener(const struct dbtest *dt, const int hold[2])
{
	struct errmsg em = { .em_text = "" };
	struct config cf;
	struct db *db;
	int64_t run;
	char byte;
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)close(hold[1]);
	if (read(hold[0], &byte, 1) != 0)
		_exit(1);
	config_init(&cf);
	const struct db_run rn = { .rn_config = &cf };
	if (db_open(dt->dt_path, &db, &em) != 0 ||
	    db_run_begin(db, &rn, &run, &em) != 0) {
		(void)fprintf(stderr, "%s\n", em.em_text);
		_exit(1);
	}
	db_close(db);
	_exit(0);
}

static void
many_processes_may_make_one_database_at_once(void **state)
{
	enum { NPROCS = 8, NROUNDS = 5 };
	struct dbtest *dt = *state;
	pid_t pid[NPROCS];
	int hold[2], status;

	for (int round = 0; round < NROUNDS; round++) {
		(void)unlink(dt->dt_path);
		must(pipe(hold));
		for (int i = 0; i < NPROCS; i++)
			pid[i] = opener(dt, hold);
		must(close(hold[0]));
		must(close(hold[1]));
		int bad = 0;
		for (int i = 0; i < NPROCS; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			bad += status != 0;
		}
		assert_int_equal(bad, 0);
		db_close(dbtest_open(dt));
		assert_int_equal(dbtest_int(dt,
				     "SELECT count(*) FROM run"
				     " WHERE status = 'unfinished'"),
		    NPROCS);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, dbtest_setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_that_is_no_database_is_refused_and_left_alone),
		T(another_programs_database_is_refused_and_left_alone),
		T(a_newer_schema_is_refused),
		T(an_empty_file_is_taken),
		T(a_damaged_database_is_refused),
		T(a_name_that_no_file_can_have_says_why),
		T(what_may_not_be_written_is_eacces),
		T(a_lock_that_is_not_given_back_is_ebusy),
		T(a_file_size_limit_ends_the_writer_with_enospc),
		T(a_full_file_system_is_enospc),
		T(a_read_only_file_system_is_erofs),
		T(a_run_whose_process_is_gone_becomes_unfinished),
		T(a_run_is_known_by_its_process_start_boot_and_host),
		T(many_processes_may_make_one_database_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
