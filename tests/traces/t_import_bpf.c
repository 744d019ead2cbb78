#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/rawtest.h"
#include "tests/traces/tracetest.h"

#define BPF(lines, records) RT_IS(&text_bpf, lines, records)
#define T		    "8382068 7 8 "

static void
faults_and_calls_are_in_hexadecimal(void **state)
{
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_bpf, false);
	rt.rt_times = true;
	rt_lines(&rt,
	    "Attaching 16 probes...\n"
	    "\n"
	    "100 7 8 U 7f16114f8814 7\n"
	    "101 7 8 K 7f16114de740 1\n"
	    "102 7 8 U 7f16114de740 14\n"
	    "103 7 8 U ffff88811114de74 7\n"
	    "104 7 8 E 9 0 10000 3 1 4 26000\n"
	    "105 7 8 R 9 7f161130a000\n"
	    "106 7 8 E ca 0 10000 3 1 4 26000\n"
	    "107 7 8 R ca 0\n"
	    "108 7 8 E 4d 4 ffffffffffffffff 0 1 4 26000\n"
	    "109 7 8 R 4d ffffffffffffffea\n"
	    "110 7 8 X\n"
	    "Lost 17 events\n");
	assert_string_equal(rt_text(&rt),
	    "100 7/8 write 7f16114f8814 1\n"
	    "101 7/8 read kernel 7f16114de740 1\n"
	    "102 7/8 ifetch 7f16114de740 1\n"
	    "104 7/8 call mmap 0 10000 3 1 4 26000\n"
	    "105 7/8 return mmap 7f161130a000\n"
	    "108 7/8 call ftruncate 4 ffffffffffffffff\n"
	    "109 7/8 return ftruncate ffffffffffffffea\n"
	    "110 7/8 exit\n"
	    "110 0/0 lost 11\n");
	rt_end(&rt);
}

static void
a_fault_that_the_kernel_takes_twice_is_one(void **state)
{
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_bpf, false);
	rt.rt_times = true;
	rt_lines(&rt,
	    "100 7 8 U 7f16114f8814 7\n"
	    "200 7 8 U 7f16114f8000 7\n" /* again */
	    "300 7 9 U 7f16114f8814 7\n" /* another thread's */
	    "400 7 8 U 7f16114f8814 5\n" /* a read */
	    "500 7 8 U 7f16114f9000 5\n" /* another page */
	    "600 7 8 E 9 0 10000 3 1 4 26000\n"
	    "700 7 8 U 7f16114f9000 5\n"       /* after a call */
	    "2000700 7 8 U 7f16114f9000 5\n"); /* too late */
	assert_string_equal(rt_text(&rt),
	    "100 7/8 write 7f16114f8814 1\n"
	    "300 7/9 write 7f16114f8814 1\n"
	    "400 7/8 read 7f16114f8814 1\n"
	    "500 7/8 read 7f16114f9000 1\n"
	    "600 7/8 call mmap 0 10000 3 1 4 26000\n"
	    "700 7/8 read 7f16114f9000 1\n"
	    "2000700 7/8 read 7f16114f9000 1\n");
	rt_end(&rt);
}

static void
what_is_opened_has_the_path_it_was_opened_by(void **state)
{
	(void)state;
	/* By path; by a path that could not be read; by a link; not at all. */
	BPF(T "P 0 sub/x y\n" T "E 101 ffffff9c 7f 0 0 0 0\n" T "R 101 4\n" T
	      "F 4 fe00003 1f 81a4 10000 5 8002 1 x y\n" T "P 0 \n" T
	      "E 101 ffffff9c 7f 0 0 0 0\n" T "R 101 5\n" T
	      "F 5 0 20 81a4 0 0 8000 1 z\n" T "P 0 link\n" T
	      "E 2 7f 0 0 0 0 0\n" T "R 2 6\n" T
	      "F 6 0 21 81a4 0 0 8000 1 aim\n" T "P 0 none\n" T
	      "E 2 7f 0 0 0 0 0\n" T "R 2 fffffffffffffffe\n" T
	      "F 6 0 21 81a4 1000 0 8000 1 aim\n" T "E 9 0 10000 3 1 6 0\n" T
	      "F 7 0 9 2190 0 0 8002 1 null\n",
	    "7/8 call openat ffffff9c 7f\n"
	    "7/8 return openat 4\n"
	    "7/8 file 4 fe00000003 1f 0 10000 5 8002 1 \"sub/x y\"\n"
	    "7/8 call openat ffffff9c 7f\n"
	    "7/8 return openat 5\n"
	    "7/8 file 5 0 20 0 0 0 8000 1 \"z\"\n"
	    "7/8 call open 7f\n"
	    "7/8 return open 6\n"
	    "7/8 file 6 0 21 0 0 0 8000 1 \"aim\"\n"
	    "7/8 call open 7f\n"
	    "7/8 return open fffffffffffffffe\n"
	    "7/8 file 6 0 21 0 1000 0 8000 1 \"aim\"\n"
	    "7/8 file 6 0 21 0 1000 0 8000 1\n"
	    "7/8 call mmap 0 10000 3 1 6\n");
}

static void
paths_are_of_the_next_call(void **state)
{
	(void)state;
	BPF(T "P 0 a\n" T "P 1 b c\n" T "E 52 7f 7f 0 0 0 0\n" T "R 52 0\n" T
	      "P 0 d\n" T "E 57 7f 0 0 0 0 0\n" T "R 57 0\n" T
	      "E 57 7f 0 0 0 0 0\n",
	    "7/8 call rename 7f 7f \"a\" \"b c\"\n"
	    "7/8 return rename\n"
	    "7/8 call unlink 7f \"d\"\n"
	    "7/8 return unlink\n"
	    "7/8 call unlink 7f\n");
}

static void
threads_and_images_are_told(void **state)
{
	(void)state;
	BPF(T "N 9 3d0f00\n" T "N 10 1200000\n" T "P 0 /bin/x\n" T
	      "E 3b 7f 7f 7f 0 0 0\n" T "C\n" T "R 3b 0\n" T "P 0 /bin/y\n" T
	      "E 3b 7f 7f 7f 0 0 0\n" T "R 3b fffffffffffffffe\n",
	    "7/9 fork 7 8 3d0f00\n"
	    "10/10 fork 7 8 1200000\n"
	    "7/8 call execve 7f 7f 7f \"/bin/x\"\n"
	    "7/8 exec\n"
	    "7/8 call execve 7f 7f 7f \"/bin/y\"\n"
	    "7/8 return execve fffffffffffffffe\n");
}

static void
pages_mapped_around_a_fault_are_counted_for_their_file(void **state)
{
	char records[128];

	(void)state;
	(void)snprintf(records, sizeof(records),
	    "7/8 note %x f fe00000000 51423\n7/8 note %x 0 0 9\n",
	    (unsigned)RECORD_MAPPED_AROUND, (unsigned)RECORD_MAPPED_AROUND);
	BPF(T "A fe00000 51423 d2 e1\n" T "A 0 9 3 3\n", records);
}

static void
what_the_script_does_not_print_is_refused(void **state)
{
	static const char *const bad[] = {
		"hello",
		"Lost events",
		"100",
		"100 7",
		"100 7 8",
		"100 7 8 ",
		"100 7 99999999999 X",
		"100 7 8 Z",
		T "U 10",
		T "U x 7",
		T "K  10 7",
		T "A 0 9 3 2",
		T "E 9 0 1 2 3 4",
		T "R 9",
		T "P 0",
		T "P 2 x",
		T "F 4 0 20 81a4 0 0 8000 1",
		T "F 4 0 20 81a4 0 0 8000 z x",
		T "N 9",
		T "N x 9",
	};
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_bpf, false);
	for (size_t i = 0; i < nitems(bad); i++)
		rt_refused(&rt, bad[i], "");
	rt_lines(&rt, T "C\n");
	assert_string_equal(rt_text(&rt), "7/8 exec\n");
	rt_end(&rt);
}

/* How often a text stands in another. */
static unsigned
times(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* The script cannot read raw_sys.def. */
static void
the_script_knows_every_call_that_matters(void **state)
{
	char path[4200], line[64];
	struct blob script;
	unsigned n = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "scripts/page-faults.bt");
	script = file_read(path);
	for (unsigned i = 0; i < RAW_NSYS; i++) {
		const struct raw_sys *rs = &raw_sys[i];

		if (rs->rs_nr < 0)
			continue;
		(void)snprintf(line, sizeof(line), "@nr[%d] = 1;\t/* %s */\n",
		    rs->rs_nr, rs->rs_name);
		if (times((char *)script.bl_data, line) != 1)
			fail_msg("scripts/page-faults.bt lacks: %s", line);
		n++;
		/* Calls with paths stand in the probes that print these. */
		(void)snprintf(line, sizeof(line), "args->id == %d)",
		    rs->rs_nr);
		if (rs->rs_paths == 0 || strstr((char *)script.bl_data, line))
			continue;
		(void)snprintf(line, sizeof(line), "args->id == %d ",
		    rs->rs_nr);
		assert_non_null(strstr((char *)script.bl_data, line));
	}
	assert_int_equal(times((char *)script.bl_data, "@nr["), n + 2);
	free(script.bl_data);
}

static void
damage_is_survived(void **state)
{
	(void)state;
	rt_damage(&text_bpf, "import/bpftrace.txt", 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_and_calls_are_in_hexadecimal),
		cmocka_unit_test(a_fault_that_the_kernel_takes_twice_is_one),
		cmocka_unit_test(what_is_opened_has_the_path_it_was_opened_by),
		cmocka_unit_test(paths_are_of_the_next_call),
		cmocka_unit_test(threads_and_images_are_told),
		cmocka_unit_test(
		    pages_mapped_around_a_fault_are_counted_for_their_file),
		cmocka_unit_test(what_the_script_does_not_print_is_refused),
		cmocka_unit_test(the_script_knows_every_call_that_matters),
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
