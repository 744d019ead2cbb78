#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "tests/traces/importtest.h"
#include "traces/import_i.h"

#define NONE INT64_MAX

static void
one_object_is_one_page_and_time_is_seconds(void **state)
{
	const struct oracle_request rq[] = {
		{ 100, 1, 512, 3 },
		{ 100, 0, 4096, -1 },
		{ 103, 1, 512, NONE },
		{ 102, 2, 1 << 20, -2 },
	};
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_bytes(&it, "oracleGeneral", rq, sizeof(rq));
	events_are(&it,
	    "t 0 attach 1 1 0 12288 r|w|shared|maxw\n"
	    "t 0 read 1 1 4096 4096\nt 0 read 1 1 0 4096\n"
	    "t 3000000000 read 1 1 4096 4096\n"
	    "t 3000000000 read 1 1 8192 4096\n");
	files_are("out.uvt", "12288 objects\n");
	head_has("#objects the number of an object is its page");
	imported_fini(&it);

	import_with(&it, SETTINGS("page=512", "as=io", "size=1M"));
	import_bytes(&it, "oracleGeneral", rq, sizeof(rq));
	events_are(&it,
	    "pread 1 0 512 512\npread 1 0 0 512\npread 1 0 512 512\n"
	    "pread 1 0 1024 512\n");
	files_are("out.uvt", "1048576 objects\n");
	imported_fini(&it);
}

static const struct oracle_request sparse[] = {
	{ 0, 1U << 31, 4096, -1 },
	{ 0, 5, 4096, -1 },
	{ 0, UINT64_MAX, 4096, -1 },
	{ 0, 5, 4096, -1 },
};

static void
sparse_numbers_are_numbered_as_they_come(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_bytes(&it, "oracleGeneral", sparse, sizeof(sparse));
	events_are(&it,
	    "attach 1 1 0 12288 r|w|shared|maxw\n"
	    "read 1 1 0 4096\nread 1 1 4096 4096\nread 1 1 8192 4096\n"
	    "read 1 1 4096 4096\n");
	head_has("#objects pages are numbered as objects come");
	imported_fini(&it);
}

static void
numbers_may_be_said_to_be_pages_or_not(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("ids=order"));
	import_bytes(&it, "oracleGeneral", &sparse[1], 3 * sizeof(sparse[0]));
	events_are(&it,
	    "attach 1 1 0 8192 r|w|shared|maxw\nread 1 1 0 4096\n"
	    "read 1 1 4096 4096\nread 1 1 0 4096\n");
	imported_fini(&it);

	import_with(&it, SETTINGS("ids=page"));
	import_bytes(&it, "oracleGeneral", sparse, 2 * sizeof(sparse[0]));
	events_are(&it,
	    "attach 1 1 0 8796093026304 r|w|shared|maxw\n"
	    "read 1 1 8796093022208 4096\nread 1 1 20480 4096\n");
	imported_fini(&it);

	import_with(&it, SETTINGS("ids=page"));
	import_bytes(&it, "oracleGeneral", sparse, sizeof(sparse));
	assert_int_equal(it.it_error, EINVAL);
	assert_non_null(strstr(it.it_em.em_text,
	    "request 3: object "
	    "18446744073709551615"));
	assert_non_null(strstr(it.it_em.em_text, "--ids order"));
}

static void
numbers_may_be_of_files_and_pages(void **state)
{
	const struct oracle_request rq[] = {
		{ 0, UINT64_C(3) << 40 | 1, 4096, -1 },
		{ 0, 2, 4096, -1 },
	};
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("ids=split"));
	import_bytes(&it, "oracleGeneral", rq, sizeof(rq));
	events_are(&it,
	    "attach 1 1 0 8192 r|w|shared|maxw\n"
	    "attach 2 2 0 12288 r|w|shared|maxw\n"
	    "read 1 1 4096 4096\nread 2 2 8192 4096\n");
	files_are("out.uvt", "8192 objects.4\n12288 objects.1\n");
	imported_fini(&it);
}

static void
a_file_cut_within_a_request_is_refused(void **state)
{
	struct imported it;

	(void)state;
	for (size_t cut = 1; cut < sizeof(sparse[0]); cut++) {
		import_with(&it, NO_SETTINGS);
		it.it_param.ip_lenient = true;
		import_bytes(&it, "oracleGeneral", sparse,
		    sizeof(sparse) - cut);
		assert_int_equal(it.it_error, EILSEQ);
		assert_non_null(strstr(it.it_em.em_text, "in: cut short"));
		assert_non_null(strstr(it.it_em.em_text, "behind request 3"));
		assert_false(file_exists("out.uvt"));
	}
}

static void
an_object_that_comes_next_before_is_malformed(void **state)
{
	struct oracle_request rq[] = { { 0, 1, 1, -1 }, { 0, 1, 1, 1 } };
	struct imported it;

	(void)state;
	import_refused("oracleGeneral", "24 bytes of plain text.\n",
	    "request 1", "is not behind it");
	import_with(&it, NO_SETTINGS);
	import_bytes(&it, "oracleGeneral", rq, sizeof(rq));
	assert_int_equal(it.it_error, EINVAL);
	assert_non_null(strstr(it.it_em.em_text,
	    "request 2: its object comes next in "
	    "request 1, which is not behind it"));
	import_with(&it, SETTINGS("as=io"));
	it.it_param.ip_lenient = true;
	import_bytes(&it, "oracleGeneral", rq, sizeof(rq));
	events_are(&it, "pread 1 0 4096 4096\n");
	assert_int_equal(it.it_report.rr_count[RECORD_MALFORMED], 1);
	imported_fini(&it);
}

static void
what_libcachesim_has_converted_is_read(void **state)
{
	struct imported it;
	uint64_t max = 0;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_path(&it, "oracleGeneral",
	    "tests/traces/data/oracleGeneral.bin.zst");
	assert_int_equal(it.it_n, 1 + 300);
	for (size_t i = 1; i < it.it_n; i++) {
		assert_int_equal(it.it_ev[i].te_op, TRACE_READ);
		if (it.it_ev[i].te_offset > max)
			max = it.it_ev[i].te_offset;
	}
	/* 283 objects, of large numbers. */
	assert_int_equal(max, 282 * 4096);
	assert_int_equal(it.it_ev[300].te_time, UINT64_C(996000000000));
	imported_fini(&it);
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(one_object_is_one_page_and_time_is_seconds),
		T(sparse_numbers_are_numbered_as_they_come),
		T(numbers_may_be_said_to_be_pages_or_not),
		T(numbers_may_be_of_files_and_pages),
		T(a_file_cut_within_a_request_is_refused),
		T(an_object_that_comes_next_before_is_malformed),
		T(what_libcachesim_has_converted_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
