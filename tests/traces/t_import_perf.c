#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/rawtest.h"

#define PERF(lines, records) RT_IS(&text_perf, lines, records)

/* A line of process 7, and of one of its threads. */
#define OF7(event)	 "          prog     7/7     12.000000001: " event "\n"
#define OF(tid, event)	 "          prog     7/" tid " 12.000000001: " event "\n"
#define FAULT(way, more) "exceptions:page_fault_" way ": address=" more
#define MMAP2(more)	 "PERF_RECORD_MMAP2 7/7: [0x7000(0x2000) @ " more
#define DATA(prot)	 MMAP2("0x1000 fe:01 42 99]: ") prot " /data"

#define ENTER_MMAP                                                             \
	OF7("syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, "     \
	    "prot: 0x00000003, flags: 0x00000001, fd: 0x00000003, off: "       \
	    "0x00001000")
#define EXIT_MMAP   OF7("syscalls:sys_exit_mmap: 0x7000")
#define CALL_MMAP   "7/7 call mmap 0 2000 3 1 3 1000\n"
#define RETURN_MMAP "7/7 return mmap 7000\n"
#define MAP_RW	    "7/7 map 7000 2000 1000 fe00000001 2a 3 1 \"/data\"\n"

static void
faults_say_who_reads_and_who_writes(void **state)
{
	(void)state;
	PERF(OF("8", FAULT("user", "0x7f12 ip=0x401540 error_code=0x4")) OF("8",
		 FAULT("user", "0x7f12 ip=main+0x7 error_code=0x7")) OF("8",
		 FAULT("kernel",
		     "0x8000 ip=_copy_to_user+0x1 "
		     "error_code=0x2"))
		 OF("8", FAULT("kernel", "0x9000 ip=a error_code=0"))
		     OF7(MMAP2("0 00:00 0 0]: rw-p [heap]")),
	    "7/8 read 7f12 1\n"
	    "7/8 write 7f12 1\n"
	    "7/8 write kernel 8000 1\n"
	    "7/8 read kernel 9000 1\n"
	    "7/7 call mmap 7000 2000 3 2 ffffffffffffffff\n"
	    "7/7 map 7000 2000 0 0 0 3 2 \"[heap]\"\n"
	    "7/7 return mmap 7000\n");
}

static void
what_is_no_memory_of_the_program_is_left_out(void **state)
{
	(void)state;
	PERF(OF7(FAULT("kernel", "some_symbol+0x8 ip=x error_code=0x2"))
		 OF7(FAULT("user", "0xffffffffff600000 ip=0x1 error_code=0x15"))
		     OF7(FAULT("user", "0x401000 ip=0x401000 error_code=0x14"))
			 OF7(MMAP2("0 00:00 0 0]: rw-p [heap]"))
			     OF7("sched:sched_switch: prev_comm=x"),
	    "7/7 call mmap 7000 2000 3 2 ffffffffffffffff\n"
	    "7/7 map 7000 2000 0 0 0 3 2 \"[heap]\"\n"
	    "7/7 return mmap 7000\n");
}

static void
code_is_there_if_it_is_wanted(void **state)
{
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_perf, true);
	rt_lines(&rt,
	    OF7(FAULT("user", "0x401000 ip=0x401000 error_code=0x14")));
	assert_string_equal(rt_text(&rt), "7/7 ifetch 401000 1\n");
	rt_end(&rt);
}

static void
time_begins_with_the_recording(void **state)
{
	static const char fault[] =
	    "exceptions:page_fault_user: address=0x%x000 ip=0x1 "
	    "error_code=0x4\n";
	static const char *const times[] = { "0.000000000", "7.5",
		"7.500000009", "7.499999999", "18446744073.0" };
	char line[256];
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_perf, false);
	rt.rt_times = true;
	for (unsigned i = 0; i < nitems(times); i++) {
		int n = snprintf(line, sizeof(line), "p 7/7 %s: ", times[i]);

		(void)snprintf(line + n, sizeof(line) - (size_t)n, fault,
		    i + 1);
		rt_lines(&rt, line);
	}
	assert_string_equal(rt_text(&rt),
	    "0 7/7 read 1000 1\n"
	    "0 7/7 read 2000 1\n"
	    "9 7/7 read 3000 1\n"
	    "0 7/7 read 4000 1\n"
	    "18446744065500000000 7/7 read 5000 1\n");
	rt_end(&rt);
}

static void
the_same_fault_at_once_is_one_access(void **state)
{
	static const char line[] =
	    "p 7/%u 1.00%u: exceptions:page_fault_user: address=0x%x ip=0x1 "
	    "error_code=0x%x\n";
	static const struct {
		unsigned tid, ms, address, code;
	} faults[] = {
		{ 7, 1, 0x1000, 4 },
		{ 7, 1, 0x1fff, 4 }, /* again */
		{ 7, 2, 0x1000, 4 }, /* again */
		{ 7, 4, 0x1000, 4 }, /* too late for that */
		{ 7, 4, 0x1000, 6 }, /* another kind */
		{ 8, 4, 0x1000, 6 }, /* another thread */
		{ 7, 4, 0x2000, 6 },
		{ 7, 4, 0x1000, 6 },
	};
	char text[256];
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_perf, false);
	for (size_t i = 0; i < nitems(faults); i++) {
		(void)snprintf(text, sizeof(text), line, faults[i].tid,
		    faults[i].ms, faults[i].address, faults[i].code);
		rt_lines(&rt, text);
	}
	assert_string_equal(rt_text(&rt),
	    "7/7 read 1000 1\n"
	    "7/7 read 1000 1\n"
	    "7/7 write 1000 1\n"
	    "7/8 write 1000 1\n"
	    "7/7 write 2000 1\n"
	    "7/7 write 1000 1\n");
	/* A call in between: it may have taken the page away. */
	rt_lines(&rt,
	    "p 7/7 2.0: exceptions:page_fault_user: address=0x1000 ip=0x1 "
	    "error_code=0x6\n"
	    "p 7/7 2.0: syscalls:sys_enter_sync: \n"
	    "p 7/7 2.0: exceptions:page_fault_user: address=0x1000 ip=0x1 "
	    "error_code=0x6\n");
	assert_string_equal(rt_text(&rt),
	    "7/7 write 1000 1\n"
	    "7/7 call sync\n"
	    "7/7 write 1000 1\n");
	rt_end(&rt);
}

static void
calls_are_known_by_name_or_number(void **state)
{
	(void)state;
	PERF(OF7("syscalls:sys_enter_ftruncate: fd: 0x00000003, length: "
		 "0xffffffffffffffff")
		 OF7("syscalls:sys_exit_ftruncate: 0xffffffffffffffea")
		     OF7("syscalls:sys_enter_sync: ")
			 OF7("syscalls:sys_exit_sync: 0x0") OF7(
			     "syscalls:sys_enter_sendfile64: out_fd: "
			     "0x00000004, in_fd: 0x00000003, offset: "
			     "0x00000000, count: 0x00000010")
			     OF7("syscalls:sys_exit_sendfile64: 0x10") OF7(
				 "syscalls:sys_enter_brk: brk: "
				 "0x0000") OF7("syscalls:sys_exit_brk: 0x1"),
	    "7/7 call ftruncate 3 ffffffffffffffff\n"
	    "7/7 return ftruncate ffffffffffffffea\n"
	    "7/7 call sync\n"
	    "7/7 return sync\n"
	    "7/7 call sendfile 4 3 0 10\n"
	    "7/7 return sendfile 10\n");
	if (raw_sys_number(77) != RAW_SYS_FTRUNCATE)
		skip(); /* numbers are of this architecture */
	PERF(OF7("raw_syscalls:sys_enter: NR 77 (3, ffffffffffffffff, 7, 8, "
		 "9, a)") OF7("raw_syscalls:sys_exit: NR 77 = -22")
		 OF7("raw_syscalls:sys_enter: NR 12 (0, 1, 2, 3, 4, 5)")
		     OF7("raw_syscalls:sys_exit: NR 12 = 4096")
			 OF7("raw_syscalls:sys_exit: NR -1 = 0"),
	    "7/7 call ftruncate 3 ffffffffffffffff\n"
	    "7/7 return ftruncate ffffffffffffffea\n");
}

static void
maps_come_within_mmap(void **state)
{
	(void)state;
	PERF(ENTER_MMAP OF7(DATA("rw-s")) EXIT_MMAP,
	    CALL_MMAP MAP_RW RETURN_MMAP);
	/* No inode, but what was built; a file that is gone. */
	PERF(ENTER_MMAP OF7(MMAP2("0 <0123abcd>]: r-xp /lib/a (b) "
				  "(deleted)")) EXIT_MMAP,
	    CALL_MMAP
	    "7/7 map 7000 2000 0 0 0 5 2 \"/lib/a (b)\"\n" RETURN_MMAP);
}

static void
maps_of_other_calls_are_known_of_these(void **state)
{
	(void)state;
	PERF(OF7("syscalls:sys_enter_mprotect: start: 0x7000, len: 0x2000, "
		 "prot: 0x1") OF7(DATA("r--s"))
		 OF7("syscalls:sys_exit_mprotect: 0x0")
		     OF7("syscalls:sys_enter_brk: brk: 0x0") OF7(DATA("rw-p"))
			 OF7("syscalls:sys_exit_brk: 0x0"),
	    "7/7 call mprotect 7000 2000 1\n"
	    "7/7 return mprotect\n");
}

static void
maps_of_calls_that_are_not_recorded_stand_for_them(void **state)
{
	(void)state;
	PERF(OF7(DATA("rw-s")),
	    "7/7 call mmap 7000 2000 3 1 ffffffffffffffff 1000\n" MAP_RW
		RETURN_MMAP);
	/* mmap(2) is recorded: so it was mprotect(2). */
	PERF(ENTER_MMAP OF7(DATA("rw-s")) EXIT_MMAP OF7(DATA("r--s")),
	    CALL_MMAP MAP_RW RETURN_MMAP "7/7 call mprotect 7000 2000 1\n"
					 "7/7 return mprotect\n");
}

static void
exec_maps_by_itself(void **state)
{
	static const char map[] =
	    "7/7 map 7000 2000 0 fe00000001 9 5 2 \"/prog\"\n";
	char records[512];

	(void)state;
	(void)snprintf(records, sizeof(records),
	    "7/7 exec\n%s7/7 return execve\n" CALL_MMAP MAP_RW RETURN_MMAP,
	    map);
	PERF(OF7("PERF_RECORD_COMM: prog:7/7")
		 OF7("PERF_RECORD_COMM exec: prog:7/7")
		     OF7(MMAP2("0 fe:01 9 1]: r-xp /prog"))
			 OF7("syscalls:sys_exit_execve: 0x0")
			     ENTER_MMAP OF7(DATA("rw-s")) EXIT_MMAP,
	    records);
	/* Without lines of tasks the maps tell; the first fault ends it. */
	(void)snprintf(records, sizeof(records),
	    "7/7 call execve 1 2 3\n7/7 exec\n%s%s7/7 read 1000 1\n"
	    "7/7 call mmap 7000 2000 3 1 ffffffffffffffff 1000\n" MAP_RW
		RETURN_MMAP,
	    map, map);
	PERF(OF7("syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: "
		 "0x3") OF7(MMAP2("0 fe:01 9 1]: r-xp /prog"))
		 OF7(MMAP2("0 fe:01 9 1]: r-xp /prog"))
		     OF7(FAULT("user", "0x1000 ip=0x1 error_code=0x4"))
			 OF7(DATA("rw-s")),
	    records);
}

static void
tasks_begin_and_end(void **state)
{
	(void)state;
	PERF(OF7("PERF_RECORD_FORK(7:8):(7:7)")
		 OF7("PERF_RECORD_FORK(9:9):(7:8)")
		     OF("8", "PERF_RECORD_EXIT(7:8):(1:1)")
			 OF7("PERF_RECORD_LOST lost 12"),
	    "7/8 fork 7 7 ffffffffffffffff\n"
	    "9/9 fork 7 8 ffffffffffffffff\n"
	    "7/8 exit\n"
	    "7/7 lost c\n");
	/* The number is used again: what the old thread was in is over. */
	PERF(ENTER_MMAP OF7("PERF_RECORD_EXIT(7:7):(1:1)")
		 OF("1", "PERF_RECORD_FORK(7:7):(1:1)") OF7(DATA("r--s")),
	    CALL_MMAP "7/7 exit\n"
		      "7/7 fork 1 1 ffffffffffffffff\n"
		      "7/7 call mprotect 7000 2000 1\n"
		      "7/7 return mprotect\n");
}

static void
events_of_software_tell_addresses_only(void **state)
{
	(void)state;
	PERF(OF7("   page-faults:           401540")
		 OF7("minor-faults:u:     7ffd624cb489")
		     OF7("major-faults:uP:  8000") OF7(DATA("rw-s")),
	    "7/7 read 401540 1\n"
	    "7/7 read 7ffd624cb489 1\n"
	    "7/7 read 8000 1\n"
	    "7/7 call mmap 7000 2000 3 1 ffffffffffffffff 1000\n" MAP_RW
		RETURN_MMAP);
}

static void
names_may_hold_what_stands_around_them(void **state)
{
	(void)state;
	PERF("        a 1/2 b 3:     7/8     [001]    12.5: "
	     "syscalls:sys_enter_sync: \n"
	     "7/9 7/9 12.5: syscalls:sys_enter_sync: \n"
	     "# a remark\n"
	     "   \n",
	    "7/8 call sync\n"
	    "7/9 call sync\n");
}

static void
what_is_not_of_perf_script_is_refused(void **state)
{
	static const char *const bad[] = {
		"hello",
		"prog 7 [001] 12.5: exceptions:page_fault_user: address=0x1",
		"prog 7/7 12.5",
		"prog 7/99999999999 12.5: x",
		"p 7/7 1.0: exceptions:page_fault_user: here",
		"p 7/7 1.0: exceptions:page_fault_user: address=0x",
		"p 7/7 1.0: exceptions:page_fault_user: address=0x1 ip=0x2",
		"p 7/7 1.0: raw_syscalls:sys_enter: NR 9 (0, 1, 2)",
		"p 7/7 1.0: raw_syscalls:sys_enter: NR 9 (0,1,2,3,4,5",
		"p 7/7 1.0: raw_syscalls:sys_enter: NR x (0, 1, 2, 3, 4, 5)",
		"p 7/7 1.0: raw_syscalls:sys_exit: NR 9 = ",
		"p 7/7 1.0: syscalls:sys_enter_msync: start: 0x1, len: 0x2",
		"p 7/7 1.0: syscalls:sys_enter_msync: 0x1, 0x2, 0x3",
		"p 7/7 1.0: syscalls:sys_enter_msync",
		"p 7/7 1.0: syscalls:sys_exit_msync: none",
		"p 7/7 1.0: PERF_RECORD_MMAP2 7/7: [0x1(0x2) @ 0 1:1 1 1]: r-x",
		"p 7/7 1.0: PERF_RECORD_MMAP2 7/7: [1(2) @ 0 1:1 1 1]: rwz- /",
		"p 7/7 1.0: PERF_RECORD_MMAP2 7/7: [0x1(0x2) @ 0 1:1]: r--p /x",
		"p 7/7 1.0: PERF_RECORD_FORK(7:8):(7:)",
		"p 7/7 1.0: PERF_RECORD_LOST lost many",
	};
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_perf, false);
	for (size_t i = 0; i < nitems(bad); i++)
		rt_refused(&rt, bad[i], "");
	assert_string_equal(rt_text(&rt), "");
	rt_refused(&rt, bad[1], "-F comm,pid,tid,time,event,trace");
	rt_refused(&rt, "p 7/7 1.0: page-faults:", "event,addr");
	rt_end(&rt);
}

static void
without_maps_there_are_no_files(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_perf, false);
	rt_lines(&rt, OF7(FAULT("user", "0x1000 ip=0x1 error_code=0x4")));
	assert_int_equal(text_perf.tf_end(rt.rt_parser, &em), EBADMSG);
	assert_non_null(strstr(em.em_text, "--show-mmap-events"));
	rt_end(&rt);
}

/* What the sample program does, as far as perf sees it. */
#define SAMPLE(main, thread, child, first)                                     \
	"1 40960 /tmp/sample/store \"1\".db\n" main                            \
	" attach 1 1 0 65536 r w shared maxw\n" main                           \
	" write 1 1 0 4096\n" main " write 1 1 12288 4096\n" main              \
	" write 1 1 24576 4096\n" main " write 1 1 36864 4096\n" main          \
	" read 1 1 20480 4096\n" main " msync 1 1 0 16384 sync\n" main         \
	" pwrite 1 0 20480 64\n" main " pwrite 1 0 24576 8192\n" first main    \
	" pread 1 0 0 100\n" main " write 1 1 28672 4096 kernel\n" main        \
	" fsync 1 0 0 0 data\n" main " fsync 1 0 0 0\n" thread                 \
	" write 1 1 36864 4096\n" thread                                       \
	" msync 1 1 32768 16384 async\n" child " fork 0 0 0 0\n" child         \
	" attach 1 2 0 65536 r w shared maxw inherited\n" child                \
	" write 1 2 12288 4096\n" child " msync 1 2 0 65536 sync\n" child      \
	" detach 1 2 0 65536\n" child                                          \
	" attach 1 3 0 16384 r w private\n" child                              \
	" read 1 3 4096 4096 private\n" child                                  \
	" write 1 3 8192 4096 private\n" child " detach 1 3 0 16384\n" child   \
	" close 1 0 0 0\n" child " exit 0 0 0 0\n" main                        \
	" truncate 1 0 0 32768\n" main " truncate 1 0 0 98304\n" main          \
	" attach 1 4 65536 32768 r w shared maxw\n" main                       \
	" write 1 4 81920 4096\n" main " madvise 1 1 0 65536 random\n" main    \
	" madvise 1 4 65536 32768 random\n" main                               \
	" madvise 1 1 16384 16384 dontneed\n" main                             \
	" protect 1 1 0 8192 r\n" main " detach 1 4 90112 8192\n" main         \
	" fallocate 1 0 0 4096 keep punch\n" main                              \
	" fallocate 1 0 98304 4096\n" main                                     \
	" msync 1 1 0 65536 sync invalidate\n" main                            \
	" msync 1 4 65536 24576 sync invalidate\n" main                        \
	" write 1 1 40960 4096\n" main " detach 1 1 0 65536\n" main            \
	" detach 1 4 65536 24576\n" main " close 1 0 0 0\n" main               \
	" sync 0 0 0 0\n" main " exit 0 0 0 0\n"

static void
a_recording_of_all_calls_is_a_trace(void **state)
{
	char *events;

	(void)state;
	if (raw_sys_number(77) != RAW_SYS_FTRUNCATE)
		skip(); /* numbers are of the architecture of the sample */
	events = rt_events(&text_perf, "import/perf.txt");
	assert_string_equal(events,
	    SAMPLE("4608", "4610", "4611", "4608 read 1 1 4096 4096 kernel\n"));
	free(events);
}

static void
a_recording_of_some_calls_is_a_trace(void **state)
{
	char *events = rt_events(&text_perf, "import/perf-named.txt");

	(void)state;
	assert_string_equal(events, SAMPLE("4644", "4649", "4651", ""));
	free(events);
}

static void
damage_is_survived(void **state)
{
	(void)state;
	rt_damage(&text_perf, "import/perf.txt", 20);
	rt_damage(&text_perf, "import/perf-named.txt", 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_say_who_reads_and_who_writes),
		cmocka_unit_test(what_is_no_memory_of_the_program_is_left_out),
		cmocka_unit_test(code_is_there_if_it_is_wanted),
		cmocka_unit_test(time_begins_with_the_recording),
		cmocka_unit_test(the_same_fault_at_once_is_one_access),
		cmocka_unit_test(calls_are_known_by_name_or_number),
		cmocka_unit_test(maps_come_within_mmap),
		cmocka_unit_test(maps_of_other_calls_are_known_of_these),
		cmocka_unit_test(
		    maps_of_calls_that_are_not_recorded_stand_for_them),
		cmocka_unit_test(exec_maps_by_itself),
		cmocka_unit_test(tasks_begin_and_end),
		cmocka_unit_test(events_of_software_tell_addresses_only),
		cmocka_unit_test(names_may_hold_what_stands_around_them),
		cmocka_unit_test(what_is_not_of_perf_script_is_refused),
		cmocka_unit_test(without_maps_there_are_no_files),
		cmocka_unit_test(a_recording_of_all_calls_is_a_trace),
		cmocka_unit_test(a_recording_of_some_calls_is_a_trace),
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
