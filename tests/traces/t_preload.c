/*
 * The library in programs, by what comes through the rings: mode preload, and
 * what all modes have in common.
 */
#include "tests/traces/ringtest.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/programs/walk.h"
#include "traces/record.h"

#define PG 4096UL

static struct raw
first_of(const struct rtest *rt, size_t from, enum raw_kind kind)
{
	while (from < rt->rt_n && rt->rt_raws[from].rw_kind != (uint8_t)kind)
		from++;
	assert_true(from < rt->rt_n);
	return rt->rt_raws[from];
}

static size_t
count(const struct rtest *rt, enum raw_kind kind, uint64_t arg1)
{
	size_t n = 0;

	for (size_t i = 0; i < rt->rt_n; i++)
		n += rt->rt_raws[i].rw_kind == (uint8_t)kind &&
		    (arg1 == RAW_UNKNOWN || rt->rt_raws[i].rw_arg[1] == arg1);
	return n;
}

/* Index of the call that maps so many bytes, and where it did. */
static size_t
mapped(const struct rtest *rt, uint64_t bytes, uint64_t *addrp)
{
	const struct raw *call = NULL;

	*addrp = 0;
	for (size_t i = 0; i < rt->rt_n; i++) {
		const struct raw *rw = &rt->rt_raws[i];

		if (rw->rw_sys != RAW_SYS_MMAP)
			continue;
		if (rw->rw_kind == RAW_CALL && rw->rw_arg[1] == bytes)
			call = rw;
		if (rw->rw_kind == RAW_RETURN && call != NULL &&
		    rw->rw_tid == call->rw_tid) {
			*addrp = rw->rw_arg[0];
			return i;
		}
	}
	fail_msg("nothing mapped %lu bytes", (unsigned long)bytes);
	return 0;
}

/* What is open, in the ideal: a page counts once. */
struct filter {
	uint8_t fi_open[4096]; /* a page: 0, 1: for reading, 2: for writing */
	size_t fi_n, fi_max;
};

/* 0: it has been seen; 1: it is news; 2: so, and all was closed before. */
static int
filter_see(struct filter *fi, const struct step *st)
{
	uint8_t *const open = &fi->fi_open[st->st_page];
	const uint8_t want = st->st_write ? 2 : 1;
	int ret = 1;

	if (*open >= want)
		return 0;
	if (*open == 0 && fi->fi_n == fi->fi_max) {
		memset(fi->fi_open, 0, sizeof(fi->fi_open));
		fi->fi_n = 0;
		ret = 2;
	}
	fi->fi_n += *open == 0;
	*open = want;
	return ret;
}

static void
same_access(const struct raw *rw, uint64_t map, const struct step *st, size_t i)
{
	if (rw->rw_kind != RAW_ACCESS ||
	    rw->rw_arg[0] / PG != map / PG + st->st_page ||
	    (rw->rw_flags & RAW_F_WRITE) != (st->st_write ? RAW_F_WRITE : 0))
		fail_msg("step %zu: a %s of page %zu came as kind %d, page "
			 "%ld, flags %x",
		    i, st->st_write ? "write" : "read", st->st_page,
		    rw->rw_kind, (long)(rw->rw_arg[0] / PG) - (long)(map / PG),
		    rw->rw_flags);
}

static void
walk_by(uint64_t window, size_t pages, size_t steps)
{
	struct walk wa = { 7, pages };
	struct filter fi = { .fi_max = window };
	char npages[24], nsteps[24];
	struct rtest rt;
	uint64_t map;
	size_t at;

	(void)snprintf(npages, sizeof(npages), "%zu", pages);
	(void)snprintf(nsteps, sizeof(nsteps), "%zu", steps);
	rtest_begin(&rt, RING_PRELOAD, window);
	RTEST_RUN(&rt, "walk", "", npages, nsteps, "7");
	rtest_sort(&rt);
	/* It closes the descriptor before its first step. */
	at = mapped(&rt, pages * PG, &map) + 1;
	while (rt.rt_raws[at].rw_kind != RAW_ACCESS)
		at++;
	for (size_t i = 0; i < steps; i++) {
		const struct step st = walk_next(&wa);
		const int news = filter_see(&fi, &st);

		if (news == 0)
			continue;
		if (news == 2)
			assert_int_equal(rt.rt_raws[at++].rw_kind, RAW_FLUSH);
		assert_true(at < rt.rt_n);
		same_access(&rt.rt_raws[at++], map, &st, i);
	}
	/* Then it unmaps: nothing came on top. */
	while (rt.rt_raws[at].rw_kind == RAW_FLUSH)
		at++;
	assert_int_equal(rt.rt_raws[at].rw_kind, RAW_CALL);
	assert_int_equal(rt.rt_raws[at].rw_sys, RAW_SYS_MUNMAP);
	assert_int_equal(ring_lost(rt.rt_ring), 0);
	rtest_end(&rt);
}

static void
accesses_are_those_of_an_ideal_window(void **state)
{
	(void)state;
	walk_by(16, 1000, 20000);
	walk_by(64, 1000, 20000);
	walk_by(256, 1000, 20000);
	walk_by(1000, 1000, 20000);
}

static void
without_bounds_each_page_is_seen_once_for_reading_and_writing(void **state)
{
	struct filter fi = { .fi_max = SIZE_MAX };
	struct walk wa = { 1, 1000 };
	size_t want = 0, got = 0;
	struct rtest rt;
	uint64_t map;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, RAW_UNKNOWN);
	RTEST_RUN(&rt, "walk", "");
	rtest_sort(&rt);
	for (size_t i = 0; i < 20000; i++) {
		const struct step st = walk_next(&wa);

		want += filter_see(&fi, &st) != 0;
	}
	for (size_t i = mapped(&rt, 1000 * PG, &map); i < rt.rt_n; i++)
		got += rt.rt_raws[i].rw_kind == RAW_ACCESS;
	assert_int_equal(got, want);
	rtest_end(&rt);
}

/* Times of a slot ascend, and threads return from what they have called. */
static void
looks_sound(const struct rtest *rt, const char *name, uint64_t window)
{
	const struct raw *first = &rt->rt_raws[0];
	size_t starts = 0;

	assert_true(rt->rt_n > 0);
	for (size_t i = 0; i < rt->rt_n; i++) {
		const struct raw *rw = &rt->rt_raws[i];

		if (i > 0 && rt->rt_slots[i] == rt->rt_slots[i - 1] &&
		    rw->rw_tid == (rw - 1)->rw_tid)
			assert_true(rw->rw_time >= (rw - 1)->rw_time);
		assert_int_not_equal(rw->rw_pid, 0);
		assert_int_not_equal(rw->rw_tid, 0);
		if (rw->rw_kind == RAW_START) {
			starts++;
			assert_int_equal(rw->rw_arg[0], window);
		}
		/* What is to be there when a file is mapped. */
		if (rw->rw_kind == RAW_FILE && (int64_t)rw->rw_arg[0] >= 0) {
			assert_int_not_equal(rw->rw_arg[2], 0);
			assert_int_not_equal(rw->rw_arg[6], RAW_UNKNOWN);
		}
	}
	assert_int_not_equal(first->rw_pid, 0);
	if (starts == 0 || ring_lost(rt->rt_ring) != 0)
		fail_msg("%s: %zu starts, %lu lost", name, starts,
		    (unsigned long)ring_lost(rt->rt_ring));
}

static void
every_program_behaves_as_without(void **state)
{
	const uint64_t windows[] = { 16, 256 };

	(void)state;
	for (size_t i = 0; i < rtest_nprograms; i++)
		for (size_t k = 0; k < nitems(windows); k++) {
			struct rtest rt;

			rtest_begin(&rt, RING_PRELOAD, windows[k]);
			RTEST_RUN(&rt, rtest_programs[i], "");
			looks_sound(&rt, rtest_programs[i], windows[k]);
			rtest_end(&rt);
		}
}

/* By all calls of the kind; the last round has none behind it. */
static void
what_is_written_after_a_sync_is_seen_again(void **state)
{
	size_t writes = 0;
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "syncs", "");
	for (size_t i = 0; i < rt.rt_n; i++)
		writes += rt.rt_raws[i].rw_kind == RAW_ACCESS &&
		    (rt.rt_raws[i].rw_flags & RAW_F_WRITE) != 0;
	assert_int_equal(writes, 70);
	rtest_end(&rt);
}

static void
what_a_killed_program_has_touched_is_there(void **state)
{
	struct rtest rt;
	uint64_t map;
	size_t at;
	const char *const argv[] = { "killed", "", "700", NULL };
	int status;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	status = rtest_wait(&rt, rtest_start(&rt, argv));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	rtest_sort(&rt);
	at = mapped(&rt, 700 * PG, &map) + 1;
	for (size_t page = 0; page < 700; page++) {
		const struct step st = { page, true };

		while (rt.rt_raws[at].rw_kind != RAW_ACCESS) {
			at++;
			assert_true(at < rt.rt_n);
		}
		same_access(&rt.rt_raws[at++], map, &st, page);
	}
	rtest_end(&rt);
}

static void
a_program_begins_and_ends(void **state)
{
	struct rtest rt;
	struct raw rw;
	size_t i = 0;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "walk", "");
	rtest_sort(&rt);
	while (rt.rt_raws[i].rw_kind == RAW_EXEC)
		i++;
	assert_int_equal(rt.rt_raws[i].rw_kind, RAW_START);
	assert_int_equal(rt.rt_raws[i].rw_arg[1], RAW_START_EXEC);
	/* Descriptors that were open: its standard output is a file. */
	rw = first_of(&rt, i, RAW_FILE);
	assert_int_equal(rw.rw_arg[0], 1);
	assert_true(
	    rw.rw_text != NULL && strstr(rw.rw_text, rt.rt_folder) != NULL);
	/* Threads that are gone may be said to be. */
	for (i = rt.rt_n; rt.rt_raws[i - 1].rw_kind == RAW_EXIT &&
	     (rt.rt_raws[i - 1].rw_flags & RAW_F_GROUP) == 0;)
		i--;
	assert_int_equal(rt.rt_raws[i - 1].rw_kind, RAW_EXIT);
	assert_int_equal(rt.rt_raws[i - 1].rw_flags & RAW_F_GROUP, RAW_F_GROUP);
	rtest_end(&rt);
}

/* Each open is a call, its return, and what the file is; each map, too. */
static void
descriptors_are_said(void **state)
{
	struct rtest rt;
	size_t opens = 0, maps = 0, closes = 0, dups = 0;
	struct stat st;
	uint64_t dev;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	must(stat(rt.rt_folder, &st));
	dev = (uint64_t)(st.st_dev >> 8 & 0xfff) << 32 | (st.st_dev & 0xff);
	RTEST_RUN(&rt, "descriptors", "");
	rtest_sort(&rt);
	for (size_t i = 2; i < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];

		if (rw->rw_kind == RAW_FILE && (int64_t)rw->rw_arg[0] >= 0 &&
		    (rw - 1)->rw_kind == RAW_RETURN &&
		    (rw - 1)->rw_sys == RAW_SYS_OPENAT) {
			assert_int_equal(rw->rw_arg[0], (rw - 1)->rw_arg[0]);
			opens++;
		}
		if (rw->rw_kind == RAW_CALL && rw->rw_sys == RAW_SYS_MMAP) {
			assert_int_equal((rw - 1)->rw_kind, RAW_FILE);
			assert_int_equal((rw - 1)->rw_arg[0], rw->rw_arg[4]);
			if ((rw - 1)->rw_arg[1] == dev)
				assert_int_equal((rw - 1)->rw_arg[4], 4 * PG);
			maps++;
		}
		closes +=
		    rw->rw_kind == RAW_CALL && rw->rw_sys == RAW_SYS_CLOSE;
		dups += rw->rw_kind == RAW_RETURN &&
		    (rw->rw_sys == RAW_SYS_DUP || rw->rw_sys == RAW_SYS_DUP2 ||
			rw->rw_sys == RAW_SYS_DUP3 ||
			rw->rw_sys == RAW_SYS_FCNTL);
	}
	/* Eleven by name, one of them in a child, and a file of memory. */
	assert_int_equal(opens, 13);
	assert_int_equal(maps, 17);
	assert_true(closes >= 18);
	assert_true(dups >= 5);
	rtest_end(&rt);
}

/* The first record of a child names its parent, in whose past it begins. */
static void
forked_children_are_said(void **state)
{
	struct rtest rt;
	size_t forks = 0, starts;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "forks", "");
	rtest_sort(&rt);
	starts = count(&rt, RAW_START, RAW_START_FORK);
	for (size_t i = 0; i < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];
		bool parent = false;

		if (rw->rw_kind != RAW_FORK)
			continue;
		forks++;
		assert_int_equal(rw->rw_arg[2], 0);
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(rt.rt_raws[k].rw_pid, rw->rw_pid);
			parent |= rt.rt_raws[k].rw_pid == rw->rw_arg[0];
		}
		assert_true(parent);
	}
	/* Four, one of a child, one without a part of the map, one that
	 * executes, ten among threads. */
	assert_int_equal(forks, 17);
	assert_int_equal(starts, 17);
	rtest_end(&rt);
}

static void
executed_programs_are_recorded_whatever_their_environment(void **state)
{
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "cleared", "");
	/* Nine by exec(2), two by posix_spawn(3), and the first. */
	assert_int_equal(count(&rt, RAW_START, RAW_START_EXEC), 12);
	rtest_clear(&rt);
	RTEST_RUN(&rt, "spawns", "");
	/* One by vfork(2), two spawned, two shells and what these start. */
	assert_int_equal(count(&rt, RAW_START, RAW_START_EXEC), 8);
	rtest_end(&rt);
}

/* In the memory of their parent, but with descriptors of their own. */
static void
children_of_vfork_say_who_they_are(void **state)
{
	struct rtest rt;
	uint32_t parent;
	size_t guests = 0, dups = 0;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "spawns", "");
	rtest_sort(&rt);
	parent = rt.rt_raws[0].rw_pid;
	for (size_t i = 0; i < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];

		/* The shell has such children, too. */
		if (rw->rw_kind == RAW_FORK && rw->rw_arg[0] == parent) {
			guests++;
			assert_int_equal(rw->rw_arg[1], parent);
			assert_int_equal(rw->rw_arg[2], CLONE_VM | CLONE_VFORK);
		}
		if (rw->rw_kind != RAW_CALL || rw->rw_sys != RAW_SYS_DUP2)
			continue;
		/* Its standard output is a file, and the parent's stays so. */
		assert_int_not_equal(rw->rw_pid, parent);
		dups++;
	}
	assert_int_equal(guests, 3);
	assert_true(dups >= 3);
	rtest_end(&rt);
}

/* A program of its own, with the library but not this environment. */
static int
run_with(const char *ring, uid_t uid, const char *folder, char *text,
    size_t size)
{
	int err[2], status;
	ssize_t n = 0, got;
	pid_t pid;

	must(pipe(err));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(err[1], 2) != 2 ||
		    dup2(open("/dev/null", O_WRONLY), 1) != 1 ||
		    (uid != 0 && setuid(uid) != 0) ||
		    setenv("LD_PRELOAD", rtest_library(), 1) != 0 ||
		    (ring != NULL && setenv(RING_ENV, ring, 1) != 0))
			_exit(126);
		(void)execl(rtest_program("walk"), "walk", folder, NULL);
		_exit(127);
	}
	must(close(err[1]));
	while ((got = read(err[0], text + n, size - 1 - (size_t)n)) > 0)
		n += got;
	text[n] = '\0';
	must(close(err[0]));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* One line that names process and reason, and the program runs on. */
static void
says(const char *ring, uid_t uid, const char *folder)
{
	char text[1024];

	assert_int_equal(run_with(ring, uid, folder, text, sizeof(text)), 0);
	if (strncmp(text, "uvn record: process ", 20) != 0 ||
	    strstr(text, " (walk) is not recorded: ") == NULL ||
	    strchr(text, '\n') != text + strlen(text) - 1)
		fail_msg("not what it should say: %s", text);
}

static void
what_cannot_be_recorded_runs_on_and_says_so(void **state)
{
	struct rtest rt;
	char text[1024], path[64];
	int fd;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	must(chmod(rt.rt_folder, 0777));
	/* Nobody wants it: not a word. */
	assert_int_equal(run_with(NULL, 0, rt.rt_folder, text, sizeof(text)),
	    0);
	assert_string_equal(text, "");
	says("/nonexistent/ring", 0, rt.rt_folder);
	(void)snprintf(path, sizeof(path), "%s/other", rt.rt_folder);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	says(path, 0, rt.rt_folder);
	must(ftruncate(fd, (off_t)RING_FILE_BYTES));
	says(path, 0, rt.rt_folder);
	must(close(fd));
	if (getuid() == 0) {
		const struct passwd *pw = getpwnam("nobody");

		assert_non_null(pw);
		(void)snprintf(path, sizeof(path), "%s/walk", rt.rt_folder);
		must(unlink(path));
		says(rt.rt_path, pw->pw_uid, rt.rt_folder);
	}
	assert_int_equal(rtest_drain(&rt), 0);
	rtest_end(&rt);
}

static void
locks_leave_their_pages_open_and_are_counted(void **state)
{
	struct rtest rt;
	uint64_t pinned = 0;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "locks", "");
	for (size_t i = 0; i < rt.rt_n; i++)
		if (rt.rt_raws[i].rw_kind == RAW_NOTE &&
		    rt.rt_raws[i].rw_arg[0] == RECORD_PINNED_PAGES)
			pinned += rt.rt_raws[i].rw_arg[1];
	assert_true(pinned >= 5);
	rtest_end(&rt);
}

/* Bytes that the kernel moves are accesses, too, and only those it moved. */
static void
buffers_are_accesses_by_the_kernel(void **state)
{
	struct rtest rt;
	size_t reads = 0, writes = 0;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 64);
	RTEST_RUN(&rt, "direct", "");
	for (size_t i = 0; i < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];

		if (rw->rw_kind != RAW_ACCESS ||
		    (rw->rw_flags & RAW_F_KERNEL) == 0)
			continue;
		if ((rw->rw_flags & RAW_F_WRITE) != 0)
			writes++;
		else
			reads++;
	}
	/* Four times 64 pages each way, none of them in the window. */
	assert_int_equal(reads, 256);
	assert_int_equal(writes, 256);
	rtest_end(&rt);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(accesses_are_those_of_an_ideal_window),
		T(without_bounds_each_page_is_seen_once_for_reading_and_writing),
		T(every_program_behaves_as_without),
		T(what_is_written_after_a_sync_is_seen_again),
		T(what_a_killed_program_has_touched_is_there),
		T(a_program_begins_and_ends),
		T(descriptors_are_said),
		T(forked_children_are_said),
		T(executed_programs_are_recorded_whatever_their_environment),
		T(children_of_vfork_say_who_they_are),
		T(what_cannot_be_recorded_runs_on_and_says_so),
		T(locks_leave_their_pages_open_and_are_counted),
		T(buffers_are_accesses_by_the_kernel),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
