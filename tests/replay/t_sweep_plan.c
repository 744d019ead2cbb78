#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/sweep.h"
#include "tests/dice.h"

/* A sweep of 2 traces, 3 penalties, 2 clusters, 4 repeats. */
struct fixture {
	struct sweep fx_sweep;
	struct sweep_trace fx_trace[2];
};

static void
add(struct sweep *sw, const char *axis)
{
	struct errmsg em = { .em_text = "" };

	must_em(sweep_axis_add(&sw->sw_axes, axis, &em), &em);
}

static void
make(struct fixture *fx, uint64_t seed)
{
	memset(fx, 0, sizeof(*fx));
	fx->fx_trace[0] = (struct sweep_trace){ .st_path = "a.uvt",
		.st_digest = "0123456789abcdef0123456789abcdef" };
	fx->fx_trace[1] = (struct sweep_trace){ .st_path = "b.uvt",
		.st_digest = "fedcba9876543210fedcba9876543210" };
	fx->fx_sweep = (struct sweep){
		.sw_trace = fx->fx_trace,
		.sw_ntraces = 2,
		.sw_repeats = 4,
		.sw_seed = seed,
		.sw_dir = "d",
		.sw_db = "t.db",
	};
	config_init(&fx->fx_sweep.sw_fixed);
}

static void
plan(struct fixture *fx)
{
	struct errmsg em = { .em_text = "" };

	must_em(sweep_plan(&fx->fx_sweep, &em), &em);
}

static void
make_grid(struct fixture *fx, uint64_t seed)
{
	make(fx, seed);
	add(&fx->fx_sweep, "hash_penalty=1/4,4,inf");
	add(&fx->fx_sweep, "cluster=4K,64K");
	plan(fx);
}

static void
end(struct fixture *fx)
{
	sweep_plan_fini(&fx->fx_sweep);
	sweep_axes_fini(&fx->fx_sweep.sw_axes);
}

static bool
same_order(const struct sweep *a, const struct sweep *b)
{
	assert_int_equal(a->sw_ncells, b->sw_ncells);
	for (size_t i = 0; i < a->sw_ncells; i++)
		if (strcmp(a->sw_cell[i].sc_row.dc_key,
			b->sw_cell[i].sc_row.dc_key) != 0)
			return false;
	return true;
}

static void
the_seed_decides_the_order_and_nothing_else_does(void **state)
{
	struct fixture a, b, c;
	const uint64_t s = dice_seed();

	(void)state;
	make_grid(&a, s);
	make_grid(&b, s);
	make_grid(&c, s + 1);
	assert_true(same_order(&a.fx_sweep, &b.fx_sweep));
	assert_false(same_order(&a.fx_sweep, &c.fx_sweep));
	assert_string_equal(a.fx_sweep.sw_definition, b.fx_sweep.sw_definition);
	assert_string_not_equal(a.fx_sweep.sw_definition,
	    c.fx_sweep.sw_definition);
	end(&a);
	end(&b);
	end(&c);
}

static void
each_repeat_is_a_block_of_every_point_and_trace(void **state)
{
	struct fixture fx;
	const struct sweep *sw = &fx.fx_sweep;
	bool in_order = true;

	(void)state;
	make_grid(&fx, dice_seed());
	assert_int_equal(sw->sw_npoints, 6);
	assert_int_equal(sw->sw_ncells, 48);
	for (size_t r = 0; r < 4; r++) {
		bool seen[2][6] = { { false } };

		for (size_t i = 0; i < 12; i++) {
			const struct sweep_cell *sc = &sw->sw_cell[r * 12 + i];
			const ptrdiff_t t = sc->sc_trace - sw->sw_trace;
			const ptrdiff_t p = sc->sc_point - sw->sw_point;

			assert_int_equal(sc->sc_row.dc_repeat, r);
			assert_int_equal(sc->sc_row.dc_status, CELL_PLANNED);
			assert_string_equal(sc->sc_row.dc_trace,
			    fx.fx_trace[t].st_path);
			assert_false(seen[t][p]);
			seen[t][p] = true;
			in_order &= (size_t)(t * 6 + p) == i;
		}
	}
	/* Once in 12!^4. */
	assert_false(in_order);
	end(&fx);
}

static void
no_two_cells_have_the_same_key(void **state)
{
	struct fixture fx;
	const struct sweep *sw = &fx.fx_sweep;

	(void)state;
	make_grid(&fx, 1);
	for (size_t i = 0; i < sw->sw_ncells; i++) {
		assert_int_equal(strlen(sw->sw_cell[i].sc_row.dc_key), 32);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(sw->sw_cell[i].sc_row.dc_key,
			    sw->sw_cell[k].sc_row.dc_key);
	}
	end(&fx);
}

/* The key of the only cell of a sweep that an option was changed in. */
static void
key_with(int what, char key[33])
{
	struct fixture fx;
	struct sweep *sw = &fx.fx_sweep;

	make(&fx, what == 8 ? 7 : 1);
	sw->sw_ntraces = 1;
	sw->sw_repeats = 1;
	sw->sw_verify = what == 1;
	sw->sw_paranoid = what == 2;
	sw->sw_flush_both = what == 3;
	sw->sw_salvage = what == 4;
	sw->sw_events = what == 5 ? "cycles" : NULL;
	if (what == 6)
		sw->sw_trace = &fx.fx_trace[1];
	if (what == 7)
		add(sw, "hash_penalty=1");
	if (what == 9)
		sw->sw_dir = "elsewhere";
	plan(&fx);
	assert_int_equal(sw->sw_ncells, 1);
	memcpy(key, sw->sw_cell[0].sc_row.dc_key, 33);
	end(&fx);
}

static void
what_changes_the_measurement_changes_the_key(void **state)
{
	char keys[10][33];

	(void)state;
	for (int i = 0; i < 10; i++)
		key_with(i, keys[i]);
	for (int i = 0; i < 8; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
	/* Neither the order nor the folder does. */
	assert_string_equal(keys[8], keys[0]);
	assert_string_equal(keys[9], keys[0]);
}

static void
an_axis_at_its_default_is_the_cell_of_no_axis(void **state)
{
	struct fixture a, b;

	(void)state;
	make(&a, 1);
	make(&b, 1);
	add(&a.fx_sweep, "hash_penalty=4");
	plan(&a);
	plan(&b);
	assert_true(same_order(&a.fx_sweep, &b.fx_sweep));
	end(&a);
	end(&b);
}

static void
pairs_take_the_values_together(void **state)
{
	struct fixture fx;
	const struct sweep *sw = &fx.fx_sweep;

	(void)state;
	make(&fx, 1);
	add(&fx.fx_sweep, "hash_penalty=1,2,3");
	add(&fx.fx_sweep, "fault_back=10,20,30");
	fx.fx_sweep.sw_pairs = true;
	plan(&fx);
	assert_int_equal(sw->sw_npoints, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct uvm_param *up = &sw->sw_point[i].pt_config.cf_uvm;

		assert_int_equal(up->fault_back, 10 * (i + 1));
		assert_int_equal(up->hash_penalty, RATIO(i + 1, 1));
	}
	end(&fx);
}

static void
pairs_of_different_lengths_are_refused(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct fixture fx;

	(void)state;
	make(&fx, 1);
	add(&fx.fx_sweep, "hash_penalty=1,2,3");
	fx.fx_sweep.sw_pairs = true;
	assert_int_equal(sweep_plan(&fx.fx_sweep, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "two axes or more"));
	em.em_text[0] = '\0';
	add(&fx.fx_sweep, "fault_back=10,20");
	assert_int_equal(sweep_plan(&fx.fx_sweep, &em), EINVAL);
	assert_non_null(strstr(em.em_text,
	    "hash_penalty has 3 values and fault_back has 2"));
	end(&fx);
}

static void
points_that_settle_as_the_same_are_there_once(void **state)
{
	struct fixture fx;
	const struct sweep *sw = &fx.fx_sweep;
	char text[64];

	(void)state;
	make(&fx, 1);
	plan(&fx);
	/* What 0 stands for. */
	(void)snprintf(text, sizeof(text), "freemin=0,%" PRIu64 ",777",
	    sw->sw_point[0].pt_config.cf_uvm.freemin);
	end(&fx);
	make(&fx, 1);
	add(&fx.fx_sweep, text);
	plan(&fx);
	assert_int_equal(sw->sw_same, 1);
	assert_int_equal(sw->sw_npoints, 2);
	assert_int_equal(sw->sw_point[0].pt_asked.cf_uvm.freemin, 0);
	assert_int_equal(sw->sw_point[1].pt_asked.cf_uvm.freemin, 777);
	end(&fx);
}

static void
a_point_that_cannot_work_is_planned_as_failed(void **state)
{
	struct fixture fx;
	const struct sweep *sw = &fx.fx_sweep;
	size_t failed = 0;

	(void)state;
	make(&fx, 1);
	add(&fx.fx_sweep, "memory=8K,64M");
	plan(&fx);
	assert_int_equal(sw->sw_ncells, 16);
	for (size_t i = 0; i < sw->sw_ncells; i++) {
		const struct db_cell *dc = &sw->sw_cell[i].sc_row;

		if (dc->dc_status == CELL_PLANNED) {
			assert_null(dc->dc_reason);
			continue;
		}
		failed++;
		assert_int_equal(dc->dc_status, CELL_FAILED);
		assert_non_null(strstr(dc->dc_reason, "memory=8192"));
		assert_non_null(strstr(dc->dc_tunables, "\"memory\":\"8K\""));
	}
	assert_int_equal(failed, 8);
	assert_int_equal(sweep_count(sw, CELL_FAILED), 8);
	end(&fx);
}

static void
more_cells_than_fit_are_refused(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct fixture fx;

	(void)state;
	make(&fx, 1);
	add(&fx.fx_sweep, "hash_buckets=1..1024+1");
	add(&fx.fx_sweep, "fault_back=0..255+1");
	fx.fx_sweep.sw_repeats = UINT64_MAX;
	assert_int_equal(sweep_plan(&fx.fx_sweep, &em), EFBIG);
	assert_non_null(strstr(em.em_text, "more than 1048576 cells"));
	end(&fx);
}

static void
commands_repeat_the_sweep_and_a_cell(void **state)
{
	struct fixture fx;
	struct sweep *sw = &fx.fx_sweep;
	char *text;

	(void)state;
	make(&fx, 5);
	sw->sw_ntraces = 1;
	sw->sw_repeats = 1;
	sw->sw_jobs = 3;
	sw->sw_events = "cycles,cs";
	sw->sw_dir = "my files";
	sw->sw_fixed.cf_replay.backend = BACKEND_NULL;
	add(sw, "hash_penalty=1/8..1/4*3");
	plan(&fx);
	text = sweep_command(sw, "1G");
	assert_string_equal(text,
	    "uvn sweep a.uvt --axis 'hash_penalty=1/8..1/4*3'"
	    " --set backend=null --repeat 1 --jobs 3 --share 1G"
	    " --dir 'my files' --events cycles,cs --seed 5 --db t.db");
	free(text);
	text = sweep_cell_command(sw, &sw->sw_cell[0]);
	assert_string_equal(text,
	    "uvn replay a.uvt --set hash_penalty=1/8 --set backend=null"
	    " --dir 'my files' --events cycles,cs --seed 5 --db t.db");
	free(text);
	text = sweep_traces_text(sw);
	assert_string_equal(text,
	    "[{\"path\":\"a.uvt\",\"digest\":"
	    "\"0123456789abcdef0123456789abcdef\"}]");
	free(text);
	end(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_seed_decides_the_order_and_nothing_else_does),
		cmocka_unit_test(
		    each_repeat_is_a_block_of_every_point_and_trace),
		cmocka_unit_test(no_two_cells_have_the_same_key),
		cmocka_unit_test(what_changes_the_measurement_changes_the_key),
		cmocka_unit_test(an_axis_at_its_default_is_the_cell_of_no_axis),
		cmocka_unit_test(pairs_take_the_values_together),
		cmocka_unit_test(pairs_of_different_lengths_are_refused),
		cmocka_unit_test(points_that_settle_as_the_same_are_there_once),
		cmocka_unit_test(a_point_that_cannot_work_is_planned_as_failed),
		cmocka_unit_test(more_cells_than_fit_are_refused),
		cmocka_unit_test(commands_repeat_the_sweep_and_a_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
