#include "tests/traces/tracetest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "traces/spool.h"

#define PATH "s.recording"

static void
put(struct spool *sp, uint32_t source, uint64_t time, const char *text)
{
	const struct raw rw = { .rw_time = time,
		.rw_pid = 1,
		.rw_tid = source,
		.rw_kind = RAW_CALL,
		.rw_sys = RAW_SYS_OPEN,
		.rw_nargs = 2,
		.rw_arg = { time * 3, source },
		.rw_text = text };
	struct errmsg em = { .em_text = "" };
	uint8_t buf[RAW_MAX];

	must_em(spool_put(sp, source, buf, raw_encode(&rw, buf), &em), &em);
}

static struct spool *
made(const char *head)
{
	struct errmsg em = { .em_text = "" };
	struct spool *sp;

	must_em(spool_create(PATH, head, &sp, &em), &em);
	return sp;
}

/* Write what is in memory and open it anew. */
static struct spool *
again(struct spool *sp)
{
	struct errmsg em = { .em_text = "" };

	must_em(spool_flush(sp, &em), &em);
	spool_close(sp);
	must_em(spool_open(PATH, &sp, &em), &em);
	return sp;
}

static bool
next(struct spool *sp, struct raw *rw)
{
	struct errmsg em = { .em_text = "" };
	bool more;

	must_em(spool_next(sp, rw, &more, &em), &em);
	return more;
}

static uint64_t
count(struct spool *sp)
{
	struct raw rw;
	uint64_t n = 0, last = 0;

	for (; next(sp, &rw); n++) {
		assert_true(rw.rw_time >= last);
		last = rw.rw_time;
	}
	return n;
}

static void
records_of_all_sources_come_in_the_order_of_time(void **state)
{
	struct spool *sp = made("head\nof two lines\n");
	struct raw rw;

	(void)state;
	put(sp, 5, 20, "late");
	put(sp, 0, 10, NULL);
	put(sp, 0, 30, "text");
	put(sp, 5, 20, NULL);
	put(sp, 3, 20, NULL);
	sp = again(sp);
	assert_string_equal(spool_head(sp), "head\nof two lines\n");
	assert_true(next(sp, &rw));
	assert_int_equal(rw.rw_time, 10);
	assert_int_equal(rw.rw_arg[0], 30);
	assert_null(rw.rw_text);
	assert_true(next(sp, &rw));
	assert_int_equal(rw.rw_tid, 3);
	assert_true(next(sp, &rw));
	assert_int_equal(rw.rw_tid, 5);
	assert_string_equal(rw.rw_text, "late");
	assert_true(next(sp, &rw));
	assert_int_equal(rw.rw_tid, 5);
	assert_true(next(sp, &rw));
	assert_int_equal(rw.rw_time, 30);
	assert_string_equal(rw.rw_text, "text");
	assert_false(next(sp, &rw));
	assert_false(next(sp, &rw));
	spool_close(sp);
}

static void
many_chunks_and_sources_are_merged(void **state)
{
	struct dice d = { 0x5900L };
	uint64_t time[40] = { 0 }, n = 200000;
	struct spool *sp = made("");

	(void)state;
	print_message("seed %#llx\n", (unsigned long long)d.d_state);
	for (uint64_t i = 0; i < n; i++) {
		const uint32_t source = (uint32_t)dice_below(&d, 40);

		time[source] += dice_below(&d, 1000);
		put(sp, source, time[source],
		    dice_below(&d, 50) == 0 ? "/some/path/of/a/file" : NULL);
	}
	sp = again(sp);
	assert_int_equal(count(sp), n);
	spool_close(sp);
}

static void
times_that_go_back_within_a_chunk_are_sorted(void **state)
{
	struct spool *sp = made("");

	(void)state;
	put(sp, 0, 30, NULL);
	put(sp, 0, 10, NULL);
	put(sp, 0, 20, NULL);
	sp = again(sp);
	assert_int_equal(count(sp), 3);
	spool_close(sp);
}

static void
an_empty_spool_has_no_records(void **state)
{
	struct spool *sp = again(made("x"));

	(void)state;
	assert_int_equal(count(sp), 0);
	assert_int_equal(spool_lost(sp), 0);
	spool_close(sp);
}

static void
what_exists_is_never_overwritten(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct spool *sp;
	struct blob bl;

	(void)state;
	text_write(PATH, "precious");
	assert_int_equal(spool_create(PATH, "", &sp, &em), EEXIST);
	assert_non_null(strstr(em.em_text, "--salvage"));
	bl = file_read(PATH);
	assert_string_equal((char *)bl.bl_data, "precious");
	free(bl.bl_data);
}

static void
what_is_no_spool_is_refused(void **state)
{
	static const char *const texts[] = { "", "x",
		"#uvn-trace 1\n#page 4096\nseq,time_ns,pid\n" };
	struct spool *sp;

	(void)state;
	for (size_t i = 0; i < nitems(texts); i++) {
		struct errmsg em = { .em_text = "" };

		text_write(PATH, texts[i]);
		assert_int_equal(spool_open(PATH, &sp, &em), EINVAL);
		assert_non_null(strstr(em.em_text, PATH));
	}
}

/* Cut at every length, and with every byte changed: what is read is a part of
 * what was written, in order. */
static void
damage_costs_no_more_than_what_stands_behind_it(void **state)
{
	struct spool *sp = made("head\n");
	struct errmsg em = { .em_text = "" };
	struct blob whole;
	uint64_t most = 0;

	(void)state;
	for (uint32_t round = 0; round < 5; round++) {
		for (uint64_t i = 0; i < 20; i++)
			put(sp, 2, 100 * round + i, NULL);
		must_em(spool_flush(sp, &em), &em);
	}
	spool_close(sp);
	whole = file_read(PATH);
	for (size_t len = 0; len <= whole.bl_len; len++) {
		em.em_text[0] = '\0';
		file_write(PATH, whole.bl_data, len);
		if (spool_open(PATH, &sp, &em) != 0) {
			assert_true(len < 32);
			continue;
		}
		assert_true(count(sp) >= most);
		spool_close(sp);
		must_em(spool_open(PATH, &sp, &em), &em);
		most = count(sp);
		assert_int_equal(most % 20, 0);
		spool_close(sp);
	}
	assert_int_equal(most, 100);
	for (size_t i = 0; i < whole.bl_len; i++) {
		em.em_text[0] = '\0';
		whole.bl_data[i] ^= 0x41;
		file_write(PATH, whole.bl_data, whole.bl_len);
		whole.bl_data[i] ^= 0x41;
		if (spool_open(PATH, &sp, &em) != 0)
			continue;
		assert_int_equal(count(sp) % 20, 0);
		spool_close(sp);
	}
	free(whole.bl_data);
}

static void
records_are_read_as_they_were_written(void **state)
{
	struct raw rw = { .rw_time = 1,
		.rw_pid = 2,
		.rw_tid = 3,
		.rw_kind = RAW_FILE,
		.rw_nargs = 8,
		.rw_arg = { 1, 2, 3, 4, 5, 6, 7, UINT64_MAX },
		.rw_text = "a",
		.rw_text2 = "" },
		   back;
	static char longer[RAW_TEXT_MAX + 100];
	uint8_t buf[RAW_MAX];
	size_t n = raw_encode(&rw, buf);

	(void)state;
	assert_int_equal(n % 8, 0);
	assert_int_equal(raw_decode(buf, n, &back), n);
	assert_memory_equal(back.rw_arg, rw.rw_arg, sizeof(rw.rw_arg));
	assert_string_equal(back.rw_text, "a");
	assert_string_equal(back.rw_text2, "");
	for (size_t len = 0; len < n; len++)
		assert_int_equal(raw_decode(buf, len, &back), 0);
	/* Of a path too long the end is kept: it tells more. */
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 2] = 'y';
	rw.rw_text = rw.rw_text2 = longer;
	n = raw_encode(&rw, buf);
	assert_true(n <= RAW_MAX);
	assert_int_equal(raw_decode(buf, n, &back), n);
	assert_int_equal(strlen(back.rw_text2), RAW_TEXT_MAX - 1);
	assert_int_equal(back.rw_text2[RAW_TEXT_MAX - 2], 'y');
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(records_of_all_sources_come_in_the_order_of_time),
		T(many_chunks_and_sources_are_merged),
		T(times_that_go_back_within_a_chunk_are_sorted),
		T(an_empty_spool_has_no_records),
		T(what_exists_is_never_overwritten),
		T(what_is_no_spool_is_refused),
		T(damage_costs_no_more_than_what_stands_behind_it),
		T(records_are_read_as_they_were_written),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
