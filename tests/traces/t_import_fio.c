#include "tests/test.h"

#include <string.h>

#include "tests/traces/importtest.h"

#define V2 "fio version 2 iolog\n"
#define V3 "fio version 3 iolog\n"

static void
version_3_has_microseconds(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_text(&it, "fio",
	    V3 "10 /d/a add\n20 /d/a open\n21 /d/a read 8192 4096\n"
	       "31 /d/a write 0 512\n40 /d/a sync 8192 0\n"
	       "41 /d/a datasync 8192 0\n42 /d/a trim 4096 4096\n"
	       "43 /d/a sync_file_range 0 4096\n50 /d/a close\n");
	events_are(&it,
	    "t 0 attach 1 1 0 12288 r|w|shared|maxw\n"
	    "t 0 open 1 0 0 0\n"
	    "t 1000 read 1 1 8192 4096\n"
	    "t 11000 write 1 1 0 512\n"
	    "t 20000 fsync 1 0 0 0\n"
	    "t 21000 fsync 1 0 0 0 data\n"
	    "t 22000 fallocate 1 0 4096 4096 keep|punch\n"
	    "t 23000 fsync 1 0 0 4096 range\n"
	    "t 30000 close 1 0 0 0\n");
	files_are("out.uvt", "12288 /d/a\n");
	head_has("#clock real");
	imported_fini(&it);
}

static void
version_2_has_waits_which_add_up(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_text(&it, "fio",
	    V2 "a add\na open\na read 0 1\na wait 150 0\na read 1 1\n"
	       "a wait 50 0\na read 2 1\n");
	events_are(&it,
	    "t 0 attach 1 1 0 4096 r|w|shared|maxw\nt 0 open 1 0 0 0\n"
	    "t 0 read 1 1 0 1\nt 150000 read 1 1 1 1\n"
	    "t 200000 read 1 1 2 1\n");
	head_has("#clock virtual");
	imported_fini(&it);
}

static void
requests_are_accesses_or_io(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("as=io"));
	import_text(&it, "fio",
	    V3 "0 a read 0 9\n1 b write 3 4\n2 b sync 0 0\n");
	events_are(&it, "pread 1 0 0 9\npwrite 2 0 3 4\nfsync 2 0 0 0\n");
	files_are("out.uvt", "9 a\n7 b\n");
	imported_fini(&it);
}

static void
a_flush_can_be_an_msync_of_the_map(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("flush=msync"));
	import_text(&it, "fio",
	    V3 "0 a write 0 9\n1 a sync 0 0\n2 a datasync 0 0\n3 b sync 0 0\n");
	events_are(&it,
	    "attach 1 1 0 4096 r|w|shared|maxw\n"
	    "attach 2 2 0 4096 r|w|shared|maxw\n"
	    "write 1 1 0 9\nmsync 1 1 0 0 sync\nmsync 1 1 0 0 sync\n"
	    "msync 2 2 0 0 sync\n");
	imported_fini(&it);
	/* There is no map to sync. */
	import_with(&it, SETTINGS("flush=msync", "as=io"));
	import_text(&it, "fio", V3 "0 a write 0 9\n1 a datasync 0 0\n");
	events_are(&it, "pwrite 1 0 0 9\nfsync 1 0 0 0 data\n");
	imported_fini(&it);
}

static void
sizes_are_as_used_or_as_said(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_text(&it, "fio", V3 "0 a read 0 9\n1 a trim 4000 5000\n");
	files_are("out.uvt", "9000 a\n");
	assert_int_equal(it.it_report.rr_count[RECORD_UNKNOWN_SIZES], 1);
	imported_fini(&it);

	import_with(&it, SETTINGS("size=1M"));
	import_text(&it, "fio", V3 "0 a read 0 9\n1 b read 0 10\n");
	files_are("out.uvt", "1048576 a\n1048576 b\n");
	assert_int_equal(it.it_report.rr_count[RECORD_UNKNOWN_SIZES], 0);
	imported_fini(&it);

	import_with(&it, SETTINGS("size=8K"));
	import_text(&it, "fio", V3 "0 a read 0 9\n1 b read 8192 1\n");
	assert_int_not_equal(it.it_error, 0);
	assert_non_null(strstr(it.it_em.em_text,
	    "b is used up to byte 8193, beyond its --size of 8192"));
}

static void
what_is_no_line_of_an_iolog_is_refused(void **state)
{
	(void)state;
	import_refused("fio", "fio version 1 iolog\n", "line 1", "version 2");
	import_refused("fio", "0, 4096, 4096\n", "line 1", "no other is read");
	import_refused("fio", V3 "a read 0 1\n", "line 2",
	    "'a' is no time in microseconds");
	import_refused("fio", V3 "99999999999999999999 a read 0 1\n", "line 2",
	    "no time");
	import_refused("fio", V3 "18446744073709551 a add\n1 a\n", "line 3",
	    "not TIME NAME ACTION");
	import_refused("fio", V2 "a\n", "line 2", "not NAME ACTION");
	import_refused("fio", V3 "0 a read 1\n", "line 2", "OFFSET LENGTH");
	import_refused("fio", V3 "0 a read 1 1 1\n", "line 2", "OFFSET LENGTH");
	import_refused("fio", V3 "0 a grow\n", "line 2",
	    "'grow' is no action on a file");
	import_refused("fio", V3 "0 a grow 0 1\n", "line 2",
	    "'grow' is no action of version 3");
	import_refused("fio", V3 "0 a wait 100 0\n", "line 2",
	    "'wait' is no action of version 3");
	import_refused("fio", V2 "a wait 9223372036854775808 0\n", "line 2",
	    "no offset");
	import_refused("fio",
	    V2 "a wait 9223372036854775 0\na wait 9223372036854775 0\n"
	       "a wait 9223372036854775 0\n",
	    "line 4", "end of time");
	import_refused("fio", V3 "0 a read 0 -1\n", "line 2", "'0 -1'");
	import_refused("fio", V3 "0 a read 9223372036854775807 1\n", "line 2",
	    "is no offset and length; --lenient goes on without it");
}

static void
the_same_job_by_two_versions_of_fio_is_the_same(void **state)
{
	struct imported two, three;

	(void)state;
	import_with(&two, NO_SETTINGS);
	import_path(&two, "fio", "tests/traces/data/fio-v2.log");
	import_with(&three, NO_SETTINGS);
	import_path(&three, "fio", "tests/traces/data/fio-v3.log");
	files_are("out.uvt", "32768 a.dat\n32768 b.dat\n");
	assert_int_equal(two.it_n, 80);
	assert_int_equal(three.it_n, 80);
	for (size_t i = 0; i < two.it_n; i++) {
		if (i > 0)
			assert_true(three.it_ev[i].te_time >=
			    three.it_ev[i - 1].te_time);
		assert_int_equal(two.it_ev[i].te_time, 0);
		three.it_ev[i].te_time = 0;
	}
	assert_memory_equal(two.it_ev, three.it_ev,
	    two.it_n * sizeof(*two.it_ev));
	imported_fini(&two);
	imported_fini(&three);
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(version_3_has_microseconds),
		T(version_2_has_waits_which_add_up),
		T(requests_are_accesses_or_io),
		T(a_flush_can_be_an_msync_of_the_map),
		T(sizes_are_as_used_or_as_said),
		T(what_is_no_line_of_an_iolog_is_refused),
		T(the_same_job_by_two_versions_of_fio_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
