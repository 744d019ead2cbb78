/*
 * t_disagreements: traces on which the model and the pager differed once, or
 * that random ones seldom reach, with what was settled.
 */
#include "tests/test.h"

#include <errno.h>

#include "tests/model/pair.h"

#define PAGE   4096
#define SHARED (MODEL_F_R | MODEL_F_SHARED)
#define RW     (MODEL_F_R | MODEL_F_W)

#define ATTACH(map_, file_, pages, flags_)                                     \
	{                                                                      \
		.op = MODEL_ATTACH, .file = (file_), .map = (map_), .pid = 1,  \
		.length = (uint64_t)(pages)*PAGE, .flags = (flags_)            \
	}
#define DETACH(map_)                                                           \
	{                                                                      \
		.op = MODEL_DETACH, .map = (map_)                              \
	}
#define ON_MAP(op_, file_, map_, offset_, length_, flags_)                     \
	{                                                                      \
		.op = (op_), .file = (file_), .map = (map_),                   \
		.offset = (offset_), .length = (length_), .flags = (flags_)    \
	}
#define ON_FILE(op_, file_, offset_, length_)                                  \
	{                                                                      \
		.op = (op_), .file = (file_), .offset = (offset_),             \
		.length = (length_)                                            \
	}

static const struct model_file files[] = {
	{ .id = 1, .size = 8 * PAGE },
	{ .id = 2, .size = 150 * PAGE },
	{ .id = 3, .size = PAGE },
	{ .id = 4, .size = PAGE },
};

/* Both agree on the trace to its end; the counts are in *n. */
static void
agree(struct model_trace *tr, const struct model_event *events, size_t nevents,
    struct model_counters *n)
{
	struct verdict v;

	if (tr->files == NULL) {
		tr->files = files;
		tr->nfiles = nitems(files);
	}
	tr->events = events;
	tr->nevents = nevents;
	pair_run(tr, &v);
	if (!v.agree)
		fail_msg("event %zu: %s", v.events - 1, v.what);
	assert_int_equal(v.events, nevents);
	*n = v.counters;
}

static struct model_trace
machine(uint64_t memory)
{
	struct model_trace tr = { .files = NULL };

	model_config_init(&tr.config, memory);
	return tr;
}

static void
a_fixed_shrink_within_a_page_flushes_nothing(void **state)
{
	static const struct model_event events[] = {
		ATTACH(1, 1, 8, SHARED),
		ON_MAP(MODEL_READ, 1, 1, 0, 8 * PAGE, 0),
		ON_FILE(MODEL_TRUNCATE, 1, 0, 8 * PAGE - 100),
		ON_FILE(MODEL_TRUNCATE, 1, 0, 8 * PAGE - 200),
	};
	struct model_trace tr = machine(100);
	struct model_counters n;

	(void)state;
	tr.config.fixed = MODEL_FIX_Q6;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.flushes, 0);
	assert_int_equal(n.free, 92);
	tr.config.fixed = 0;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.flushes, 2);
	assert_int_equal(n.free, 93);
}

/*
 * Only an inherited mapping that allows more than its parent makes a page of a
 * persisting object dirty.  Writing it uncaches the object, which has to wait
 * for that page: it is killed as the page is released.
 */
static void
a_persisting_object_dies_of_a_page_out(void **state)
{
	static const struct model_event events[] = {
		ATTACH(1, 1, 8, SHARED),
		ATTACH(2, 1, 8,
		    RW | MODEL_F_SHARED | MODEL_F_MAXW | MODEL_F_INHERITED),
		ON_MAP(MODEL_READ, 1, 2, 0, 8 * PAGE, 0),
		ON_MAP(MODEL_WRITE, 1, 2, 2 * PAGE, 2 * PAGE, 0),
		ON_MAP(MODEL_WRITE, 1, 2, 6 * PAGE, PAGE, 0),
		DETACH(2),
		DETACH(1),
		ATTACH(3, 2, 150, SHARED),
		ON_MAP(MODEL_READ, 2, 3, 0, 150 * PAGE, 0),
		DETACH(3),
		/* Alive again, with nothing left. */
		ATTACH(4, 1, 8, RW | MODEL_F_SHARED),
		ON_MAP(MODEL_WRITE, 1, 4, 0, 8 * PAGE, 0),
		DETACH(4),
		ON_FILE(MODEL_OPEN, 3, 0, 0),
		ON_FILE(MODEL_OPEN, 4, 0, 0),
	};
	static const struct model_bad bad = { .file = 1,
		.page = 2,
		.npages = 1 };
	struct model_trace tr = machine(100);
	struct model_counters n;

	(void)state;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.persists, 2);
	assert_int_equal(n.detaches, 5);
	assert_int_equal(n.pageout_pages, 3 + 8);
	tr.bad = &bad;
	tr.nbad = 1;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.detaches, 5);
	assert_int_equal(n.dirty_discarded, 2);
	assert_int_equal(n.lost_pages, 2 + 1); /* and later page 2 */
	/* Its vnode was not dropped, and is not recycled: file 2's is. */
	tr.config.max_vnodes = 2;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.vnodes_recycled, 1);
}

/* Nothing to truncate, so its object outlives the name; not the vnode. */
static void
an_empty_unlinked_file_takes_its_persisting_object_along(void **state)
{
	static const struct model_event events[] = {
		ON_FILE(MODEL_TRUNCATE, 1, 0, 0),
		ON_FILE(MODEL_OPEN, 1, 0, 0),
		ON_FILE(MODEL_UNLINK, 1, 0, 0),
		ATTACH(1, 1, 1, SHARED),
		DETACH(1),
		ON_FILE(MODEL_CLOSE, 1, 0, 0),
		ATTACH(2, 1, 1, SHARED),
	};
	struct model_trace tr = machine(100);
	struct model_counters n;

	(void)state;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.persists, 1);
	assert_int_equal(n.terminates, 1);
}

/*
 * Deactivating what a failed page-out has just activated is no progress, or
 * the run would never end.
 */
static void
a_daemon_that_cannot_write_anything_ends_both_runs(void **state)
{
	static const struct model_event events[] = {
		ATTACH(1, 2, 150, RW | MODEL_F_SHARED),
		ON_MAP(MODEL_WRITE, 2, 1, 0, 150 * PAGE, 0),
	};
	static const struct model_bad bad = { .file = 2, .npages = 150 };
	static const uint64_t limits[] = { 2, 10, 1000 };
	struct model_trace tr = machine(100);
	struct verdict v;
	size_t i;

	(void)state;
	tr.files = files;
	tr.nfiles = nitems(files);
	tr.bad = &bad;
	tr.nbad = 1;
	tr.events = events;
	tr.nevents = nitems(events);
	for (i = 0; i < nitems(limits); i++) {
		tr.config.daemon_limit = limits[i];
		pair_run(&tr, &v);
		if (!v.agree)
			fail_msg("limit %zu: %s", (size_t)limits[i], v.what);
		assert_string_not_equal(v.why, "");
		assert_true(v.counters.memory_waits > limits[i]);
	}
}

static void
an_access_of_no_length_is_one_page(void **state)
{
	static const struct model_event events[] = {
		ATTACH(1, 1, 8, SHARED),
		ON_MAP(MODEL_READ, 1, 1, PAGE, 0, 0),
		ON_MAP(MODEL_READ, 1, 1, 2 * PAGE + 1, 0, 0),
		ON_MAP(MODEL_READ, 1, 1, 4 * PAGE - 1, 2, 0),
	};
	struct model_trace tr = machine(100);
	struct model_counters n;

	(void)state;
	agree(&tr, events, nitems(events), &n);
	assert_int_equal(n.accesses, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fixed_shrink_within_a_page_flushes_nothing),
		cmocka_unit_test(a_persisting_object_dies_of_a_page_out),
		cmocka_unit_test(
		    an_empty_unlinked_file_takes_its_persisting_object_along),
		cmocka_unit_test(
		    a_daemon_that_cannot_write_anything_ends_both_runs),
		cmocka_unit_test(an_access_of_no_length_is_one_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
