/*
 * Runs are what the events say, however they are read.  A check that fails says
 * by which seed; UVN_SEED has it try that one.
 */
#include "tests/traces/tracetest.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ROOM (1U << 30)

static const unsigned shifts[] = { 9, 12, 16, 1, 31 };

/* May the event be in a run? */
static bool
usual(const struct trace_event *te, unsigned shift)
{

	return (te->te_op == TRACE_READ || te->te_op == TRACE_WRITE) &&
	    te->te_length != 0 && te->te_offset >> shift < TRACE_PAGES &&
	    te->te_offset >> shift ==
	    (te->te_offset + te->te_length - 1) >> shift;
}

/* Does the run go on with that event, one after it? */
static bool
goes_on(const struct trace_event *te, unsigned shift)
{

	return usual(te, shift) && te->te_file == te[-1].te_file &&
	    te->te_map == te[-1].te_map;
}

static void
check_run(const struct trace_batch *tb, const struct trace_run *rn,
    unsigned shift)
{
	const struct trace_event *const ev = tb->tb_ev + rn->rn_first;
	uint32_t low = UINT32_MAX, pages = 0;

	assert_in_range(rn->rn_n, 1, tb->tb_n - rn->rn_first);
	for (size_t i = 0; i < rn->rn_n; i++) {
		const uint64_t page = ev[i].te_offset >> shift;

		assert_true(usual(&ev[i], shift));
		assert_int_equal(ev[i].te_file, rn->rn_file);
		assert_int_equal(ev[i].te_map, rn->rn_map);
		assert_int_equal(tb->tb_at[rn->rn_first + i],
		    page * 2 + (ev[i].te_op == TRACE_WRITE));
		low = page < low ? (uint32_t)page : low;
		pages = page >= pages ? (uint32_t)page + 1 : pages;
	}
	assert_int_equal(rn->rn_low, low);
	assert_int_equal(rn->rn_pages, pages);
}

/* The runs of a batch, against its events; how many there are. */
static size_t
check_batch(const struct trace_batch *tb, unsigned shift)
{
	size_t r = 0;

	for (size_t i = 0, n; i < tb->tb_n; i += n) {
		for (n = 1; i + n < tb->tb_n; n++)
			if (!goes_on(&tb->tb_ev[i + n], shift))
				break;
		if (!usual(&tb->tb_ev[i], shift)) {
			n = 1;
			continue;
		}
		assert_in_range(r, 0, tb->tb_nruns - 1);
		assert_int_equal(tb->tb_run[r].rn_first, i);
		assert_int_equal(tb->tb_run[r].rn_n, n);
		check_run(tb, &tb->tb_run[r++], shift);
	}
	assert_int_equal(r, tb->tb_nruns);
	return r;
}

static bool
one_thread(const struct trace_event *ev, size_t n)
{

	for (size_t i = 1; i < n; i++)
		if (ev[i].te_tid != ev[0].te_tid)
			return false;
	return true;
}

/* Whose the events of a batch are: if it says so, or of a trace of one thread.
 */
static void
check_thread(const struct trace_batch *tb, bool one)
{

	if (tb->tb_tid == TRACE_TIDS)
		assert_false(one);
	for (size_t i = 0; i < tb->tb_n && tb->tb_tid != TRACE_TIDS; i++)
		assert_int_equal(tb->tb_ev[i].te_tid, tb->tb_tid);
}

/* Read all of it; it has to be ev[0..n).  How many runs there were. */
static size_t
check_reader(struct trace_reader *tr, unsigned shift,
    const struct trace_event *ev, size_t n)
{
	struct errmsg em = { .em_text = "" };
	const bool one = one_thread(ev, n);
	struct trace_batch tb;
	size_t at = 0, runs = 0;

	for (;;) {
		must_em(trace_next_batch(tr, &tb, &em), &em);
		if (tb.tb_n == 0)
			break;
		assert_in_range(tb.tb_n, 1, n - at);
		assert_memory_equal(tb.tb_ev, ev + at, tb.tb_n * sizeof(*ev));
		check_thread(&tb, one);
		runs += check_batch(&tb, shift);
		at += tb.tb_n;
	}
	assert_int_equal(tb.tb_nruns, 0);
	assert_int_equal(at, n);
	return runs;
}

static size_t
check_file(const char *path, unsigned shift, bool ahead,
    const struct trace_event *ev, size_t n)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	size_t runs;

	must_em(trace_open(path, 0, &tr, &em), &em);
	must(trace_runs(tr, shift));
	if (ahead)
		trace_ahead(tr);
	runs = check_reader(tr, shift, ev, n);
	trace_close(tr);
	return runs;
}

/* An image whose runs are of pages of one size, read for those of another. */
static size_t
check_image(const char *path, unsigned has, unsigned shift,
    const struct trace_event *ev, size_t n)
{
	struct errmsg em = { .em_text = "" };
	struct trace_image *ti;
	struct trace_reader *tr;
	size_t runs;

	must_em(trace_image_load(path, 0, has, ROOM, &ti, &em), &em);
	assert_true(trace_image_bytes(ti) >= n * sizeof(*ev) &&
	    trace_image_bytes(ti) <= ROOM);
	must(trace_image_open(ti, &tr));
	must(trace_runs(tr, shift));
	runs = check_reader(tr, shift, ev, n);
	trace_close(tr);
	trace_image_free(ti);
	return runs;
}

/* By all ways of reading; how many runs it has at 4 KiB. */
static size_t
check_all(const struct trace_event *ev, size_t n)
{
	static const char *const paths[] = { "r.uvt", "r.csv", "r.csv.zst" };
	size_t runs = 0;

	for (size_t k = 0; k < nitems(shifts); k++)
		for (size_t i = 0; i < nitems(paths); i++) {
			const size_t plain =
			    check_file(paths[i], shifts[k], false, ev, n);

			runs = shifts[k] == 12 ? plain : runs;
			assert_int_equal(plain,
			    check_file(paths[i], shifts[k], true, ev, n));
			(void)check_image(paths[i], shifts[k], shifts[k], ev,
			    n);
			(void)check_image(paths[i], 12, shifts[k], ev, n);
			(void)check_image(paths[i], 0, shifts[k], ev, n);
		}
	return runs;
}

/* Make accesses of most events, of a few mappings, near the ends of pages. */
static void
accesses(struct dice *d, struct trace_event *ev, size_t n)
{
	uint32_t map = 1, file = 1;

	for (size_t i = 0; i < n; i++) {
		struct trace_event *const te = &ev[i];
		const unsigned shift = shifts[dice_below(d, 3)];
		const uint64_t what = dice_below(d, 100);

		if (what < 3)
			continue;
		if (what < 6) {
			map = 1 + (uint32_t)dice_below(d, 3);
			file = 1 + (uint32_t)dice_below(d, 3);
		}
		*te = (struct trace_event){
			.te_time = te->te_time,
			.te_op = what % 3 == 0 ? TRACE_WRITE : TRACE_READ,
			.te_file = file,
			.te_map = map,
			.te_pid = 1,
			.te_offset = dice_below(d, 1000) << shift,
			.te_length = 1 + dice_below(d, 64),
		};
		if (what >= 90)
			te->te_offset += ((uint64_t)1 << shift) -
			    dice_below(d, 64) % te->te_length;
		if (what == 8)
			te->te_length = 0;
		if (what == 9)
			te->te_offset = (TRACE_PAGES << shift) -
			    dice_below(d, 2) * te->te_length;
		if (what == 10)
			te->te_length = (uint64_t)1 << shift;
		assert_null(trace_event_check(te));
	}
}

static void
write_all(const struct trace_event *ev, size_t n)
{
	struct trace_file files[3];
	struct trace_meta tm;

	meta_fill(&tm, files, nitems(files));
	events_write("r.uvt", TRACE_UVT, &tm, ev, n);
	events_write("r.csv", TRACE_CSV, &tm, ev, n);
	events_write("r.csv.zst", TRACE_CSV_ZST, &tm, ev, n);
}

static void
try_seed(uint64_t seed)
{
	struct dice d = { seed };
	const size_t n = (size_t)dice_below(&d, 30000);
	struct trace_event *const ev = events_random(&d, n, 3);

	(void)fprintf(stderr, "seed %llu: %zu events\n",
	    (unsigned long long)seed, n);
	if (seed % 4 != 0)
		accesses(&d, ev, n);
	for (size_t i = 0; i < n && seed % 2 != 0; i++)
		ev[i].te_tid = 7;
	write_all(ev, n);
	(void)check_all(ev, n);
	free(ev);
}

static void
runs_are_what_the_events_say(void **state)
{
	(void)state;
	if (getenv("UVN_SEED") != NULL) {
		try_seed(dice_seed());
		return;
	}
	for (uint64_t s = 1; s <= 12; s++)
		try_seed(s);
}

/* Accesses alone: a run a batch.  And each of another mapping: one an event. */
static void
as_few_as_can_be_and_as_many(void **state)
{
	enum { N = 20000 };
	struct trace_event *const ev = calloc(N, sizeof(*ev));
	size_t runs;

	(void)state;
	assert_non_null(ev);
	for (uint32_t i = 0; i < N; i++)
		ev[i] = (struct trace_event){ .te_op = TRACE_READ,
			.te_time = i,
			.te_pid = 1,
			.te_file = 1,
			.te_map = 1,
			.te_offset = i * 4096ULL,
			.te_length = 4096 };
	write_all(ev, N);
	runs = check_all(ev, N);
	assert_in_range(runs, 1, N / 1000);
	for (uint32_t i = 0; i < N; i++)
		ev[i].te_map += i % 2;
	write_all(ev, N);
	assert_int_equal(check_all(ev, N), N);
	free(ev);
}

/* One mapping for long, and rarely an event that is not as the others. */
static void
one_among_many_is_not_overlooked(void **state)
{
	enum { N = 80000 };
	struct trace_event *const ev = calloc(N, sizeof(*ev));
	struct dice d = { .d_state = 42 };

	(void)state;
	assert_non_null(ev);
	for (uint32_t i = 0; i < N; i++) {
		struct trace_event *const te = &ev[i];

		*te = (struct trace_event){
			.te_op =
			    dice_below(&d, 2) == 0 ? TRACE_READ : TRACE_WRITE,
			.te_time = i,
			.te_pid = 1,
			/* Many kinds. */
			.te_tid = i % 1000 == 999 ? i : 1,
			.te_file = 1,
			.te_map = i < N / 2 ? 1 : 2,
			.te_offset = dice_below(&d, 5000) * 65536,
			.te_length = 512,
		};
		if (dice_below(&d, 600) != 0)
			continue;
		switch (dice_below(&d, 7)) {
		case 0:
			te->te_length = 0;
			break;
		case 1:
			te->te_length = 65537;
			break;
		case 2:
			te->te_offset += 65535;
			break;
		case 3:
			te->te_offset = (TRACE_PAGES - 1 + dice_below(&d, 2))
			    << shifts[dice_below(&d, 3)];
			break;
		case 4:
			te->te_op = TRACE_MSYNC;
			break;
		case 5:
			te->te_map = 3;
			break;
		default:
			te->te_offset = TRACE_PAGES << 16;
			break;
		}
		assert_null(trace_event_check(te));
	}
	write_all(ev, N);
	(void)check_all(ev, N);
	free(ev);
}

static void
who_does_not_ask_gets_none(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	struct trace_batch tb;

	(void)state;
	generate("t.uvt", "pattern=zipf", "pages=50", "events=3000", NULL);
	must_em(trace_open("t.uvt", 0, &tr, &em), &em);
	do {
		must_em(trace_next_batch(tr, &tb, &em), &em);
		assert_null(tb.tb_at);
		assert_int_equal(tb.tb_nruns, 0);
	} while (tb.tb_n != 0);
	trace_close(tr);
}

/* The events fit, their runs do not: readers find them. */
static void
an_image_without_room_for_runs_has_none(void **state)
{
	enum { N = 30000 };
	const uint64_t events = N * sizeof(struct trace_event);
	const uint64_t more[] = { 0, 4 * N - 1, 4 * N, 5 * N };
	struct errmsg em = { .em_text = "" };
	struct trace_event *ev;
	struct trace_image *ti;
	struct trace_reader *tr;
	size_t n;

	(void)state;
	generate("t.uvt", "pattern=zipf", "pages=500", "events=30000", NULL);
	ev = events_read("t.uvt", 0, &n);
	for (size_t i = 0; i < nitems(more); i++) {
		must_em(trace_image_load("t.uvt", 0, 12, events + more[i], &ti,
			    &em),
		    &em);
		if (i < 3)
			assert_int_equal(trace_image_bytes(ti), events);
		else
			assert_in_range(trace_image_bytes(ti), events + 4 * N,
			    events + 5 * N);
		must(trace_image_open(ti, &tr));
		must(trace_runs(tr, 12));
		(void)check_reader(tr, 12, ev, n);
		trace_close(tr);
		trace_image_free(ti);
	}
	free(ev);
}

/* What is read before the damage has its runs. */
static void
damage_ends_runs_where_it_ends_events(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	struct trace_batch tb;
	struct blob bl;
	size_t events;
	int error;

	(void)state;
	generate("t.csv", "pattern=zipf", "pages=50", "events=3000", NULL);
	bl = file_read("t.csv");
	file_write("t.csv", bl.bl_data, bl.bl_len - 7);
	free(bl.bl_data);
	for (unsigned ahead = 0; ahead < 2; ahead++) {
		must_em(trace_open("t.csv", 0, &tr, &em), &em);
		must(trace_runs(tr, 12));
		if (ahead != 0)
			trace_ahead(tr);
		em.em_text[0] = '\0';
		for (events = 0; (error = trace_next_batch(tr, &tb, &em)) == 0;
		     events += tb.tb_n)
			(void)check_batch(&tb, 12);
		assert_int_equal(error, EILSEQ);
		assert_in_range(events, 2990, 2999);
		em.em_text[0] = '\0';
		trace_close(tr);
	}
}

int
main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(runs_are_what_the_events_say),
		T(as_few_as_can_be_and_as_many),
		T(one_among_many_is_not_overlooked),
		T(who_does_not_ask_gets_none),
		T(an_image_without_room_for_runs_has_none),
		T(damage_ends_runs_where_it_ends_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
