/*
 * A file that is cut while it is read: what came before is handed out, and then
 * it is said what happened.  Nothing is mapped, so nothing is killed for it.
 */
#include "tests/traces/importtest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "traces/trace.h"

/*
 * Read the trace at path, cut to len bytes after the first events.
 *
 * => the error that reading ended with
 */
static int
read_while_cut(const char *path, unsigned flags, off_t len, uint64_t *eventsp,
    struct errmsg *em)
{
	const struct trace_event *ev;
	struct trace_reader *tr;
	int error;
	size_t n;

	*eventsp = 0;
	must_em(trace_open(path, flags, &tr, em), em);
	must_em(trace_next(tr, &ev, &n, em), em);
	must(truncate(path, len));
	do {
		*eventsp += n;
		error = trace_next(tr, &ev, &n, em);
	} while (error == 0 && n != 0);
	trace_close(tr);
	return error;
}

/* A trace of a few megabytes, so that it is not read at once. */
static void
make(const char *path)
{
	generate(path, "pattern=uniform", "events=600000", "pages=1000000",
	    NULL);
}

/* Cut to a part of its length, num/den. */
static void
cut(const char *path, unsigned flags, size_t num, size_t den)
{
	struct errmsg em = { .em_text = "" };
	uint64_t events;
	struct blob b;

	make(path);
	b = file_read(path);
	assert_int_equal(read_while_cut(path, flags,
			     (off_t)(b.bl_len * num / den), &events, &em),
	    EILSEQ);
	free(b.bl_data);
	if (strstr(em.em_text, "the file shrank while it was read") == NULL)
		fail_msg("%s", em.em_text);
	assert_in_range(events, 1, 599999);
}

static void
a_uvt_that_is_cut(void **state)
{
	(void)state;
	cut("a.uvt", 0, 3, 4);
	cut("a.uvt", 0, 0, 1);
}

/* It is no damage, to be stepped over: the rest may have been whole. */
static void
salvage_says_so_too(void **state)
{
	(void)state;
	cut("a.uvt", TRACE_SALVAGE, 3, 4);
}

static void
a_csv_that_is_cut(void **state)
{
	(void)state;
	cut("a.csv", 0, 1, 2);
	cut("a.csv", 0, 0, 1);
}

static void
a_compressed_csv_that_is_cut(void **state)
{
	(void)state;
	cut("a.csv.zst", 0, 3, 4);
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(a_uvt_that_is_cut),
		T(salvage_says_so_too),
		T(a_csv_that_is_cut),
		T(a_compressed_csv_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
