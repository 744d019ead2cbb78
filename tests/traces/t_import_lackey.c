#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/rawtest.h"
#include "tests/traces/tracetest.h"
#include "traces/lackey.h"
#include "traces/preload/ring.h"

#define LACKEY(lines, records) RT_IS(&text_lackey, lines, records)

/* The first call that a process makes lets its number be known. */
#define BRK "SYSCALL[7,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4) \n"

static void
accesses_are_those_of_the_process_that_was_last_named(void **state)
{
	(void)state;
	LACKEY("I  04000000,3\n"
	       " L 1ffeffed10,8\n" BRK "I  04000003,3\n"
	       " L 1ffeffed10,8\n"
	       " S 00000000,16\n"
	       " M ffffffffffffffff,1\n",
	    "7/7 read 1ffeffed10 8\n"
	    "7/7 write 0 10\n"
	    "7/7 write ffffffffffffffff 1\n");
}

static void
time_is_the_count_of_lines_of_memory(void **state)
{
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_lackey, true);
	rt.rt_times = true;
	rt_lines(&rt,
	    BRK "I  04000000,3\n"
		" L 10,8\n"
		" M 20,8\n"
		"\n"
		"SYSCALL[7,1](74) sys_fsync ( 3 )[sync] --> Success(0x0) \n"
		" S 30,8\n");
	assert_string_equal(rt_text(&rt),
	    "0 7/7 ifetch 4000000 3\n"
	    "1 7/7 read 10 8\n"
	    "2 7/7 write 20 8\n"
	    "3 7/7 call fsync 3\n"
	    "3 7/7 return fsync\n"
	    "3 7/7 write 30 8\n");
	assert_int_equal(lackey_time(rt.rt_parser), 4);
	rt_end(&rt);
}

static void
calls_end_at_once_or_later_or_on_the_next_line(void **state)
{
	(void)state;
	LACKEY("SYSCALL[7,1](9) sys_mmap ( 0x0, 65536, 3, 1, 3, 0 ) --> "
	       "[pre-success] Success(0x4a2d000) \n"
	       "SYSCALL[7,1](77) sys_ftruncate ( 3, 18446744073709551615 ) --> "
	       "[async] ... \n"
	       "--7--   SCHED[1]: releasing lock (VG_(client_syscall)[async]) "
	       "-> VgTs_WaitSys\n"
	       "--7--   SCHED[1]:  acquired lock (VG_(client_syscall)[async])\n"
	       "SYSCALL[7,1](77) ... [async] --> Failure(0x16) \n"
	       "SYSCALL[7,1](435) unimplemented (by the kernel) syscall: 435! "
	       "(ni_syscall)\n"
	       " --> [pre-fail] Failure(0x26) \n"
	       "SYSCALL[7,1](325) --7-- WARNING: unhandled amd64-linux "
	       "syscall: 325\n"
	       "--7-- You may be able to write your own handler.\n"
	       " --> [pre-fail] Failure(0x26) \n"
	       "SYSCALL[7,1](326) sys_copy_file_range (5, 137422177528, 3, "
	       "137422177520, 10, 0)[sync] --> Success(0xa) \n"
	       "SYSCALL[7,1](72) sys_fcntl[ARG3=='arg'] ( 3, 0, 10 )[sync] --> "
	       "Success(0xb) \n"
	       "SYSCALL[7,1](8) sys_lseek ( 3, -1, 2 )[sync] --> "
	       "Success(0x1fff) \n"
	       "SYSCALL[7,1](162) sys_sync ( ) --> [async] ... \n"
	       "SYSCALL[7,1](15) sys_rt_sigreturn ( ) --> [pre-success] "
	       "NoWriteResult \n"
	       "SCHEDSETJMP(line 1211) tid 1, jumped=1476724588\n",
	    "7/7 call mmap 0 10000 3 1 3\n"
	    "7/7 return mmap 4a2d000\n"
	    "7/7 call ftruncate 3 ffffffffffffffff\n"
	    "7/7 return ftruncate ffffffffffffffea\n"
	    "7/7 call copy_file_range 5 1fff0004f8 3 1fff0004f0 a\n"
	    "7/7 return copy_file_range a\n"
	    "7/7 call fcntl 3 0 a\n"
	    "7/7 return fcntl b\n"
	    "7/7 call lseek 3 ffffffffffffffff 2\n"
	    "7/7 return lseek 1fff\n"
	    "7/7 call sync\n");
}

static void
paths_may_hold_what_stands_around_them(void **state)
{
	(void)state;
	LACKEY("SYSCALL[7,1](257) sys_openat ( 4294967196, 0x47b03c(/a b(x), 1 "
	       ")), 66, 384 ) --> [async] ... \n"
	       "SYSCALL[7,1](87) sys_unlink ( 0x47b01f(/x) )) )[sync] --> "
	       "Success(0x0) \n"
	       "SYSCALL[7,1](82) sys_rename ( 0x47b004(/a), b), 0x5(c) ) "
	       ")[sync] --> Success(0x0) \n"
	       "SYSCALL[7,1](316) sys_renameat2 ( 4, 0x47b011(/w3.tmp), "
	       "4294967196, 0x47b018(w4), 1 )[sync] --> Success(0x0) \n"
	       "SYSCALL[7,1](87) sys_unlink ( 0x47b01f() )[sync] --> "
	       "Success(0x0) \n",
	    "7/7 call openat ffffff9c 47b03c 42 180 \"/a b(x), 1 )\"\n"
	    "7/7 call unlink 47b01f \"/x) )\"\n"
	    "7/7 return unlink\n"
	    "7/7 call rename 47b004 5 \"/a), b\" \"c) \"\n"
	    "7/7 return rename\n"
	    "7/7 call renameat2 4 47b011 ffffff9c 47b018 1 \"/w3.tmp\" "
	    "\"w4\"\n"
	    "7/7 return renameat2\n"
	    "7/7 call unlink 47b01f \"\"\n"
	    "7/7 return unlink\n");
}

static void
paths_are_seen_from_the_folder_once_it_is_known(void **state)
{
	(void)state;
	LACKEY("SYSCALL[7,1](80) sys_chdir ( 0x1(a/b) )[sync] --> "
	       "Failure(0x2) \n"
	       "SYSCALL[7,1](87) sys_unlink ( 0x1(x) )[sync] --> "
	       "Success(0x0) \n"
	       "SYSCALL[7,1](80) sys_chdir ( 0x1(/tmp//./t) )[sync] --> "
	       "Success(0x0) \n"
	       "SYSCALL[7,1](80) sys_chdir ( 0x1(../u) )[sync] --> "
	       "Success(0x0) \n"
	       "SYSCALL[7,1](87) sys_unlink ( 0x1(x) )[sync] --> "
	       "Success(0x0) \n"
	       "SYSCALL[7,1](263) sys_unlinkat ( 5, 0x1(x) )[sync] --> "
	       "Success(0x0) \n"
	       "SYSCALL[7,1](263) sys_unlinkat ( -100, 0x1(x) )[sync] --> "
	       "Success(0x0) \n",
	    "7/7 call unlink 1 \"x\"\n"
	    "7/7 return unlink\n"
	    "7/7 call unlink 1 \"/tmp/u/x\"\n"
	    "7/7 return unlink\n"
	    "7/7 call unlinkat 5 1 \"x\"\n"
	    "7/7 return unlinkat\n"
	    "7/7 call unlinkat ffffffffffffff9c 1 \"/tmp/u/x\"\n"
	    "7/7 return unlinkat\n");
}

#define CLONE(tid)                                                             \
	"SYSCALL[7,1](56) sys_clone ( 3d0f00, 0x523cf70, 0x1, 0x2, 0x3 ) --> " \
	"[pre-success] Success(0x" tid ") --7--   SCHED[1]: releasing "        \
	"lock (VG_(vg_yield)) -> VgTs_Yielding\n"
#define CLONED(tid)                                                            \
	"7/7 call clone 3d0f00 523cf70 1 2 3\n"                                \
	"7/" tid " fork 7 7 3d0f00\n"

static void
threads_get_the_numbers_that_the_kernel_gave_them(void **state)
{
	(void)state;
	LACKEY(CLONE("a")
		   CLONE("b") "--7--   SCHED[2]:  acquired lock "
			      "(thread_wrapper(starting new thread))\n"
			      " L 10,8\n"
			      "SYSCALL[7,3](74) sys_fsync ( 3 ) --> "
			      "[async] ... \n"
			      " L 20,8\n"
			      "SYSCALL[7,2](60) exit( 0 ) --> "
			      "[pre-success] Success(0x0) \n"
			      "--7--   SCHED[3]:  acquired lock (x)\n"
			      "SYSCALL[7,3](74) ... [async] --> "
			      "Success(0x0) \n"
			      "--7--   SCHED[1]:  acquired lock (x)\n"
			      " L 30,8\n" CLONE(
				  "d") "--7--   SCHED[2]:  acquired lock "
				       "(x)\n"
				       " L 40,8\n"
				       "--7--   SCHED[9]:  acquired lock "
				       "(x)\n"
				       " L 50,8\n",
	    CLONED("10") "7/7 return clone a\n" CLONED(
		"11") "7/7 return clone b\n"
		      "7/10 read 10 8\n"
		      "7/11 call fsync 3\n"
		      "7/11 read 20 8\n"
		      "7/10 exit\n"
		      "7/11 return fsync\n"
		      "7/7 read 30 8\n" CLONED("13") "7/7 return clone d\n"
						     "7/13 read 40 8\n"
						     "7/37748743 read 50 8\n");
}

#define FORK                                                                   \
	"SYSCALL[7,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a2aa10, 0x0 )   "  \
	"clone(fork): process 7 created child 9\n"
#define FORKED                                                                 \
	"7/7 call clone 1200011 0 0 4a2aa10\n"                                 \
	"9/9 fork 7 7\n"

static void
after_a_fork_results_tell_parent_and_child_apart(void **state)
{
	(void)state;
	LACKEY(FORK " --> [pre-success] Success(0x9) --7--   SCHED[1]: "
		    "releasing lock (VG_(vg_yield)) -> VgTs_Yielding\n"
		    " L 10,8\n"
		    " --> [pre-success] Success(0x0) \n"
		    " L 20,8\n"
		    "--7--   SCHED[1]:  acquired lock (VG_(vg_yield))\n"
		    " L 30,8\n",
	    FORKED "7/7 return clone 9\n"
		   "7/7 read 10 8\n"
		   "9/9 read 20 8\n"
		   "7/7 read 30 8\n");
	/* The child is the quicker one. */
	LACKEY(FORK " --> [pre-success] Success(0x0) \n"
		    " L 20,8\n"
		    " --> [pre-success] Success(0x9) \n"
		    " L 10,8\n",
	    FORKED "9/9 read 20 8\n"
		   "7/7 return clone 9\n"
		   "7/7 read 10 8\n");
	/* It is so quick that it speaks before it is spoken of. */
	LACKEY("SYSCALL[7,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a2aa10, "
	       "0x0 ) --> [pre-success] Success(0x0) \n"
	       "   clone(fork): process 7 created child 9\n"
	       " --> [pre-success] Success(0x9) \n"
	       " L 10,8\n"
	       "--9--   SCHED[1]:  acquired lock (x)\n"
	       " L 20,8\n",
	    FORKED "7/7 return clone 9\n"
		   "7/7 read 10 8\n"
		   "9/9 read 20 8\n");
	/* And makes calls. */
	LACKEY("SYSCALL[7,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a2aa10, "
	       "0x0 ) --> [pre-success] Success(0x0) \n"
	       "SYSCALL[9,1](273) sys_set_robust_list ( 0x4a2aa20, 24 )[sync] "
	       "--> Success(0x0) \n"
	       " L 20,8\n"
	       "   clone(fork): process 7 created child 9\n"
	       " --> [pre-success] Success(0x9) \n"
	       " L 10,8\n"
	       "--9--   SCHED[1]:  acquired lock (x)\n"
	       " L 20,8\n",
	    FORKED "9/9 read 20 8\n"
		   "7/7 return clone 9\n"
		   "7/7 read 10 8\n"
		   "9/9 read 20 8\n");
	LACKEY("SYSCALL[7,1](58) sys_fork ( )   fork: process 7 created child "
	       "9\n"
	       " --> [pre-success] Success(0x9) \n"
	       " --> [pre-success] Success(0x0) \n"
	       "SYSCALL[9,1](231) exit_group( 0 ) --> [pre-success] "
	       "Success(0x0) \n"
	       "==9== Counted 1 call to main()\n"
	       " L 10,8\n"
	       "SYSCALL[7,1](61) ... [async] --> Success(0x9) \n"
	       " L 20,8\n",
	    "7/7 call fork\n"
	    "9/9 fork 7 7\n"
	    "7/7 return fork 9\n"
	    "9/9 exit group\n"
	    "7/7 read 20 8\n");
}

static void
execve_gives_the_process_another_image(void **state)
{
	(void)state;
	/* It fails, works, and works where valgrind does not follow. */
	LACKEY(CLONE("a") "SYSCALL[7,1](59) sys_execve ( 0x47b04f(/x), 0x1, "
			  "0x2 ) --> [pre-fail] Failure(0x2) \n"
			  "SYSCALL[7,1](59) sys_execve ( 0x1f(../y), 0x1, 0x2 "
			  ")==7== Lackey, an example Valgrind tool\n"
			  "==7== Command: ../y\n"
			  " L 10,8\n" BRK
			  "--7--   SCHED[2]:  acquired lock (x)\n"
			  " L 20,8\n"
			  "SYSCALL[7,1](59) sys_execve ( 0x1f(z), 0x1, 0x2 "
			  ")\n"
			  "==7== Lackey, an example Valgrind tool\n",
	    CLONED("10") "7/7 return clone a\n"
			 "7/7 call execve 47b04f 1 2 \"/x\"\n"
			 "7/7 return execve fffffffffffffffe\n"
			 "7/7 call execve 1f 1 2 \"../y\"\n"
			 "7/7 exec\n"
			 "7/7 read 10 8\n"
			 "7/8388615 read 20 8\n"
			 "7/7 call execve 1f 1 2 \"z\"\n"
			 "7/7 exec\n");
}

static void
a_signal_ends_the_process(void **state)
{
	(void)state;
	LACKEY("SYSCALL[7,1](62) sys_kill ( 7, 11 ) --> [pre-success] "
	       "Success(0x0) ==7== \n"
	       "==7== Process terminating with default action of signal 11 "
	       "(SIGSEGV)\n"
	       "==7==    at 0x408C27: kill (in /tmp/w)\n"
	       " L 10,8\n",
	    "7/7 exit group\n");
}

static void
arguments_that_valgrind_does_not_print_are_counted(void **state)
{
	char note[64];

	(void)state;
	(void)snprintf(note, sizeof(note), "7/7 note %x 1\n",
	    (unsigned)RECORD_UNKNOWN_CALLS);
	LACKEY("SYSCALL[7,1](328)  --> [async] ... \n"
	       "SYSCALL[7,1](328) ... [async] --> Success(0x8) \n"
	       "SYSCALL[7,1](9999)  --> [async] ... \n",
	    note);
}

#define HINT(words)                                                            \
	"SYSCALL[7,1](157) sys_prctl ( 1431719494, " words                     \
	" ) --> [async] ... \n"                                                \
	"SYSCALL[7,1](157) ... [async] --> Failure(0x16) \n"
#define OPEN(path, fd)                                                         \
	"SYSCALL[7,1](257) sys_openat ( 4294967196, 0x1(" path                 \
	"), 2 ) --> [async] ... \n"                                            \
	"SYSCALL[7,1](257) ... [async] --> Success(0x" fd ") \n"

static void
the_library_tells_of_files_by_prctl(void **state)
{
	char records[512];

	(void)state;
	assert_int_equal(RING_PRCTL, 1431719494);
	(void)snprintf(records, sizeof(records),
	    "7/7 call openat ffffff9c 1 2 \"/lib\"\n"
	    "7/7 return openat 3\n"
	    "7/7 start 100\n"
	    "7/7 call openat ffffff9c 1 2\n"
	    "7/7 return openat 4\n"
	    "7/7 file 4 fe00000000 1f 8000000000000000 10000 0 "
	    "ffffffffffffffff 1 \"/data\"\n"
	    "7/7 file 5 fe00000000 20 0 1 2 3 1\n"
	    "7/7 file ffffffffffffffff 1 2 3 4 5 6 7\n"
	    "7/7 shared 1\n"
	    "7/7 note %x 3\n",
	    (unsigned)RECORD_PINNED_PAGES);
	LACKEY(OPEN("/lib", "3") HINT("16, 256, 0, 0") OPEN("/data", "4")
		   HINT("0, 4, 1090921693184, 31") HINT(
		       "1, -9223372036854775808, 65536, 0") HINT("2, -1, 1, 0")
		       HINT("0, 5, 1090921693184, 32") HINT("1, 0, 1, 2")
			   HINT("2, 3, 1, 0") HINT("0, -1, 1, 2")
			       HINT("1, 3, 4, 5") HINT("2, 6, 7, 0")
				   HINT("17, 1, 0, 0") HINT("18, 8, 3, 0")
				       HINT("3, 1, 1, 1") HINT("99, 1, 1, 1"),
	    records);
	assert_int_equal(RECORD_PINNED_PAGES, 8);
}

static int
count(void *to, const struct raw *rw, struct errmsg *em)
{
	(void)em;
	*(uint64_t *)to += rw->rw_pid;
	return 0;
}

static void
streams_are_kept_apart(void **state)
{
	static const struct {
		uint32_t stream;
		const char *line;
	} lines[] = {
		{ 5, "==70== Lackey, an example Valgrind tool" },
		{ 1000000, "==900== Lackey, an example Valgrind tool" },
		{ 5, " L 10,8" },
		{ 1000000, " S 10,8" },
		{ 5, " L 20,8" },
	};
	struct errmsg em = { .em_text = "" };
	uint64_t sum = 0;
	struct lackey *lk;

	(void)state;
	must_em(lackey_create(&(struct raw_out){ count, &sum }, false, &lk,
		    &em),
	    &em);
	for (size_t i = 0; i < nitems(lines); i++)
		must_em(lackey_line(lk, lines[i].stream, lines[i].line,
			    strlen(lines[i].line), &em),
		    &em);
	assert_int_equal(sum, 70 + 900 + 70);
	assert_int_equal(lackey_time(lk), 3);
	lackey_destroy(lk);
}

/* How many records there are of each kind. */
static int
count_kinds(void *to, const struct raw *rw, struct errmsg *em)
{
	(void)em;
	((unsigned *)to)[rw->rw_kind]++;
	return 0;
}

static void
a_fork_with_a_file_of_its_own_is_no_other_image(void **state)
{
	static const struct {
		uint32_t stream;
		const char *line;
	} lines[] = {
		{ 7, "==7== Lackey, an example Valgrind tool" },
		{ 7,
		    "SYSCALL[7,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x1, 0x0 ) "
		    "  clone(fork): process 7 created child 9" },
		{ 9, "==9== Lackey, an example Valgrind tool" },
		{ 9, " --> [pre-success] Success(0x0) " },
		{ 9, " L 10,8" },
		{ 9, "SYSCALL[9,1](59) sys_execve ( 0x1(./x), 0x2, 0x3 )" },
		{ 9, "==9== Lackey, an example Valgrind tool" },
		{ 9, " L 20,8" },
	};
	unsigned kinds[RAW_NKINDS] = { 0 };
	struct errmsg em = { .em_text = "" };
	struct lackey *lk;

	(void)state;
	must_em(lackey_create(&(struct raw_out){ count_kinds, kinds }, false,
		    &lk, &em),
	    &em);
	for (size_t i = 0; i < nitems(lines); i++)
		must_em(lackey_line(lk, lines[i].stream, lines[i].line,
			    strlen(lines[i].line), &em),
		    &em);
	assert_int_equal(kinds[RAW_FORK], 1);
	assert_int_equal(kinds[RAW_EXEC], 1);
	assert_int_equal(kinds[RAW_ACCESS], 2);
	lackey_destroy(lk);
}

static void
what_is_not_lackeys_is_refused(void **state)
{
	static const char *const bad[] = {
		" L 10",
		" L 10,",
		" L ,8",
		" L 10,8 ",
		" L 1x,8",
		" L 11112222333344445,8",
		" L 10,1234567890",
		"I  zz,8",
		" X 10,8",
		"hello",
		"==x== hello",
		"--7-",
		"SYSCALL[7](12) sys_brk ( 0x0 )",
		"SYSCALL[7,0](12) sys_brk ( 0x0 )",
		"SYSCALL[7,65536](12) sys_brk ( 0x0 )",
		"SYSCALL[99999999999,1](12) sys_brk ( 0x0 )",
		"SYSCALL[7,1](9) sys_mmap",
		"SYSCALL[7,1](9) sys_mmap ( 0x0, 1",
		"SYSCALL[7,1](9) sys_mmap ( 1, 2, 3, 4, 5, 6, 7, 8, 9 )",
		"SYSCALL[7,1](87) sys_unlink ( 0x1(/a",
		"SYSCALL[7,1](3) sys_close ( 3 )[sync] --> Success(0x) ",
		"SYSCALL[7,1](3) sys_close ( 3 )[sync] --> Failure(0x1000) ",
		"--7--   SCHED[x]:  acquired lock",
	};
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_lackey, false);
	for (size_t i = 0; i < nitems(bad); i++)
		rt_refused(&rt, bad[i], "");
	rt_refused(&rt, " L 10;8\033[1m", "' L 10;8?[1m'");
	/* It goes on. */
	rt_lines(&rt, BRK " L 10,8\n");
	rt_end(&rt);
}

static void
without_calls_there_are_no_maps(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_lackey, false);
	rt_lines(&rt,
	    "==7== Lackey, an example Valgrind tool\n"
	    " L 10,8\n");
	assert_int_equal(text_lackey.tf_end(rt.rt_parser, &em), EBADMSG);
	assert_non_null(strstr(em.em_text, "--trace-syscalls=yes"));
	rt_end(&rt);
}

static void
damage_is_survived(void **state)
{
	(void)state;
	rt_damage(&text_lackey, "import/lackey.txt.zst", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    accesses_are_those_of_the_process_that_was_last_named),
		cmocka_unit_test(time_is_the_count_of_lines_of_memory),
		cmocka_unit_test(
		    calls_end_at_once_or_later_or_on_the_next_line),
		cmocka_unit_test(paths_may_hold_what_stands_around_them),
		cmocka_unit_test(
		    paths_are_seen_from_the_folder_once_it_is_known),
		cmocka_unit_test(
		    threads_get_the_numbers_that_the_kernel_gave_them),
		cmocka_unit_test(
		    after_a_fork_results_tell_parent_and_child_apart),
		cmocka_unit_test(execve_gives_the_process_another_image),
		cmocka_unit_test(a_signal_ends_the_process),
		cmocka_unit_test(
		    arguments_that_valgrind_does_not_print_are_counted),
		cmocka_unit_test(the_library_tells_of_files_by_prctl),
		cmocka_unit_test(streams_are_kept_apart),
		cmocka_unit_test(
		    a_fork_with_a_file_of_its_own_is_no_other_image),
		cmocka_unit_test(what_is_not_lackeys_is_refused),
		cmocka_unit_test(without_calls_there_are_no_maps),
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
