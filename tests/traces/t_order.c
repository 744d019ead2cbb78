#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/tracetest.h"
#include "traces/order.h"

struct seen {
	uint64_t n, time, pid;
	uint64_t backwards; /* earlier than the one before */
	char text[64];
	int error; /* to be returned */
};

static int
see(void *to, const struct raw *rw, struct errmsg *em)
{
	struct seen *se = to;

	(void)em;
	se->backwards += se->n > 0 &&
	    (rw->rw_time < se->time ||
		(rw->rw_time == se->time && rw->rw_pid < se->pid));
	se->n++;
	se->time = rw->rw_time;
	se->pid = rw->rw_pid;
	(void)snprintf(se->text, sizeof(se->text), "%s|%s|%u",
	    rw->rw_text != NULL ? rw->rw_text : "-",
	    rw->rw_text2 != NULL ? rw->rw_text2 : "-", (unsigned)rw->rw_arg[1]);
	return se->error;
}

static struct order *
make(struct seen *se, size_t max)
{
	struct errmsg em = { .em_text = "" };
	struct order *od;

	*se = (struct seen){ 0 };
	must_em(order_create(&(struct raw_out){ see, se }, max, &od, &em), &em);
	return od;
}

/* pid numbers them as they come. */
static void
put(struct order *od, uint64_t time, uint32_t pid)
{
	struct errmsg em = { .em_text = "" };

	must_em(order_put(od, &(struct raw){ .rw_time = time, .rw_pid = pid },
		    &em),
	    &em);
}

static void
finish(struct order *od)
{
	struct errmsg em = { .em_text = "" };

	must_em(order_end(od, &em), &em);
}

static void
records_are_kept_whole(void **state)
{
	struct raw rw = { .rw_time = 5,
		.rw_kind = RAW_CALL,
		.rw_sys = RAW_SYS_RENAME,
		.rw_nargs = 2,
		.rw_arg = { 1, 2 } };
	struct errmsg em = { .em_text = "" };
	char text[] = "/a";
	struct seen se;
	struct order *od = make(&se, 8);

	(void)state;
	rw.rw_text = text;
	rw.rw_text2 = "/b";
	must_em(order_put(od, &rw, &em), &em);
	text[1] = 'x';
	assert_int_equal(se.n, 0);
	finish(od);
	assert_int_equal(se.n, 1);
	assert_string_equal(se.text, "/a|/b|2");
	order_destroy(od);
}

static void
what_comes_less_late_than_the_window_is_put_in_its_place(void **state)
{
	struct dice d = { dice_seed() };

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		const size_t max = 1 + dice_below(&d, 50);
		struct seen se;
		struct order *od = make(&se, max);

		/* Each may be overtaken by those of max places behind it. */
		for (uint32_t i = 0; i < 1000; i++)
			put(od, i + dice_below(&d, max), i);
		finish(od);
		assert_int_equal(se.n, 1000);
		assert_int_equal(se.backwards, 0);
		assert_int_equal(order_late(od), 0);
		order_destroy(od);
	}
}

static void
what_comes_later_is_passed_on_and_counted(void **state)
{
	struct seen se;
	struct order *od = make(&se, 2);

	(void)state;
	put(od, 10, 0);
	put(od, 20, 1);
	put(od, 30, 2); /* 10 leaves */
	assert_int_equal(se.time, 10);
	put(od, 5, 3); /* too late */
	assert_int_equal(se.time, 5);
	assert_int_equal(order_late(od), 1);
	put(od, 15, 4); /* not too late */
	assert_int_equal(se.time, 15);
	assert_int_equal(order_late(od), 1);
	put(od, 15, 5); /* nor this: the same time */
	assert_int_equal(order_late(od), 1);
	finish(od);
	assert_int_equal(se.n, 6);
	assert_int_equal(se.time, 30);
	order_destroy(od);
}

static void
long_texts_leave_the_window_sooner(void **state)
{
	static char text[RAW_TEXT_MAX];
	struct raw rw = { .rw_text = text };
	struct errmsg em = { .em_text = "" };
	struct seen se;
	struct order *od = make(&se, SIZE_MAX);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (; rw.rw_time < 20000; rw.rw_time++)
		must_em(order_put(od, &rw, &em), &em);
	/* 64 MiB of them. */
	assert_in_range(se.n, 3000, 5000);
	finish(od);
	assert_int_equal(se.n, 20000);
	order_destroy(od);
}

static void
errors_of_who_takes_them_come_back(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct seen se;
	struct order *od = make(&se, 1);

	(void)state;
	se.error = ENOSPC;
	put(od, 1, 0);
	assert_int_equal(order_put(od, &(struct raw){ .rw_time = 2 }, &em),
	    ENOSPC);
	assert_int_equal(order_end(od, &em), ENOSPC);
	order_destroy(od);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_kept_whole),
		cmocka_unit_test(
		    what_comes_less_late_than_the_window_is_put_in_its_place),
		cmocka_unit_test(what_comes_later_is_passed_on_and_counted),
		cmocka_unit_test(long_texts_leave_the_window_sooner),
		cmocka_unit_test(errors_of_who_takes_them_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
