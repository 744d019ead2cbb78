/*
 * Access maps: which cell an event goes into, against counting page by page.
 */
#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "replay/plot.h"
#include "tests/dice.h"

#define FILES 4
#define PAGE  4096

static struct dice dice;

struct fixture {
	struct trace_meta fx_meta;
	struct trace_file fx_files[FILES];
	struct plot_param fx_param;
	struct trace_event *fx_ev;
	size_t fx_n, fx_room;
	struct plot *fx_plot;
};

static int
setup(void **state)
{
	static char name[] = "file";
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	/* Numbers that are not places. */
	for (uint32_t i = 0; i < FILES; i++)
		fx.fx_files[i] =
		    (struct trace_file){ 10 * (FILES - i), 0, name };
	fx.fx_meta = (struct trace_meta){
		.tm_version = 1,
		.tm_page = PAGE,
		.tm_files = fx.fx_files,
		.tm_nfiles = FILES,
	};
	fx.fx_param.pp_to = fx.fx_param.pp_to_time = UINT64_MAX;
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *const fx = *state;

	plot_destroy(fx->fx_plot);
	free(fx->fx_ev);
	return 0;
}

static struct trace_event *
event(struct fixture *fx, enum trace_op op, uint64_t page, uint64_t pages)
{
	struct trace_event *te;

	if (fx->fx_n == fx->fx_room) {
		fx->fx_room = fx->fx_room * 2 + 64;
		fx->fx_ev =
		    reallocarray(fx->fx_ev, fx->fx_room, sizeof(*fx->fx_ev));
		assert_non_null(fx->fx_ev);
	}
	te = &fx->fx_ev[fx->fx_n];
	*te = (struct trace_event){
		.te_time = 1000 * fx->fx_n,
		.te_pid = 1,
		.te_tid = 1,
		.te_op = (uint8_t)op,
		.te_file = 10,
		.te_map = 1,
		.te_offset = page * PAGE,
		.te_length = pages * PAGE,
	};
	fx->fx_n++;
	return te;
}

/* Both readings, in batches. */
static const struct plot_result *
draw(struct fixture *fx)
{
	struct errmsg em = { .em_text = "" };
	const size_t batch = 37;
	bool more = true;

	must_em(plot_create(&fx->fx_meta, &fx->fx_param, &fx->fx_plot, &em),
	    &em);
	for (size_t i = 0; i < fx->fx_n && more; i += batch)
		more = plot_survey(fx->fx_plot, fx->fx_ev + i,
		    fx->fx_n - i < batch ? fx->fx_n - i : batch);
	must_em(plot_layout(fx->fx_plot, &em), &em);
	more = true;
	for (size_t i = 0; i < fx->fx_n && more; i += batch)
		must_em(plot_draw(fx->fx_plot, fx->fx_ev + i,
			    fx->fx_n - i < batch ? fx->fx_n - i : batch, &more,
			    &em),
		    &em);
	return plot_finish(fx->fx_plot);
}

static const struct plot_file *
file_of(const struct plot_result *pr, uint32_t id)
{
	for (size_t i = 0; i < pr->pr_nfiles; i++)
		if (pr->pr_files[i].pf_file->tf_id == id)
			return &pr->pr_files[i];
	return NULL;
}

/* Count again, page by page, in cells of the size that came out. */
static void
cells_right(const struct fixture *fx, const struct plot_result *pr)
{
	const size_t n = (size_t)pr->pr_columns * pr->pr_rows;
	uint64_t(*const want)[2] = calloc(n, sizeof(*want));

	assert_non_null(want);
	for (size_t i = 0; i < fx->fx_n; i++) {
		const struct trace_event *const te = &fx->fx_ev[i];
		const uint64_t x = pr->pr_by_event ? i : te->te_time;
		const struct plot_file *const pf = file_of(pr, te->te_file);

		if (te->te_op != TRACE_READ && te->te_op != TRACE_WRITE)
			continue;
		if (pf == NULL || x < pr->pr_from || i < fx->fx_param.pp_from ||
		    i >= fx->fx_param.pp_to)
			continue;
		for (uint64_t p = te->te_offset / PAGE;
		     p * PAGE < te->te_offset + te->te_length; p++) {
			const uint64_t c =
			    (x - pr->pr_from) * pr->pr_columns / pr->pr_span;
			const uint64_t r = (pf->pf_base + p - pf->pf_low) *
			    pr->pr_rows / pr->pr_pages;

			assert_in_range(p, pf->pf_low,
			    pf->pf_low + pf->pf_pages - 1);
			want[r * pr->pr_columns + c]
			    [te->te_op == TRACE_WRITE]++;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (want[i][0] != pr->pr_cells[i].pc_count[0] ||
		    want[i][1] != pr->pr_cells[i].pc_count[1])
			fail_msg("cell %zu has %" PRIu64 " reads and %" PRIu64
				 " writes",
			    i, pr->pr_cells[i].pc_count[0],
			    pr->pr_cells[i].pc_count[1]);
	free(want);
}

/* Accesses here and there; every file has its own size. */
static void
accesses(struct fixture *fx, size_t n, uint64_t pages, uint64_t nfiles)
{
	uint64_t time = dice_below(&dice, 100000);

	while (n-- > 0) {
		const uint64_t file = 1 + dice_below(&dice, nfiles);
		struct trace_event *const te = event(fx,
		    dice_below(&dice, 3) == 0 ? TRACE_WRITE : TRACE_READ,
		    dice_below(&dice, pages * file), 1);

		time += dice_below(&dice, 10000);
		te->te_time = time;
		te->te_file = (uint32_t)(10 * file);
		te->te_offset += dice_below(&dice, 2) * dice_below(&dice, PAGE);
		te->te_length = dice_below(&dice, 3) == 0 ?
		    1 + dice_below(&dice, PAGE * pages / 4) :
		    PAGE;
	}
}

static void
every_access_is_in_its_cell(void **state)
{
	struct fixture *const fx = *state;

	for (unsigned round = 0; round < 8; round++) {
		fx->fx_param.pp_by_event = round % 2 == 1;
		accesses(fx, 200U << round % 4, 3U << 3 * (round % 4),
		    1 + round % FILES);
		cells_right(fx, draw(fx));
		plot_destroy(fx->fx_plot);
		fx->fx_plot = NULL;
		fx->fx_n = 0;
	}
}

static void
a_range_is_of_what_lies_in_it(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	fx->fx_param.pp_from = 100;
	fx->fx_param.pp_to = 300;
	accesses(fx, 1000, 50, 2);
	pr = draw(fx);
	cells_right(fx, pr);
	assert_int_equal(pr->pr_from, fx->fx_ev[100].te_time);
	assert_int_equal(pr->pr_from + pr->pr_span - 1, fx->fx_ev[299].te_time);
	plot_destroy(fx->fx_plot);
	fx->fx_plot = NULL;

	/* The same by time. */
	fx->fx_param.pp_from = 0;
	fx->fx_param.pp_to = UINT64_MAX;
	fx->fx_param.pp_from_time = fx->fx_ev[100].te_time;
	fx->fx_param.pp_to_time = fx->fx_ev[300].te_time;
	pr = draw(fx);
	assert_in_range(pr->pr_span,
	    fx->fx_ev[299].te_time - fx->fx_ev[100].te_time + 1,
	    fx->fx_ev[300].te_time - fx->fx_ev[100].te_time);
}

static void
files_lie_on_top_of_each_other_as_declared(void **state)
{
	static const uint32_t only[] = { 20, 40 };
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	event(fx, TRACE_READ, 0, 30)->te_file = 10;
	event(fx, TRACE_READ, 9, 1)->te_file = 40;
	event(fx, TRACE_READ, 1000, 20)->te_file = 20;
	pr = draw(fx);
	assert_int_equal(pr->pr_nfiles, 3);
	assert_int_equal(pr->pr_files[0].pf_file->tf_id, 40);
	assert_int_equal(pr->pr_files[1].pf_file->tf_id, 20);
	assert_int_equal(pr->pr_files[2].pf_file->tf_id, 10);
	/* What is touched far behind is shown without what lies before it. */
	assert_int_equal(pr->pr_files[0].pf_low, 9);
	assert_int_equal(pr->pr_files[0].pf_pages, 1);
	assert_int_equal(pr->pr_files[1].pf_base, 1);
	assert_int_equal(pr->pr_files[1].pf_low, 1000);
	assert_int_equal(pr->pr_files[1].pf_pages, 20);
	assert_int_equal(pr->pr_files[2].pf_base, 21);
	assert_int_equal(pr->pr_pages, 51);
	assert_int_equal(pr->pr_accesses, 51);
	plot_destroy(fx->fx_plot);
	fx->fx_plot = NULL;

	fx->fx_param.pp_files = only;
	fx->fx_param.pp_nfiles = nitems(only);
	pr = draw(fx);
	assert_int_equal(pr->pr_nfiles, 2);
	assert_int_equal(pr->pr_pages, 21);
	cells_right(fx, pr);
}

static void
a_file_that_is_not_declared_is_refused(void **state)
{
	static const uint32_t only[] = { 20, 21 };
	struct fixture *const fx = *state;
	struct errmsg em = { .em_text = "" };

	fx->fx_param.pp_files = only;
	fx->fx_param.pp_nfiles = nitems(only);
	assert_int_equal(plot_create(&fx->fx_meta, &fx->fx_param, &fx->fx_plot,
			     &em),
	    EINVAL);
	assert_non_null(strstr(em.em_text, "no file 21"));
}

/* Is the cell of a time and a page of file 10 mapped? */
static bool
mapped(const struct plot_result *pr, uint64_t time, uint64_t page)
{
	const uint64_t c = (time - pr->pr_from) * pr->pr_columns / pr->pr_span;
	const uint64_t r = page * pr->pr_rows / pr->pr_pages;

	return pr->pr_cells[r * pr->pr_columns + c].pc_mapped;
}

static void
maps_cover_what_they_map_and_as_long(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	/* 1000 ns an event: pages 2 to 9 from 1 us on, without 4 and 5 from 3 us
	 * on; a second map of page 15; the first ends with its process. */
	(void)event(fx, TRACE_READ, 0, 20);
	event(fx, TRACE_ATTACH, 2, 8)->te_flags = TRACE_F_SHARED;
	event(fx, TRACE_ATTACH, 15, 1)->te_map = 2;
	fx->fx_ev[2].te_pid = 2;
	(void)event(fx, TRACE_DETACH, 4, 2);
	(void)event(fx, TRACE_READ, 0, 1);
	event(fx, TRACE_EXIT, 0, 0)->te_map = 0;
	(void)event(fx, TRACE_READ, 0, 1);
	pr = draw(fx);
	assert_int_equal(pr->pr_rows, 20);
	assert_false(mapped(pr, 0, 2));
	assert_true(mapped(pr, 1000, 2));
	assert_true(mapped(pr, 4990, 2));
	assert_false(mapped(pr, 5500, 2));
	assert_true(mapped(pr, 2900, 4));
	assert_true(mapped(pr, 2900, 5));
	assert_false(mapped(pr, 3500, 4));
	assert_false(mapped(pr, 3500, 5));
	assert_true(mapped(pr, 3500, 6));
	assert_false(mapped(pr, 3500, 1));
	assert_false(mapped(pr, 3500, 10));
	assert_false(mapped(pr, 1500, 15));
	assert_true(mapped(pr, 6000, 15));
}

static void
maps_that_were_there_before_are_there(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	(void)event(fx, TRACE_ATTACH, 0, 10);
	(void)event(fx, TRACE_ATTACH, 10, 5);
	fx->fx_ev[1].te_map = 2;
	event(fx, TRACE_DETACH, 10, 0)->te_map = 2;
	for (unsigned i = 0; i < 10; i++)
		(void)event(fx, TRACE_READ, 0, 20);
	fx->fx_param.pp_from = 5;
	pr = draw(fx);
	assert_true(mapped(pr, pr->pr_from, 9));
	assert_true(mapped(pr, pr->pr_from + pr->pr_span - 1, 0));
	assert_false(mapped(pr, pr->pr_from, 12));
}

static void
sizes_are_steps_and_four_tell_a_column(void **state)
{
	static const uint64_t pages[] = { 30, 5, 40, 20 };
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	(void)event(fx, TRACE_READ, 0, 50);
	for (unsigned i = 0; i < nitems(pages); i++) {
		struct trace_event *const te =
		    event(fx, TRACE_TRUNCATE, 0, pages[i]);

		te->te_time = 500000;
	}
	event(fx, TRACE_READ, 0, 1)->te_time = 1000000;
	/* The size does not change any more, and no other file's does. */
	event(fx, TRACE_TRUNCATE, 0, 20)->te_time = 1000000;
	event(fx, TRACE_READ, 0, 1)->te_time = 1000000;
	fx->fx_ev[fx->fx_n - 1].te_file = 20;
	pr = draw(fx);
	static const struct {
		uint32_t column;
		uint64_t pages;
	} want[] = { { 0, 0 }, { 319, 30 }, { 319, 5 }, { 319, 40 },
		{ 319, 20 }, { 639, 20 } };

	assert_int_equal(pr->pr_columns, PLOT_COLUMNS_MANY);
	assert_int_equal(pr->pr_nsteps, nitems(want));
	for (size_t i = 0; i < nitems(want); i++) {
		assert_int_equal(pr->pr_files[pr->pr_steps[i].ps_file]
				     .pf_file->tf_id,
		    10);
		assert_int_equal(pr->pr_steps[i].ps_column, want[i].column);
		assert_int_equal(pr->pr_steps[i].ps_pages, want[i].pages);
	}
}

static void
syncs_are_in_the_lane_of_their_kind(void **state)
{
	static const uint32_t only[] = { 10 };
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	(void)event(fx, TRACE_READ, 0, 1);
	event(fx, TRACE_MSYNC, 0, 1)->te_flags = TRACE_F_ASYNC;
	(void)event(fx, TRACE_FSYNC, 0, 0);
	(void)event(fx, TRACE_FSYNC, 0, 0);
	fx->fx_ev[3].te_time = fx->fx_ev[2].te_time;
	event(fx, TRACE_FSYNC, 0, 0)->te_file = 20;
	(void)event(fx, TRACE_SYNC, 0, 0);
	(void)event(fx, TRACE_MARK, 0, 0);
	fx->fx_param.pp_by_event = true;
	fx->fx_param.pp_files = only;
	fx->fx_param.pp_nfiles = nitems(only);
	pr = draw(fx);
	/* 16 columns, one an event. */
	for (uint32_t c = 0; c < pr->pr_columns; c++) {
		assert_int_equal(pr->pr_syncs[PLOT_MSYNC][c], c == 1);
		assert_int_equal(pr->pr_syncs[PLOT_FSYNC][c], c == 2 || c == 3);
		assert_int_equal(pr->pr_syncs[PLOT_SYNC][c], c == 5);
		assert_int_equal(pr->pr_marks[c], c == 6);
	}
}

static void
calls_are_accesses_if_that_is_asked_for(void **state)
{
	struct fixture *const fx = *state;

	(void)event(fx, TRACE_READ, 0, 2);
	(void)event(fx, TRACE_PWRITE, 0, 3);
	(void)event(fx, TRACE_PREAD, 0, 4);
	assert_int_equal(draw(fx)->pr_accesses, 2);
	plot_destroy(fx->fx_plot);
	fx->fx_plot = NULL;
	fx->fx_param.pp_calls = true;
	assert_int_equal(draw(fx)->pr_accesses, 9);
}

static void
a_dense_grid_becomes_coarser(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *pr;

	for (uint64_t i = 0; i < 60000; i++)
		(void)event(fx, i % 2 == 0 ? TRACE_READ : TRACE_WRITE,
		    i * 7919 % 5000, 1 + i % 100);
	pr = draw(fx);
	assert_int_equal(pr->pr_columns, PLOT_COLUMNS / 2);
	assert_int_equal(pr->pr_rows, PLOT_ROWS / 2);
	cells_right(fx, pr);
}

static void
what_is_too_large_is_refused_or_cut(void **state)
{
	struct fixture *const fx = *state;
	struct errmsg em = { .em_text = "" };
	const struct plot_result *pr;
	uint64_t sum = 0;
	struct trace_file files[4096];
	static char name[] = "f";

	/* As large as a file can be: counted by rows. */
	event(fx, TRACE_WRITE, 0, 0)->te_length = INT64_MAX;
	pr = draw(fx);
	for (size_t i = 0; i < (size_t)pr->pr_columns * pr->pr_rows; i++)
		sum += pr->pr_cells[i].pc_count[1];
	assert_int_equal(sum, INT64_MAX / PAGE + 1);
	plot_destroy(fx->fx_plot);
	fx->fx_plot = NULL;

	/* Too many of these are too many. */
	fx->fx_n = 0;
	for (uint32_t i = 0; i < nitems(files); i++) {
		struct trace_event *const te = event(fx, TRACE_READ, 0, 0);

		files[i] = (struct trace_file){ i + 1, 0, name };
		te->te_file = i + 1;
		te->te_length = INT64_MAX;
	}
	fx->fx_meta.tm_files = files;
	fx->fx_meta.tm_nfiles = nitems(files);
	must_em(plot_create(&fx->fx_meta, &fx->fx_param, &fx->fx_plot, &em),
	    &em);
	assert_true(plot_survey(fx->fx_plot, fx->fx_ev, fx->fx_n));
	assert_int_equal(plot_layout(fx->fx_plot, &em), EOVERFLOW);
	assert_non_null(strstr(em.em_text, "--file"));
}

/* Between the readings, later and larger events came, of unknown files. */
static void
a_trace_that_changes_meanwhile_stays_within_the_map(void **state)
{
	struct fixture *const fx = *state;
	struct errmsg em = { .em_text = "" };
	bool more;

	(void)event(fx, TRACE_TRUNCATE, 0, 3);
	(void)event(fx, TRACE_READ, 0, 10);
	must_em(plot_create(&fx->fx_meta, &fx->fx_param, &fx->fx_plot, &em),
	    &em);
	assert_true(plot_survey(fx->fx_plot, fx->fx_ev, fx->fx_n));
	must_em(plot_layout(fx->fx_plot, &em), &em);
	for (unsigned i = 0; i < 10; i++) {
		(void)event(fx, TRACE_WRITE, 1000 * i, 1000);
		(void)event(fx, TRACE_TRUNCATE, 0, 500 * i);
		event(fx, TRACE_TRUNCATE, 0, i)->te_file = 99;
		event(fx, TRACE_WRITE, i, 1)->te_file = 99;
		event(fx, TRACE_ATTACH, i, 100)->te_map = i + 1;
		(void)event(fx, TRACE_FSYNC, 0, 0);
		(void)event(fx, TRACE_MARK, 0, 0);
	}
	must_em(plot_draw(fx->fx_plot, fx->fx_ev, fx->fx_n, &more, &em), &em);
	assert_int_equal(plot_finish(fx->fx_plot)->pr_accesses, 10);
}

static void
nothing_is_an_empty_map(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *const pr = draw(fx);
	struct plot_shades sh;

	assert_int_equal(pr->pr_nfiles, 0);
	assert_int_equal(pr->pr_accesses, 0);
	assert_true(plot_shade(pr, &sh));
	assert_int_equal(sh.sh_used, 0);
	for (size_t i = 0; i < (size_t)pr->pr_columns * pr->pr_rows; i++)
		assert_int_equal(sh.sh_map[i], PLOT_EMPTY);
	free(sh.sh_map);
}

/* The look of a cell of a few large ones, by event and page. */
static unsigned
look(const struct plot_result *pr, const struct plot_shades *sh, uint64_t event,
    uint64_t page)
{
	return sh->sh_map[page * pr->pr_columns + event];
}

static void
looks_tell_reads_from_writes_and_few_from_many(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *pr;
	struct plot_shades sh;
	unsigned few, many;

	/* Sixteen columns of one event, eight rows of one page. */
	fx->fx_param.pp_by_event = true;
	(void)event(fx, TRACE_ATTACH, 0, 2);
	(void)event(fx, TRACE_READ, 0, 1);
	(void)event(fx, TRACE_WRITE, 1, 1);
	pr = draw(fx);
	assert_true(plot_shade(pr, &sh));
	assert_int_equal(look(pr, &sh, 0, 0), PLOT_MAPPED);
	assert_int_equal(look(pr, &sh, 1, 3), PLOT_EMPTY);
	few = look(pr, &sh, 1, 0);
	assert_int_equal((few - PLOT_DOT) % PLOT_SHADES, 0);
	assert_int_equal(look(pr, &sh, 2, 1), few + PLOT_SHADES - 1);
	free(sh.sh_map);
	plot_destroy(fx->fx_plot);
	fx->fx_plot = NULL;

	/* By time, all at once: 1, 10 and 100 reads, then both. */
	fx->fx_n = 0;
	fx->fx_param.pp_by_event = false;
	for (unsigned i = 0; i < 100; i++) {
		(void)event(fx, TRACE_READ, 2, 1);
		if (i < 10)
			(void)event(fx, TRACE_READ, 1, 1);
		if (i < 1)
			(void)event(fx, TRACE_READ, 0, 1);
		(void)event(fx, i % 4 == 0 ? TRACE_WRITE : TRACE_READ, 3, 1);
	}
	for (size_t i = 0; i < fx->fx_n; i++)
		fx->fx_ev[i].te_time = 5;
	pr = draw(fx);
	assert_true(plot_shade(pr, &sh));
	few = look(pr, &sh, 0, 0);
	many = look(pr, &sh, 0, 2);
	assert_int_equal(few, PLOT_DOT);
	assert_int_equal(many, PLOT_DOT + PLOT_SHADES * (PLOT_STEPS - 1));
	assert_in_range(look(pr, &sh, 0, 1), few + 1, many - 1);
	/* A quarter of it writes: mostly read. */
	assert_int_equal(look(pr, &sh, 0, 3), many + 1);
	assert_int_equal(sh.sh_least, 1);
	assert_int_equal(sh.sh_most, 100);
	free(sh.sh_map);
}

static void
few_dots_are_drawn_larger_and_hide_none(void **state)
{
	struct fixture *const fx = *state;
	const struct plot_result *pr;
	struct plot_shades sh;
	size_t drawn = 0;

	(void)event(fx, TRACE_READ, 300, 1);
	event(fx, TRACE_WRITE, 302, 1)->te_time = 0;
	event(fx, TRACE_READ, 999, 1)->te_time = 100000;
	pr = draw(fx);
	assert_true(plot_shade(pr, &sh));
	for (size_t i = 0; i < (size_t)pr->pr_columns * pr->pr_rows; i++) {
		const unsigned shade =
		    (sh.sh_map[i] + PLOT_SHADES - PLOT_DOT) % PLOT_SHADES;

		drawn += sh.sh_map[i] >= PLOT_DOT;
		if (pr->pr_cells[i].pc_count[1] > 0)
			assert_int_equal(shade, PLOT_SHADES - 1);
		if (pr->pr_cells[i].pc_count[0] > 0)
			assert_int_equal(shade, 0);
	}
	/* Two beside each other at the left edge, one in a corner. */
	assert_in_range(drawn, 3 * 6 + 9, 3 * 10 + 9);
	free(sh.sh_map);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_access_is_in_its_cell),
		TEST(a_range_is_of_what_lies_in_it),
		TEST(files_lie_on_top_of_each_other_as_declared),
		TEST(a_file_that_is_not_declared_is_refused),
		TEST(maps_cover_what_they_map_and_as_long),
		TEST(maps_that_were_there_before_are_there),
		TEST(sizes_are_steps_and_four_tell_a_column),
		TEST(syncs_are_in_the_lane_of_their_kind),
		TEST(calls_are_accesses_if_that_is_asked_for),
		TEST(a_dense_grid_becomes_coarser),
		TEST(what_is_too_large_is_refused_or_cut),
		TEST(a_trace_that_changes_meanwhile_stays_within_the_map),
		TEST(nothing_is_an_empty_map),
		TEST(looks_tell_reads_from_writes_and_few_from_many),
		TEST(few_dots_are_drawn_larger_and_hide_none),
	};

	dice.d_state = dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
