#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/programs/prog.h"
#include "tests/test.h"
#include "tests/traces/ringrun.h"
#include "tests/traces/tracetest.h"
#include "traces/record.h"

/* Programs that say "ok" themselves if nothing of what they do was changed. */
static const char *const programs[] = { "cancel", "churn", "cleanenv",
	"closeall", "direct", "fork_exec", "inflight", "io_buffer", "locks",
	"masks", "names", "passed", "private", "readonly", "remap", "resize",
	"segv_death", "segv_handler", "spawn", "synced", "threads",
	"trap_handler", "unmap" };

static void
need(enum ring_mode mode)
{
	const char *why = ringrun_why_not(mode);

	if (why == NULL)
		return;
	print_message("skipped: %s\n", why);
	skip();
}

/* Run a program on a file "f". */
static void
run(enum ring_mode mode, uint64_t window, const char *name, struct ringrun *rr)
{
	const char *const argv[] = { name, "f", NULL };

	ringrun(mode, window, argv, rr);
}

/* ---- what programs notice: nothing ---- */

static void
behave(enum ring_mode mode)
{
	static const uint64_t windows[] = { 16, 64, RAW_UNKNOWN };
	struct ringrun rr;

	need(mode);
	for (size_t i = 0; i < nitems(programs); i++)
		for (size_t k = 0; k < nitems(windows); k++) {
			print_message("%s, window %d\n", programs[i],
			    (int)windows[k]);
			run(mode, windows[k], programs[i], &rr);
			ringrun_good(&rr);
			assert_true(ringrun_count(&rr, RAW_START) > 0);
			ringrun_fini(&rr);
		}
}

static void
programs_behave_in_mode_kernel(void **state)
{
	(void)state;
	behave(RING_KERNEL);
}

static void
programs_behave_in_mode_preload(void **state)
{
	(void)state;
	behave(RING_PRELOAD);
}

static void
programs_behave_in_mode_valgrind(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_VALGRIND);
	for (size_t i = 0; i < nitems(programs); i++) {
		print_message("%s\n", programs[i]);
		run(RING_VALGRIND, RAW_UNKNOWN, programs[i], &rr);
		ringrun_good(&rr);
		assert_int_equal(rr.rr_n, 0);
		ringrun_fini(&rr);
	}
}

/* The same on a file system that is memory. */
static void
programs_behave_on_tmpfs(void **state)
{
	static const char *const few[] = { "io_buffer", "private", "readonly",
		"remap", "resize", "unmap" };
	static const enum ring_mode modes[] = { RING_PRELOAD, RING_KERNEL };
	char path[64];
	struct ringrun rr;

	(void)state;
	need(RING_PRELOAD);
	(void)snprintf(path, sizeof(path), "/dev/shm/uvn-test-%d", getpid());
	for (size_t m = 0; m < nitems(modes); m++) {
		if (ringrun_why_not(modes[m]) != NULL)
			continue;
		for (size_t i = 0; i < nitems(few); i++) {
			const char *const argv[] = { few[i], path, NULL };

			print_message("%s\n", few[i]);
			ringrun(modes[m], 64, argv, &rr);
			ringrun_good(&rr);
			ringrun_fini(&rr);
		}
	}
	(void)unlink(path);
}

/* ---- what is recorded of accesses ---- */

#define WALK_PAGES 300
#define WALK_N	   20000

static void
walk(enum ring_mode mode, uint64_t window, struct ringrun *rr)
{
	static const char *const argv[] = { "walk", "f", "300", "20000", "7",
		NULL };

	ringrun(mode, window, argv, rr);
	ringrun_good(rr);
}

/* A window of so many pages that is emptied when another one is to go in. */
struct ideal {
	uint64_t id_window, id_n;
	uint8_t id_seen[WALK_PAGES]; /* 1: read, 2: written to */
	uint64_t id_flushes;
};

/* Is the access news? */
static bool
ideal_see(struct ideal *id, uint64_t page, bool write)
{
	const uint8_t want = write ? 2 : 1;

	if (id->id_seen[page] >= want)
		return false;
	if (id->id_seen[page] == 0 && id->id_n == id->id_window) {
		memset(id->id_seen, 0, sizeof(id->id_seen));
		id->id_n = 0;
		id->id_flushes++;
	}
	id->id_n += id->id_seen[page] == 0;
	id->id_seen[page] = want;
	return true;
}

/* The next access of the walk. */
static uint64_t
walk_next(uint64_t *state, bool *write)
{
	const uint64_t r = prog_random(state);

	*write = r % 4 == 0;
	return (r >> 8) % WALK_PAGES;
}

/* The map that the program has made of its file. */
static uint64_t
map_address(const struct ringrun *rr)
{
	for (size_t i = 0; i < rr->rr_n; i++)
		if (rr->rr_raws[i].rw_kind == RAW_RETURN &&
		    rr->rr_raws[i].rw_sys == RAW_SYS_MMAP)
			return rr->rr_raws[i].rw_arg[0];
	fail_msg("no map");
	return 0;
}

static void
compare(uint64_t window)
{
	struct ideal id = { .id_window = window };
	uint64_t state = 7, addr, news = 0;
	struct ringrun rr;
	size_t at = 0;

	walk(RING_PRELOAD, window, &rr);
	addr = map_address(&rr);
	for (uint64_t i = 0; i < WALK_N; i++) {
		bool write;
		const uint64_t page = walk_next(&state, &write);
		const uint64_t flushes = id.id_flushes;
		const struct raw *rw;

		if (!ideal_see(&id, page, write))
			continue;
		news++;
		while (at < rr.rr_n && rr.rr_raws[at].rw_kind != RAW_ACCESS &&
		    rr.rr_raws[at].rw_kind != RAW_FLUSH)
			at++;
		assert_in_range(at, 0, rr.rr_n - 1);
		if (id.id_flushes != flushes)
			assert_int_equal(rr.rr_raws[at++].rw_kind, RAW_FLUSH);
		rw = &rr.rr_raws[at++];
		assert_int_equal(rw->rw_kind, RAW_ACCESS);
		assert_int_equal((rw->rw_arg[0] - addr) / 4096, page);
		assert_int_equal(rw->rw_flags, write ? RAW_F_WRITE : 0);
	}
	assert_int_equal(ringrun_count(&rr, RAW_ACCESS), news);
	assert_int_equal(ringrun_count(&rr, RAW_FLUSH), id.id_flushes);
	ringrun_fini(&rr);
}

static void
accesses_are_those_of_the_ideal_filter(void **state)
{
	(void)state;
	need(RING_PRELOAD);
	compare(16);
	compare(64);
	compare(256);
}

static void
a_window_without_bounds_sees_first_touches(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_PRELOAD);
	walk(RING_PRELOAD, RAW_UNKNOWN, &rr);
	assert_int_equal(ringrun_count(&rr, RAW_FLUSH), 0);
	assert_in_range(ringrun_count(&rr, RAW_ACCESS), WALK_PAGES,
	    2 * WALK_PAGES);
	assert_int_equal(ringrun_nth(&rr, RAW_START, 0)->rw_arg[0],
	    RAW_UNKNOWN);
	ringrun_fini(&rr);
}

static void
a_window_that_is_too_small_is_made_larger_and_said(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_PRELOAD);
	walk(RING_PRELOAD, 1, &rr);
	assert_int_equal(ringrun_nth(&rr, RAW_START, 0)->rw_arg[0], 16);
	ringrun_fini(&rr);
}

/* Faults of the walk where pages are dropped every window faults. */
static uint64_t
ideal_faults(uint64_t window)
{
	struct ideal id = { .id_window = RAW_UNKNOWN };
	uint64_t state = 7, faults = 0;

	for (uint64_t i = 0; i < WALK_N; i++) {
		bool write;
		const uint64_t page = walk_next(&state, &write);

		if (!ideal_see(&id, page, write))
			continue;
		faults++;
		if (window != RAW_UNKNOWN && faults % window == 0)
			memset(id.id_seen, 0, sizeof(id.id_seen));
	}
	return faults;
}

/*
 * Where the count stands when the walk begins is not known, and the kernel may
 * take a fault twice.
 */
static void
an_armed_map_faults_as_often_as_its_window_wants(void **state)
{
	static const uint64_t windows[] = { 32, 64, 128, RAW_UNKNOWN };
	struct ringrun rr;

	(void)state;
	need(RING_KERNEL);
	for (size_t i = 0; i < nitems(windows); i++) {
		const uint64_t want = ideal_faults(windows[i]);

		walk(RING_KERNEL, windows[i], &rr);
		assert_in_range(ringrun_number(&rr, "faults "),
		    want - want / 20, want + want / 20 + 16);
		assert_int_equal(ringrun_count(&rr, RAW_ACCESS), 0);
		assert_int_equal(ringrun_count(&rr, RAW_CALL), 0);
		ringrun_fini(&rr);
	}
}

/* The library's own are not among the descriptors that a program can close. */
static void
maps_are_armed_whatever_the_program_closes(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_KERNEL);
	run(RING_KERNEL, RAW_UNKNOWN, "closeall", &rr);
	ringrun_good(&rr);
	assert_in_range(ringrun_number(&rr, "faults "), 400, 400 + 16);
	assert_int_equal(ringrun_count(&rr, RAW_NOTE), 0);
	ringrun_fini(&rr);
}

/* Rounds of writes to 16 pages, with another kind of sync behind each. */
static void
after_a_sync_all_is_seen_again(void **state)
{
	struct ringrun rr;
	size_t writes = 0;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 64, "synced", &rr);
	ringrun_good(&rr);
	for (size_t i = 0; i < ringrun_count(&rr, RAW_ACCESS); i++)
		writes +=
		    ringrun_nth(&rr, RAW_ACCESS, i)->rw_flags == RAW_F_WRITE;
	assert_int_equal(writes, 5 * 16);
	ringrun_fini(&rr);
	need(RING_KERNEL);
	run(RING_KERNEL, RAW_UNKNOWN, "synced", &rr);
	ringrun_good(&rr);
	assert_in_range(ringrun_number(&rr, "faults "), 5 * 16, 5 * 16 + 16);
	ringrun_fini(&rr);
}

static void
buffers_of_calls_are_accesses_of_the_kernel(void **state)
{
	struct ringrun rr;
	uint64_t addr;
	size_t at = 0, n;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 64, "io_buffer", &rr);
	ringrun_good(&rr);
	addr = map_address(&rr);
	/* The first write(2) out of the map: of its first eight pages. */
	while (rr.rr_raws[at].rw_kind != RAW_CALL ||
	    rr.rr_raws[at].rw_sys != RAW_SYS_WRITE ||
	    rr.rr_raws[at].rw_arg[1] != addr)
		at++;
	for (n = 0; n < 8; n++) {
		const struct raw *rw = &rr.rr_raws[at + 1 + n];

		assert_int_equal(rw->rw_kind, RAW_ACCESS);
		assert_int_equal(rw->rw_flags, RAW_F_KERNEL);
		assert_int_equal(rw->rw_arg[0], addr + n * 4096);
	}
	assert_int_equal(rr.rr_raws[at + 9].rw_kind, RAW_RETURN);
	assert_int_equal(rr.rr_raws[at + 9].rw_arg[0], 8 * 4096);
	/* And the first pread(2) into it. */
	while (rr.rr_raws[at].rw_kind != RAW_CALL ||
	    rr.rr_raws[at].rw_sys != RAW_SYS_PREAD64)
		at++;
	assert_int_equal(rr.rr_raws[at + 1].rw_flags,
	    RAW_F_KERNEL | RAW_F_WRITE);
	assert_int_equal(rr.rr_raws[at + 1].rw_arg[0], addr + 20 * 4096);
	ringrun_fini(&rr);
}

static void
calls_of_other_threads_are_not_of_a_child(void **state)
{
	struct ringrun rr;
	size_t n = 0;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 64, "inflight", &rr);
	ringrun_good(&rr);
	for (size_t i = 0; i < ringrun_count(&rr, RAW_ACCESS); i++) {
		const struct raw *rw = ringrun_nth(&rr, RAW_ACCESS, i);

		n += rw->rw_pid == ringrun_nth(&rr, RAW_FORK, 0)->rw_pid &&
		    rw->rw_arg[0] / 4096 == map_address(&rr) / 4096 + 3;
	}
	/* A read, and then a write. */
	assert_int_equal(n, 2);
	ringrun_fini(&rr);
}

static void
pages_with_locks_are_said_to_stay_open(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 64, "locks", &rr);
	ringrun_good(&rr);
	assert_in_range(ringrun_count(&rr, RAW_NOTE), 1, 3);
	assert_int_equal(ringrun_nth(&rr, RAW_NOTE, 0)->rw_arg[0],
	    RECORD_PINNED_PAGES);
	ringrun_fini(&rr);
}

/* ---- what is recorded of the rest ---- */

static void
files_are_what_they_are(void **state)
{
	static const enum ring_mode modes[] = { RING_KERNEL, RING_PRELOAD };
	struct ringrun rr;
	struct statx sx = { .stx_mask = 0 };
	char *path;

	(void)state;
	need(RING_PRELOAD);
	for (size_t m = 0; m < nitems(modes); m++) {
		size_t seen = 0, texts = 0;

		if (ringrun_why_not(modes[m]) != NULL)
			continue;
		walk(modes[m], 64, &rr);
		must(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME,
		    &sx));
		path = realpath("f", NULL);
		for (size_t i = 0; i < rr.rr_n; i++) {
			const struct raw *rw = &rr.rr_raws[i];

			if (rw->rw_kind != RAW_FILE ||
			    rw->rw_arg[2] != sx.stx_ino)
				continue;
			assert_int_equal(rw->rw_arg[1],
			    (uint64_t)sx.stx_dev_major << 32 |
				sx.stx_dev_minor);
			if ((sx.stx_mask & STATX_BTIME) != 0)
				assert_int_equal(rw->rw_arg[3],
				    (uint64_t)sx.stx_btime.tv_sec * 1000000000 +
					sx.stx_btime.tv_nsec);
			/* Opened when it was empty, mapped when it was not. */
			assert_int_equal(rw->rw_arg[4],
			    seen == 0 ? 0 : WALK_PAGES * 4096);
			assert_int_equal(rw->rw_arg[5],
			    seen == 0 ? 0 : RAW_UNKNOWN);
			assert_int_equal(rw->rw_arg[6] & O_ACCMODE, O_RDWR);
			assert_int_equal(rw->rw_arg[7], 1);
			seen++;
			if (rw->rw_text == NULL)
				continue;
			texts++;
			assert_string_equal(rw->rw_text, path);
		}
		assert_int_equal(seen, 2);
		assert_int_equal(texts, 1);
		free(path);
		ringrun_fini(&rr);
	}
}

/* Calls in the order in which names.c makes them, those on its files. */
static void
calls_are_logged_with_what_they_mean(void **state)
{
	static const uint8_t want[] = { RAW_SYS_OPENAT, RAW_SYS_WRITE,
		RAW_SYS_WRITE, RAW_SYS_MMAP, RAW_SYS_MUNMAP, RAW_SYS_DUP,
		RAW_SYS_CLOSE, RAW_SYS_MMAP, RAW_SYS_MUNMAP, RAW_SYS_RENAMEAT2,
		RAW_SYS_TRUNCATE, RAW_SYS_FTRUNCATE, RAW_SYS_LSEEK,
		RAW_SYS_WRITE, RAW_SYS_CLOSE, RAW_SYS_UNLINK, RAW_SYS_OPENAT,
		RAW_SYS_FTRUNCATE, RAW_SYS_MMAP, RAW_SYS_MUNMAP, RAW_SYS_CLOSE,
		RAW_SYS_UNLINK, RAW_SYS_OPENAT, RAW_SYS_FTRUNCATE, RAW_SYS_MMAP,
		RAW_SYS_MUNMAP, RAW_SYS_CLOSE, RAW_SYS_UNLINK };
	struct ringrun rr;
	size_t calls = 0, before = 0;
	char *here;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 64, "names", &rr);
	ringrun_good(&rr);
	here = realpath(".", NULL);
	for (size_t i = 0; i < rr.rr_n; i++) {
		const struct raw *rw = &rr.rr_raws[i];

		/* Every call returns before the next. */
		if (rw->rw_kind == RAW_RETURN)
			assert_int_equal(rw->rw_sys,
			    calls > 0 ? want[calls - 1] : RAW_NSYS);
		before += rw->rw_kind == RAW_FILE && (int64_t)rw->rw_arg[0] < 0;
		if (rw->rw_kind != RAW_CALL)
			continue;
		assert_in_range(calls, 0, nitems(want) - 1);
		assert_string_equal(raw_sys[rw->rw_sys].rs_name,
		    raw_sys[want[calls++]].rs_name);
		if (rw->rw_sys == RAW_SYS_RENAMEAT2) {
			assert_non_null(rw->rw_text2);
			assert_memory_equal(rw->rw_text2, here, strlen(here));
			assert_string_equal(rw->rw_text2 + strlen(here),
			    "/f.new");
		}
	}
	assert_int_equal(calls, nitems(want));
	/* A rename, a truncate, three unlinks. */
	assert_int_equal(before, 5);
	assert_int_equal(ringrun_nth(&rr, RAW_EXIT, 0)->rw_flags, RAW_F_GROUP);
	free(here);
	ringrun_fini(&rr);
}

/* The first record of a process; NULL: it has none. */
static const struct raw *
first_of(const struct ringrun *rr, uint32_t pid)
{
	for (size_t i = 0; i < rr->rr_n; i++)
		if (rr->rr_raws[i].rw_pid == pid)
			return &rr->rr_raws[i];
	return NULL;
}

static void
a_forked_child_begins_with_its_parent(void **state)
{
	struct ringrun rr;
	uint32_t parent;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 64, "fork_exec", &rr);
	ringrun_good(&rr);
	assert_int_equal(ringrun_count(&rr, RAW_FORK), 5);
	assert_int_equal(ringrun_count(&rr, RAW_START), 7);
	parent = ringrun_nth(&rr, RAW_START, 0)->rw_pid;
	for (size_t i = 0; i < 5; i++) {
		const struct raw *rw = ringrun_nth(&rr, RAW_FORK, i);

		assert_ptr_equal(first_of(&rr, rw->rw_pid), rw);
		assert_int_equal(rw->rw_arg[0], rw->rw_arg[1]);
		assert_int_equal(rw->rw_arg[2], 0);
		assert_int_equal(rw->rw_tid, rw->rw_pid);
		/* A child, three generations, then one more child. */
		if (i < 2 || i == 4)
			assert_int_equal(rw->rw_arg[0], parent);
		else
			assert_int_equal(rw->rw_arg[0],
			    ringrun_nth(&rr, RAW_FORK, i - 1)->rw_pid);
	}
	ringrun_fini(&rr);
}

/* Children of vfork(2) say whose guests they are. */
static void
guests(const struct ringrun *rr, size_t want)
{
	const uint32_t host = ringrun_nth(rr, RAW_START, 0)->rw_pid;
	size_t n = 0;

	for (size_t i = 0; i < ringrun_count(rr, RAW_FORK); i++) {
		const struct raw *rw = ringrun_nth(rr, RAW_FORK, i);

		if (rw->rw_arg[0] != host ||
		    rw->rw_arg[2] != (CLONE_VM | CLONE_VFORK))
			continue;
		n++;
		assert_int_equal(rw->rw_arg[1], host);
		assert_ptr_equal(first_of(rr, rw->rw_pid), rw);
	}
	assert_int_equal(n, want);
}

static void
children_are_recorded_however_they_are_made(void **state)
{
	static const enum ring_mode modes[] = { RING_KERNEL, RING_PRELOAD };
	struct ringrun rr;
	size_t execs;

	(void)state;
	need(RING_PRELOAD);
	for (size_t m = 0; m < nitems(modes); m++) {
		if (ringrun_why_not(modes[m]) != NULL)
			continue;
		execs = 0;
		run(modes[m], 64, "spawn", &rr);
		ringrun_good(&rr);
		for (size_t i = 0; i < ringrun_count(&rr, RAW_START); i++)
			execs += ringrun_nth(&rr, RAW_START, i)->rw_arg[1] ==
			    RAW_START_EXEC;
		/* Itself, by vfork 3, posix_spawn; system and popen twice, for
		 * they have a shell, unless that execs. */
		assert_in_range(execs, 1 + 3 + 1 + 2, 1 + 3 + 1 + 4);
		if (modes[m] == RING_PRELOAD)
			guests(&rr, 4);
		ringrun_fini(&rr);
		/* And without an environment. */
		run(modes[m], 64, "cleanenv", &rr);
		ringrun_good(&rr);
		assert_int_equal(ringrun_count(&rr, RAW_START), 3);
		ringrun_fini(&rr);
	}
}

static void
what_is_mapped_otherwise_than_asked_is_said(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_KERNEL);
	run(RING_KERNEL, 64, "readonly", &rr);
	ringrun_good(&rr);
	assert_int_equal(ringrun_count(&rr, RAW_SHARED), 1);
	assert_int_equal(ringrun_nth(&rr, RAW_SHARED, 0)->rw_arg[0],
	    MAP_SHARED | MAP_POPULATE);
	ringrun_fini(&rr);
	/* A private map, and one that becomes writable. */
	run(RING_KERNEL, 64, "private", &rr);
	ringrun_good(&rr);
	assert_int_equal(ringrun_count(&rr, RAW_SHARED), 0);
	assert_int_equal(ringrun_count(&rr, RAW_NOTE), 2);
	assert_int_equal(ringrun_nth(&rr, RAW_NOTE, 0)->rw_arg[0],
	    RECORD_PRIVATE_MAPS);
	ringrun_fini(&rr);
}

static void
a_program_that_is_killed_leaves_all_up_to_then(void **state)
{
	struct ringrun rr;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, RAW_UNKNOWN, "killed", &rr);
	assert_true(WIFSIGNALED(rr.rr_status));
	assert_int_equal(WTERMSIG(rr.rr_status), SIGKILL);
	assert_int_equal(ringrun_count(&rr, RAW_ACCESS), 100);
	assert_int_equal(ringrun_count(&rr, RAW_EXIT), 0);
	assert_int_equal(rr.rr_lost, 0);
	ringrun_fini(&rr);
}

static void
threads_have_rings_of_their_own_and_lose_nothing(void **state)
{
	static const char *const argv[] = { "walk", "f", "300", "200000", "9",
		NULL };
	struct ringrun rr;
	uint64_t last = 0;
	uint32_t tids[16];
	size_t n = 0;

	(void)state;
	need(RING_PRELOAD);
	run(RING_PRELOAD, 16, "threads", &rr);
	ringrun_good(&rr);
	for (size_t i = 0; i < rr.rr_n; i++) {
		size_t k = 0;

		/* No two at the same time. */
		assert_true(rr.rr_raws[i].rw_time > last);
		last = rr.rr_raws[i].rw_time;
		while (k < n && tids[k] != rr.rr_raws[i].rw_tid)
			k++;
		if (k == n && n < nitems(tids))
			tids[n++] = rr.rr_raws[i].rw_tid;
	}
	assert_int_equal(n, 9);
	ringrun_fini(&rr);
	/* More than a ring holds. */
	ringrun(RING_PRELOAD, 16, argv, &rr);
	ringrun_good(&rr);
	assert_true(ringrun_count(&rr, RAW_ACCESS) * 40 > 4 * RING_BYTES);
	ringrun_fini(&rr);
}

/* ---- where it cannot be recorded ---- */

static void
unrecorded(const char *env, const char *why)
{
	static const char *const argv[] = { "walk", "f", "20", "100", "7",
		NULL };
	struct ringrun rr;
	const char *p;

	ringrun_plain(env, argv, &rr);
	assert_int_equal(rr.rr_status, 0);
	assert_non_null(strstr(rr.rr_out, "ok\n"));
	if (why == NULL) {
		assert_string_equal(rr.rr_err, "");
	} else {
		assert_memory_equal(rr.rr_err, "uvn record: process ", 20);
		p = strstr(rr.rr_err, " (walk) is not recorded: ");
		assert_non_null(p);
		assert_non_null(strstr(p, why));
		/* One line. */
		assert_ptr_equal(strchr(p, '\n'), p + strlen(p) - 1);
	}
	ringrun_fini(&rr);
}

static void
without_a_ring_it_does_nothing(void **state)
{
	(void)state;
	need(RING_PRELOAD);
	unrecorded(NULL, NULL);
}

static void
a_ring_that_cannot_be_used_is_said_and_the_program_runs(void **state)
{
	static const char zeroes[4096];

	(void)state;
	need(RING_PRELOAD);
	unrecorded("/no/such/ring", "/no/such/ring: No such file");
	file_write("short", zeroes, sizeof(zeroes));
	unrecorded("short", "short: Invalid argument");
	must(truncate("short", (off_t)RING_FILE_BYTES));
	unrecorded("short", "two versions");
	if (geteuid() == 0)
		return;
	must(chmod("short", 0));
	unrecorded("short", "Permission denied");
}

/* The reader has stopped, or is not there any more: nobody waits for good. */
static void
a_reader_that_does_not_read_is_not_waited_for_for_good(void **state)
{
	static const char *const argv[] = { "walk", "f", "300", "40000", "7",
		NULL };
	struct errmsg em = { .em_text = "" };
	struct ringrun rr;
	struct ring *rg;
	char *path;

	(void)state;
	need(RING_PRELOAD);
	must_em(ring_create("idle", RING_PRELOAD, 16, 4096, &rg, &em), &em);
	path = realpath("idle", NULL);
	ringrun_plain(path, argv, &rr);
	assert_int_equal(rr.rr_status, 0);
	assert_non_null(strstr(rr.rr_out, "ok\n"));
	assert_true(ring_lost(rg) > 0);
	ringrun_fini(&rr);
	ring_destroy(rg);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_behave_in_mode_kernel),
		cmocka_unit_test(programs_behave_in_mode_preload),
		cmocka_unit_test(programs_behave_in_mode_valgrind),
		cmocka_unit_test(programs_behave_on_tmpfs),
		cmocka_unit_test(accesses_are_those_of_the_ideal_filter),
		cmocka_unit_test(a_window_without_bounds_sees_first_touches),
		cmocka_unit_test(
		    a_window_that_is_too_small_is_made_larger_and_said),
		cmocka_unit_test(
		    an_armed_map_faults_as_often_as_its_window_wants),
		cmocka_unit_test(maps_are_armed_whatever_the_program_closes),
		cmocka_unit_test(after_a_sync_all_is_seen_again),
		cmocka_unit_test(buffers_of_calls_are_accesses_of_the_kernel),
		cmocka_unit_test(calls_of_other_threads_are_not_of_a_child),
		cmocka_unit_test(pages_with_locks_are_said_to_stay_open),
		cmocka_unit_test(files_are_what_they_are),
		cmocka_unit_test(calls_are_logged_with_what_they_mean),
		cmocka_unit_test(a_forked_child_begins_with_its_parent),
		cmocka_unit_test(children_are_recorded_however_they_are_made),
		cmocka_unit_test(what_is_mapped_otherwise_than_asked_is_said),
		cmocka_unit_test(
		    a_program_that_is_killed_leaves_all_up_to_then),
		cmocka_unit_test(
		    threads_have_rings_of_their_own_and_lose_nothing),
		cmocka_unit_test(without_a_ring_it_does_nothing),
		cmocka_unit_test(
		    a_ring_that_cannot_be_used_is_said_and_the_program_runs),
		cmocka_unit_test(
		    a_reader_that_does_not_read_is_not_waited_for_for_good),
	};

	return cmocka_run_group_tests(tests, tracetest_setup,
	    tracetest_teardown);
}
