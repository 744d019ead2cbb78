/*
 * The library in programs, mode kernel: maps are armed, and what the kernel
 * tells is what the program did.
 */
#include "tests/traces/ringtest.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/programs/walk.h"
#include "traces/record.h"

#define PG		4096UL
#define PAGES		1000UL
#define STEPS		20000UL
#define DONTNEED_LOCKED 24 /* how the library drops pages */

static uint64_t
notes(const struct rtest *rt, enum record_count count)
{
	uint64_t n = 0;

	for (size_t i = 0; i < rt->rt_n; i++)
		if (rt->rt_raws[i].rw_kind == RAW_NOTE &&
		    rt->rt_raws[i].rw_arg[0] == count)
			n += rt->rt_raws[i].rw_arg[1];
	return n;
}

/* Index of the next mmap(2) of so many bytes to have returned, and where. */
static size_t
mapped(const struct rtest *rt, size_t from, uint64_t bytes, uint64_t *addrp)
{
	const struct raw *call = NULL;

	*addrp = 0;
	for (size_t i = from; i < rt->rt_n; i++) {
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

static bool
is_drop(const struct raw *rw)
{
	return rw->rw_kind == RAW_CALL && rw->rw_sys == RAW_SYS_MADVISE &&
	    rw->rw_arg[2] == DONTNEED_LOCKED;
}

static bool
within(const struct raw *rw, uint64_t map, uint64_t pages)
{
	return rw->rw_kind == RAW_ACCESS && rw->rw_arg[0] >= map &&
	    rw->rw_arg[0] < map + pages * PG;
}

/* What has been seen since the last drop: 1: read, 2: written. */
struct seen {
	uint8_t se_page[PAGES];
};

static bool
is_news(struct seen *se, size_t page, bool write)
{
	const uint8_t want = write ? 2 : 1;

	if (se->se_page[page] >= want)
		return false;
	se->se_page[page] = want;
	return true;
}

/* A walk, as far as the accesses that were told of have come. */
struct follow {
	struct walk fo_walk;
	size_t fo_steps;
	struct seen fo_seen;
	struct step fo_last; /* the step whose access came last */
	bool fo_any, fo_again;
	size_t fo_since, fo_drops, fo_total;
};

/*
 * Pages are dropped.  The access whose fault was the last of the window has not
 * been made yet: if its page is among them it faults again.
 */
static void
follow_drop(struct follow *fo, const struct raw *rw, uint64_t map)
{
	for (size_t page = 0; page < PAGES; page++)
		if (map + page * PG >= rw->rw_arg[0] &&
		    map + page * PG < rw->rw_arg[0] + rw->rw_arg[1])
			fo->fo_seen.se_page[page] = 0;
	fo->fo_again = fo->fo_any;
	fo->fo_drops++;
	fo->fo_since = 0;
}

/* The next step that must be seen; false: there is none any more. */
static bool
follow_next(struct follow *fo)
{
	const struct step *st = &fo->fo_last;

	if (fo->fo_again && is_news(&fo->fo_seen, st->st_page, st->st_write)) {
		fo->fo_again = false;
		return true;
	}
	fo->fo_again = false;
	while (fo->fo_steps < STEPS) {
		fo->fo_last = walk_next(&fo->fo_walk);
		fo->fo_steps++;
		if (is_news(&fo->fo_seen, st->st_page, st->st_write))
			return true;
	}
	return false;
}

/* Every access since the last drop is there, once, as what it was. */
static void
walk_by(uint64_t window)
{
	struct follow fo = { .fo_walk = { 1, PAGES } };
	const struct step *st = &fo.fo_last;
	struct rtest rt;
	uint64_t map;

	rtest_begin(&rt, RING_KERNEL, window);
	RTEST_RUN_KERNEL(&rt, "walk", "");
	for (size_t i = mapped(&rt, 0, PAGES * PG, &map); i < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];
		const size_t page = (rw->rw_arg[0] - map) / PG;
		const bool write = (rw->rw_flags & RAW_F_WRITE) != 0;

		if (is_drop(rw))
			follow_drop(&fo, rw, map);
		/* A fault may be taken twice, if the kernel has to wait. */
		if (!within(rw, map, PAGES) ||
		    fo.fo_seen.se_page[page] >= (write ? 2 : 1))
			continue;
		fo.fo_since++;
		fo.fo_total++;
		fo.fo_any = true;
		assert_true(follow_next(&fo));
		if (st->st_page != page || st->st_write != write)
			fail_msg("step %zu: a %s of page %zu came as %s of %zu",
			    fo.fo_steps - 1, st->st_write ? "write" : "read",
			    st->st_page, write ? "write" : "read", page);
		assert_true(fo.fo_since <= window);
	}
	assert_false(follow_next(&fo));
	if (window != RAW_UNKNOWN)
		assert_true(fo.fo_drops >= fo.fo_total / window);
	else
		assert_int_equal(fo.fo_drops, 0);
	assert_int_equal(notes(&rt, RECORD_UNARMED_MAPS), 0);
	rtest_end(&rt);
}

static void
each_page_faults_anew_after_so_many(void **state)
{
	(void)state;
	walk_by(16);
	walk_by(64);
	walk_by(256);
}

static void
without_bounds_each_page_faults_for_reading_and_writing(void **state)
{
	(void)state;
	walk_by(RAW_UNKNOWN);
}

static void
what_is_written_after_a_sync_is_seen_again(void **state)
{
	struct rtest rt;
	size_t writes = 0;
	uint64_t map;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 1000000);
	RTEST_RUN_KERNEL(&rt, "syncs", "");
	for (size_t i = mapped(&rt, 0, 10 * PG, &map); i < rt.rt_n; i++)
		writes += within(&rt.rt_raws[i], map, 10) &&
		    (rt.rt_raws[i].rw_flags & RAW_F_WRITE) != 0;
	/* Seven rounds; a fault may be taken twice. */
	assert_in_range(writes, 70, 75);
	rtest_end(&rt);
}

/* tmpfs: nothing but the library makes a page's next write a fault. */
static void
in_files_of_memory_too(void **state)
{
	struct rtest rt;
	size_t at = 0;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 1000000);
	RTEST_RUN_KERNEL(&rt, "memory", "");
	for (int file = 0; file < 3; file++) {
		size_t writes = 0;
		uint64_t map, view;

		at = mapped(&rt, at, 300 * PG, &map);
		at = mapped(&rt, at + 1, 300 * PG, &view);
		for (size_t i = at; i < rt.rt_n &&
		     (rt.rt_raws[i].rw_kind != RAW_CALL ||
			 rt.rt_raws[i].rw_sys != RAW_SYS_MUNMAP);
		     i++)
			writes += within(&rt.rt_raws[i], map, 300) &&
			    (rt.rt_raws[i].rw_flags & RAW_F_WRITE) != 0;
		/* Three rounds of all pages. */
		assert_in_range(writes, 900, 910);
		at++;
	}
	rtest_end(&rt);
}

static void
every_program_behaves_as_without(void **state)
{
	struct errmsg em = { .em_text = "" };
	const uint64_t windows[] = { 16, 256 };

	(void)state;
	if (record_check(RECORD_KERNEL, NULL, &em) != 0) {
		print_message("skipped: %s\n", em.em_text);
		skip();
	}
	for (size_t i = 0; i < rtest_nprograms; i++)
		for (size_t k = 0; k < nitems(windows); k++) {
			struct rtest rt;

			rtest_begin(&rt, RING_KERNEL, windows[k]);
			RTEST_RUN(&rt, rtest_programs[i], "");
			assert_int_equal(ring_lost(rt.rt_ring), 0);
			assert_int_equal(notes(&rt, RECORD_UNARMED_MAPS), 0);
			rtest_end(&rt);
		}
}

/* Calls and accesses are the kernel's to tell. */
static void
the_library_tells_no_more_than_it_must(void **state)
{
	struct rtest rt;
	size_t starts = 0;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 64);
	RTEST_RUN(&rt, "forks", "");
	for (size_t i = 0; i < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];

		assert_true(rw->rw_kind == RAW_START ||
		    rw->rw_kind == RAW_FILE || rw->rw_kind == RAW_SHARED ||
		    rw->rw_kind == RAW_NOTE ||
		    (rw->rw_kind == RAW_EXIT &&
			(rw->rw_flags & RAW_F_GROUP) == 0));
		starts += rw->rw_kind == RAW_START;
		if (rw->rw_kind == RAW_START)
			assert_int_equal(rw->rw_arg[0], 64);
	}
	/* By exec twice, and by fork seventeen times. */
	assert_int_equal(starts, 19);
	rtest_end(&rt);
}

/* Flags as they were asked for are said right before the call. */
static void
maps_that_are_asked_for_otherwise_are_said(void **state)
{
	size_t swapped = 0, populated = 0;
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 64);
	RTEST_RUN_KERNEL(&rt, "readonly", "");
	RTEST_RUN_KERNEL(&rt, "populate", "");
	for (size_t i = 0; i + 1 < rt.rt_n; i++) {
		const struct raw *rw = &rt.rt_raws[i];
		const struct raw *next = rw + 1;

		if (rw->rw_kind != RAW_SHARED)
			continue;
		while (
		    next->rw_tid != rw->rw_tid || next->rw_kind == RAW_ACCESS)
			next++;
		assert_int_equal(next->rw_kind, RAW_CALL);
		assert_int_equal(next->rw_sys, RAW_SYS_MMAP);
		swapped += rw->rw_arg[0] == MAP_SHARED &&
		    (next->rw_arg[3] & MAP_TYPE) == MAP_PRIVATE;
		populated += (rw->rw_arg[0] & MAP_POPULATE) != 0 &&
		    (next->rw_arg[3] & MAP_POPULATE) == 0;
	}
	/* Two of them in readonly; and both of populate's. */
	assert_int_equal(swapped, 2);
	assert_int_equal(populated, 2);
	rtest_end(&rt);
}

static void
private_maps_that_can_be_written_are_counted(void **state)
{
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 64);
	RTEST_RUN(&rt, "private", "");
	/* One, and one that becomes so. */
	assert_int_equal(notes(&rt, RECORD_PRIVATE_MAPS), 2);
	rtest_end(&rt);
}

/* A child's maps are armed when it begins: each page of its walk is seen. */
static void
children_are_armed(void **state)
{
	struct rtest rt;
	size_t children = 0;
	uint64_t map;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 64);
	RTEST_RUN_KERNEL(&rt, "forks", "");
	(void)mapped(&rt, 0, 300 * PG, &map);
	for (size_t i = 0; i < rt.rt_n; i++) {
		const uint32_t pid = rt.rt_raws[i].rw_pid;
		size_t writes = 0;

		if (rt.rt_raws[i].rw_kind != RAW_START ||
		    rt.rt_raws[i].rw_arg[1] != RAW_START_FORK)
			continue;
		for (size_t k = i; k < rt.rt_n; k++)
			writes += rt.rt_raws[k].rw_pid == pid &&
			    within(&rt.rt_raws[k], map, 300) &&
			    (rt.rt_raws[k].rw_flags & RAW_F_WRITE) != 0;
		/* One executes something, and one only reads, but in memory of
		 * its own in between. */
		if (writes <= 10)
			continue;
		assert_true(writes >= 300);
		children++;
	}
	assert_int_equal(children, 15);
	rtest_end(&rt);
}

static void
all_threads_are_armed(void **state)
{
	uint32_t tids[8] = { 0 };
	size_t n = 0;
	struct rtest rt;
	uint64_t map;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 64);
	RTEST_RUN_KERNEL(&rt, "threads", "");
	(void)mapped(&rt, 0, 804 * PG, &map);
	/* Of a thread's own 100 pages, more than a hundred accesses. */
	for (size_t who = 0; who < 8; who++) {
		size_t accesses = 0;

		for (size_t i = 0; i < rt.rt_n; i++)
			if (within(&rt.rt_raws[i], map + who * 100 * PG, 100)) {
				tids[who] = rt.rt_raws[i].rw_tid;
				accesses++;
			}
		assert_true(accesses > 200);
	}
	for (size_t i = 0; i < 8; i++)
		for (size_t k = 0; k < i; k++)
			n += tids[i] == tids[k];
	assert_int_equal(n, 0);
	rtest_end(&rt);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(each_page_faults_anew_after_so_many),
		T(without_bounds_each_page_faults_for_reading_and_writing),
		T(what_is_written_after_a_sync_is_seen_again),
		T(in_files_of_memory_too),
		T(every_program_behaves_as_without),
		T(the_library_tells_no_more_than_it_must),
		T(maps_that_are_asked_for_otherwise_are_said),
		T(private_maps_that_can_be_written_are_counted),
		T(children_are_armed),
		T(all_threads_are_armed),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
