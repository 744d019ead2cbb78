/* blkparse and MSR: requests to block devices. */
#include "tests/test.h"

#include <string.h>

#include "tests/traces/importtest.h"

#define HEAD "  8,0    1        1     0.000000100  2410  "
#define LATE "  8,0    1        2     1.500000200    44  "

static void
requests_queued_are_the_events(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_text(&it, "blkparse",
	    HEAD "Q   R 16 + 8 [a b]\n" HEAD "G   R 16 + 8 [a b]\n" HEAD
		 "P   N [a b]\n" HEAD "U   N [a b] 1\n" LATE
		 "Q  WS 24 + 1 [x]\n" LATE "Q   D 8 + 8 [x]\n");
	events_are(&it,
	    "t 0 attach 1 1 0 12800 r|w|shared|maxw\n"
	    "t 0 read 1 1 8192 4096\n"
	    "t 1500000100 write 1 1 12288 512\n"
	    "t 1500000100 fallocate 1 0 4096 4096 keep|punch\n");
	assert_int_equal(it.it_ev[1].te_pid, 2410);
	assert_int_equal(it.it_ev[2].te_pid, 44);
	files_are("out.uvt", "12800 8,0\n");
	imported_fini(&it);
}

static void
each_device_is_a_file(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("as=io"));
	import_text(&it, "blkparse",
	    "259,12 0 1 0.1 5 Q R 0 + 8 [x]\n  8,0    0 1 0.2 5 Q R 0 + 1 "
	    "[x]\n259,12 0 1 0.3 5 Q R 8 + 8 [x]\n");
	events_are(&it,
	    "t 0 pread 1 0 0 4096\nt 100000000 pread 2 0 0 512\n"
	    "t 200000000 pread 1 0 4096 4096\n");
	files_are("out.uvt", "8192 259,12\n512 8,0\n");
	imported_fini(&it);
}

static void
flushes_come_before_and_forced_writes_are_synced(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("as=io"));
	import_text(&it, "blkparse",
	    HEAD "Q FWS [x]\n" HEAD "Q  FN [x]\n" HEAD
		 "Q FWFSM 2 + 2 [x]\n" HEAD "Q WFS 2 + 2 [x]\n");
	events_are(&it,
	    "fsync 1 0 0 0\nfsync 1 0 0 0\nfsync 1 0 0 0\n"
	    "pwrite 1 0 1024 1024\nfsync 1 0 1024 1024 data|range\n"
	    "pwrite 1 0 1024 1024\nfsync 1 0 1024 1024 data|range\n");
	imported_fini(&it);
}

static void
the_step_of_a_request_can_be_chosen(void **state)
{
	static const char text[] = HEAD
	    "Q   R 0 + 8 [x]\n" HEAD "I   R 8 + 8 [x]\n" HEAD
	    "D   R 16 + 8 [x]\n" HEAD "C   R 24 + 8 [0]\n" HEAD
	    "C   R 32 + 8 [-5]\n" HEAD "C  FN 0 [0]\n" HEAD "C WSM 32838 [0]\n";
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("action=I", "as=io"));
	import_text(&it, "blkparse", text);
	events_are(&it, "pread 1 0 4096 4096\n");
	imported_fini(&it);
	import_with(&it, SETTINGS("action=D", "as=io"));
	import_text(&it, "blkparse", text);
	events_are(&it, "pread 1 0 8192 4096\n");
	imported_fini(&it);
	/* What failed did not happen. */
	import_with(&it, SETTINGS("action=C", "as=io"));
	import_text(&it, "blkparse", text);
	events_are(&it, "pread 1 0 12288 4096\nfsync 1 0 0 0\n");
	assert_int_equal(it.it_report.rr_count[RECORD_UNKNOWN_OFFSETS], 0);
	imported_fini(&it);
}

static void
commands_passed_through_are_counted(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("as=io"));
	import_text(&it, "blkparse",
	    HEAD "Q   R 36 (12 00 00 00 24 00 ..) [x]\n" HEAD "Q   N [x]\n" HEAD
		 "Q   R 0 + 8 [x]\n");
	events_are(&it, "pread 1 0 0 4096\n");
	assert_int_equal(it.it_report.rr_count[RECORD_UNKNOWN_OFFSETS], 1);
	imported_fini(&it);
}

static void
what_is_no_line_of_blkparse_is_refused(void **state)
{
	(void)state;
	import_refused("blkparse", "hello\n", "line 1", "MAJOR,MINOR");
	import_refused("blkparse", "8;0 1 1 0.1 1 Q R 0 + 8 [x]\n", "line 1",
	    "MAJOR,MINOR");
	import_refused("blkparse", "8,0 1 1 0.1 1 Q\n", "line 1", "RWBS");
	import_refused("blkparse", "8,0 1 1 0,1 1 Q R 0 + 8 [x]\n", "line 1",
	    "SECONDS");
	import_refused("blkparse", "8,0 1 1 0.1 99999999999 Q R 0 + 8 [x]\n",
	    "line 1", "PID");
	import_refused("blkparse", HEAD "Q Z 0 + 8 [x]\n", "line 1",
	    "'Z' says not what the request does");
	import_refused("blkparse", HEAD "Y R 0 + 8 [x]\n", "line 1",
	    "'Y' is no action");
	import_refused("blkparse", HEAD "Q R 0 + x [x]\n", "line 1",
	    "no sectors");
	import_refused("blkparse", HEAD "Q R 0 +\n", "line 1", "no sectors");
	import_refused("blkparse", HEAD "Q R 36028797018963967 + 1 [x]\n",
	    "line 1", "no sectors");
}

static void
a_recorded_trace_is_read_with_its_summary(void **state)
{
	struct imported it;
	unsigned count[TRACE_NOPS] = { 0 };

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_path(&it, "blkparse", "tests/traces/data/blkparse.txt");
	for (size_t i = 0; i < it.it_n; i++)
		count[it.it_ev[i].te_op]++;
	/* As the summary at its end has them; 5 begin with F, of which one has
	 * no sectors, and 4 are forced. */
	assert_int_equal(count[TRACE_READ], 19);
	assert_int_equal(count[TRACE_WRITE] + count[TRACE_FALLOCATE], 49 - 1);
	assert_int_equal(count[TRACE_FALLOCATE], 2);
	assert_int_equal(count[TRACE_FSYNC], 5 + 4);
	assert_int_equal(it.it_report.rr_count[RECORD_MALFORMED], 0);
	imported_fini(&it);
}

static void
msr_has_times_of_100_ns_and_a_file_a_disk(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("as=io"));
	import_path(&it, "msr", "tests/traces/data/msr.csv");
	events_are(&it,
	    "t 0 pwrite 1 0 9056014336 2048\n"
	    "t 572863966600 pwrite 2 0 1105182720 1024\n"
	    "t 9209883091000 pread 3 0 383496192 32768\n"
	    "t 9779164898100 pread 3 0 2822144 65536\n"
	    "t 23549858317600 pread 3 0 3221266432 4096\n"
	    "t 591427621190000 pwrite 2 0 1105182720 512\n"
	    "t 591498792198800 pwrite 2 0 1105182720 1024\n"
	    "t 591589837942500 pwrite 2 0 1105182720 1024\n"
	    "t 591666227587300 pwrite 2 0 1105182720 1024\n"
	    "t 591721304882800 pwrite 2 0 1105182720 4608\n");
	files_are("out.uvt",
	    "9056016384 hm_0\n1105187328 prxy_0\n"
	    "3221270528 hm_1\n");
	imported_fini(&it);
}

static void
msr_may_name_its_columns(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_text(&it, "msr",
	    "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n"
	    "5,a,1,read,4096,512,3\n");
	events_are(&it,
	    "attach 1 1 0 4608 r|w|shared|maxw\nread 1 1 4096 512\n");
	imported_fini(&it);
}

static void
what_is_no_line_of_msr_is_refused(void **state)
{
	(void)state;
	import_refused("msr", "1,a,0,Read,0,512\n", "line 1", "7 fields");
	import_refused("msr", "1,a,0,Read,0,512,1,1\n", "line 1", "7 fields");
	import_refused("msr", "\n", "line 1", "7 fields");
	import_refused("msr", "1.5,a,0,Read,0,512,1\n", "line 1",
	    "'1.5' is no time");
	import_refused("msr", "999999999999999999,a,0,Read,0,512,1\n", "line 1",
	    "is no time");
	import_refused("msr", "1,a,0,Trim,0,512,1\n", "line 1",
	    "'Trim' is not Read or Write");
	import_refused("msr", "1,a,x,Read,0,512,1\n", "line 1",
	    "number of a disk");
	import_refused("msr", "1,a,0,Read,-5,512,1\n", "line 1",
	    "no offset and size");
	import_refused("msr", "1,a,0,Read,9223372036854775807,1,1\n", "line 1",
	    "no offset and size");
	import_refused("msr", "1,a,0,Read,0,512,\n", "line 1",
	    "no response time");
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(requests_queued_are_the_events),
		T(each_device_is_a_file),
		T(flushes_come_before_and_forced_writes_are_synced),
		T(the_step_of_a_request_can_be_chosen),
		T(commands_passed_through_are_counted),
		T(what_is_no_line_of_blkparse_is_refused),
		T(a_recorded_trace_is_read_with_its_summary),
		T(msr_has_times_of_100_ns_and_a_file_a_disk),
		T(msr_may_name_its_columns),
		T(what_is_no_line_of_msr_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
