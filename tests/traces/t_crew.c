/*
 * Threads that decode a .uvt block by block give what its reader gives by
 * itself, and fail as it fails: events, runs, words, and what is salvaged.  A
 * check that fails says by which seed; UVN_SEED has it try that one.
 */
#include "tests/traces/tracetest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "traces/uvt_i.h"

#define EVENTS (4 * UVT_BLOCK_EVENTS + 1000)
#define ROOM   (1U << 30)
#define BLOCKS 5

/* What reading comes to. */
struct all {
	struct trace_event *al_ev;
	size_t al_n, al_runs;
	uint64_t al_pages; /* of runs, a sum */
	uint64_t al_tids;  /* of batches, a sum */
	int al_error;
	struct errmsg al_em;
	uint64_t al_blocks, al_events;
};

static struct all
read_all(const char *path, unsigned flags, unsigned threads)
{
	struct all al = { .al_ev = calloc(EVENTS, sizeof(*al.al_ev)) };
	struct trace_reader *tr;
	struct trace_batch tb;
	uint64_t read, before = 0, total;

	assert_non_null(al.al_ev);
	must_em(trace_open(path, flags, &tr, &al.al_em), &al.al_em);
	must(trace_runs(tr, 12));
	if (threads != 0)
		(void)!trace_crew(tr, threads, NULL, 0);
	while ((al.al_error = trace_next_batch(tr, &tb, &al.al_em)) == 0 &&
	    tb.tb_n != 0) {
		assert_in_range(tb.tb_n, 1, EVENTS - al.al_n);
		(void)memcpy(al.al_ev + al.al_n, tb.tb_ev,
		    tb.tb_n * sizeof(*tb.tb_ev));
		al.al_n += tb.tb_n;
		al.al_runs += tb.tb_nruns;
		al.al_tids = al.al_tids * 31 + tb.tb_tid;
		for (size_t i = 0; i < tb.tb_nruns; i++)
			al.al_pages = al.al_pages * 31 +
			    tb.tb_at[tb.tb_run[i].rn_first] +
			    tb.tb_run[i].rn_pages;
		trace_progress(tr, &read, &total);
		assert_in_range(read, 1, total);
		assert_true(read >= before);
		before = read;
	}
	assert_int_equal(trace_next_batch(tr, &tb, &al.al_em), al.al_error);
	assert_int_equal(tb.tb_n, 0);
	trace_salvaged(tr, &al.al_blocks, &al.al_events);
	trace_close(tr);
	return al;
}

/* An image of it, which uses threads if it may: the same, or the same words. */
static void
image(const char *path, unsigned flags, const struct all *one)
{
	struct errmsg em = { .em_text = "" };
	struct trace_image *ti = NULL;
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n, at = 0;

	assert_int_equal(trace_image_load(path, flags, 0, ROOM, &ti, &em),
	    one->al_error);
	assert_string_equal(em.em_text, one->al_em.em_text);
	if (one->al_error != 0)
		return;
	assert_int_equal(trace_image_count(ti), one->al_n);
	must(trace_image_open(ti, &tr));
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		assert_memory_equal(ev, one->al_ev + at, n * sizeof(*ev));
		at += n;
	} while (n != 0);
	trace_close(tr);
	trace_image_free(ti);
}

static void
same(const char *path, unsigned flags)
{
	struct all one = read_all(path, flags, 0);

	for (unsigned threads = 1; threads <= 4; threads++) {
		struct all two = read_all(path, flags, threads);

		assert_int_equal(one.al_error, two.al_error);
		assert_string_equal(one.al_em.em_text, two.al_em.em_text);
		assert_int_equal(one.al_n, two.al_n);
		assert_memory_equal(one.al_ev, two.al_ev,
		    one.al_n * sizeof(*one.al_ev));
		assert_int_equal(one.al_runs, two.al_runs);
		assert_int_equal(one.al_pages, two.al_pages);
		assert_int_equal(one.al_tids, two.al_tids);
		assert_int_equal(one.al_blocks, two.al_blocks);
		assert_int_equal(one.al_events, two.al_events);
		free(two.al_ev);
	}
	image(path, flags, &one);
	free(one.al_ev);
}

static void
same_both(const char *path)
{

	same(path, 0);
	same(path, TRACE_SALVAGE);
}

/* Events of BLOCKS blocks. */
static void
make(void)
{

	generate("t.uvt", "pattern=zipf", "pages=5000", "events=263144",
	    "msync=100", NULL);
}

/* Positions of the blocks, and of what is after them. */
static void
blocks(const struct blob *bl, size_t pos[BLOCKS + 1])
{
	struct uvt_header uh;
	struct uvt_block ub;

	(void)memcpy(&uh, bl->bl_data, sizeof(uh));
	pos[0] = sizeof(uh) + (size_t)uh.uh_head_len;
	for (size_t i = 0; i < BLOCKS; i++) {
		assert_true(block_good(bl->bl_data + pos[i], &ub));
		pos[i + 1] = pos[i] + sizeof(ub) + ub.ub_packed;
	}
}

static void
a_whole_trace_is_the_same(void **state)
{

	(void)state;
	make();
	same("t.uvt", 0);
	same("t.uvt", TRACE_VERIFY);
	same("t.uvt", TRACE_SALVAGE);
}

static void
try_seed(uint64_t seed)
{
	struct dice d = { seed };
	struct blob bl = file_read("t.uvt");
	size_t pos[BLOCKS + 1], at;

	(void)fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	blocks(&bl, pos);
	switch (dice_below(&d, 4)) {
	case 0: /* anywhere */
		at = pos[0] + (size_t)dice_below(&d, bl.bl_len - pos[0]);
		bl.bl_data[at] ^= (uint8_t)(1 + dice_below(&d, 255));
		break;
	case 1: /* in a head, or in the index */
		at = pos[dice_below(&d, BLOCKS + 1)];
		at += (size_t)dice_below(&d, sizeof(struct uvt_block));
		bl.bl_data[at] ^= (uint8_t)(1 + dice_below(&d, 255));
		break;
	case 2: /* cut */
		bl.bl_len = pos[0] + (size_t)dice_below(&d, bl.bl_len - pos[0]);
		break;
	default: /* a block is gone */
		at = (size_t)dice_below(&d, BLOCKS);
		(void)memmove(bl.bl_data + pos[at], bl.bl_data + pos[at + 1],
		    bl.bl_len - pos[at + 1]);
		bl.bl_len -= pos[at + 1] - pos[at];
		break;
	}
	file_write("bad.uvt", bl.bl_data, bl.bl_len);
	free(bl.bl_data);
	same_both("bad.uvt");
}

static void
damage_is_told_and_stepped_over_as_by_the_reader_itself(void **state)
{
	(void)state;
	make();
	if (getenv("UVN_SEED") != NULL) {
		try_seed(dice_seed());
		return;
	}
	for (uint64_t s = 1; s <= 24; s++)
		try_seed(s);
}

/*
 * Block which of t.uvt, the times of whose events all are 0.
 *
 * => as written to past.uvt: every sum is right
 */
static void
past_make(struct trace_event *ev, size_t n, unsigned which)
{
	struct errmsg em = { .em_text = "" };
	size_t pos[BLOCKS + 1], old[BLOCKS + 1];
	struct blob bl = file_read("t.uvt"), zero;
	struct trace_reader *tr;
	FILE *fp;

	for (size_t i = 0; i < n; i++)
		ev[i].te_time = 0;
	must_em(trace_open("t.uvt", 0, &tr, &em), &em);
	events_write("zero.uvt", TRACE_UVT, trace_meta(tr), ev, n);
	trace_close(tr);
	zero = file_read("zero.uvt");
	blocks(&bl, pos);
	blocks(&zero, old);
	assert_non_null(fp = fopen("past.uvt", "we"));
	(void)fwrite(bl.bl_data, 1, pos[which], fp);
	(void)fwrite(zero.bl_data + old[which], 1, old[which + 1] - old[which],
	    fp);
	(void)fwrite(bl.bl_data + pos[which + 1], 1, bl.bl_len - pos[which + 1],
	    fp);
	must(fclose(fp));
	free(bl.bl_data);
	free(zero.bl_data);
}

static void
a_block_of_the_past_is_refused(void **state)
{
	struct trace_event *ev;
	struct all al;
	size_t n;

	(void)state;
	make();
	ev = events_read("t.uvt", 0, &n);
	for (unsigned which = 1; which < BLOCKS; which++) {
		past_make(ev, n, which);
		same_both("past.uvt");
		al = read_all("past.uvt", 0, 2);
		assert_int_equal(al.al_error, EILSEQ);
		assert_non_null(strstr(al.al_em.em_text, "goes back in time"));
		free(al.al_ev);
	}
	free(ev);
}

/* Room for some blocks only: the rest goes where the reader says. */
static void
what_has_no_room_is_read_without_threads(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_event *all, *into;
	const struct trace_event *ev;
	struct trace_reader *tr;
	size_t n, some, at = 0, here = 0;

	(void)state;
	make();
	all = events_read("t.uvt", 0, &n);
	into = calloc(3 * UVT_BLOCK_EVENTS, sizeof(*into));
	assert_non_null(into);
	must_em(trace_open("t.uvt", 0, &tr, &em), &em);
	must(trace_crew(tr, 2, into, 3 * UVT_BLOCK_EVENTS - 1));
	for (;; at += some) {
		must_em(trace_next(tr, &ev, &some, &em), &em);
		if (some == 0)
			break;
		assert_memory_equal(ev, all + at, some * sizeof(*ev));
		here += ev == into + at ? some : 0;
	}
	assert_int_equal(at, n);
	assert_int_equal(here, 2 * UVT_BLOCK_EVENTS);
	trace_close(tr);
	free(into);
	free(all);
}

static void
of_other_forms_there_is_no_crew(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;

	(void)state;
	make();
	trace_copy("t.uvt", "t.csv");
	must_em(trace_open("t.csv", 0, &tr, &em), &em);
	assert_int_equal(trace_crew(tr, 2, NULL, 0), ENOTSUP);
	trace_close(tr);
}

int
main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(a_whole_trace_is_the_same),
		T(damage_is_told_and_stepped_over_as_by_the_reader_itself),
		T(a_block_of_the_past_is_refused),
		T(what_has_no_room_is_read_without_threads),
		T(of_other_forms_there_is_no_crew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
