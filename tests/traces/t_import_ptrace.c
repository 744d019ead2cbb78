#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/rawtest.h"

#define PTRACE(lines, records) RT_IS(&text_ptrace, lines, records)
#define T		       "    14.226 ( 0.000 ms): sample/7 "

static void
faults_name_a_file_or_an_address(void **state)
{
	(void)state;
	PTRACE(T "majfault [main+0xa3] => /t/store \"1\".db@0x8 (d.)\n" T
		 "minfault [_copy_to_iter+0x80] => 0x7f28ca56c000 (?k)\n" T
		 "minfault [main+0x2e5] => 0x7f73c94fd008 (?.)\n" T
		 "minfault [x] => /t/a@0x1@0x2fff (d.)\n" T
		 "minfault [brk+0x0] => //anon@0x7f2529f08000 (d.)\n" T
		 "minfault [brk+0x0] => [stack]@0x7ffc2cae5dd8 (d.)\n",
	    "7/7 read 8 1 \"/t/store \"1\".db\"\n"
	    "7/7 read kernel 7f28ca56c000 1\n"
	    "7/7 read 7f73c94fd008 1\n"
	    "7/7 read 2fff 1 \"/t/a@0x1\"\n");
}

static void
programs_and_libraries_are_told_by_their_names(void **state)
{
	(void)state;
	PTRACE(T "minfault [main+0x0] => /t/sample@0x8 (d.)\n" T
		 "minfault [main+0x0] => /t/sample.db@0x8 (d.)\n" T
		 "minfault [main+0x0] => /lib/libc.so.6@0x8 (d.)\n" T
		 "minfault [main+0x0] => /lib/libx.so@0x8 (d.)\n" T
		 "minfault [main+0x0] => /tmp/perf-vdso.so-a5HDiy@0x8 (d.)\n" T
		 "minfault [main+0x0] => /lib/x.solid@0x8 (d.)\n",
	    "7/7 ifetch 8 1 \"/t/sample\"\n"
	    "7/7 read 8 1 \"/t/sample.db\"\n"
	    "7/7 ifetch 8 1 \"/lib/libc.so.6\"\n"
	    "7/7 ifetch 8 1 \"/lib/libx.so\"\n"
	    "7/7 ifetch 8 1 \"/tmp/perf-vdso.so-a5HDiy\"\n"
	    "7/7 read 8 1 \"/lib/x.solid\"\n");
}

static void
calls_have_names_for_what_is_not_0(void **state)
{
	(void)state;
	PTRACE(T
	    "mmap(len: 65536, prot: READ|WRITE, flags: SHARED, fd: 4, off: "
	    "0x26000) = 0x7f28ca565000\n" T
	    "mmap(len: 8192, prot: READ|WRITE, flags: PRIVATE|ANONYMOUS)    "
	    "= 0x7f28ca766000\n" T
	    "msync(start: 139813170073600, len: 16384, flags: 4)  = 0\n" T
	    "ftruncate(fd: 4</t/x>, length: -1)   = -1 EINVAL (Invalid "
	    "argument)\n" T "madvise(start: 0x10, len_in: 8372224, behavior: "
	    "MADV_DONTNEED) = 0\n" T
	    "madvise(start: 0x10, len_in: 1, behavior: RANDOM) = 0\n" T
	    "openat(dfd: CWD, filename: 0xab126004, flags: "
	    "RDWR|CLOEXEC|CREAT|TRUNC, mode: IRUGO|IWUSR) = 4\n" T
	    "openat(dfd: CWD, filename: \"/t/y\", flags: RDONLY) = 5\n" T
	    "rename(oldname: \"a\", newname: \"b\") = 0\n" T
	    "fallocate(fd: 4, mode: 3, len: 4096) = 0\n" T
	    "close(fd: 5)                    = 0\n" T
	    "sync()                          = 0\n" T
	    "getpid()                        = 7 (sample)\n",
	    "7/7 call mmap 0 10000 3 1 4 26000\n"
	    "7/7 return mmap 7f28ca565000\n"
	    "7/7 call mmap 0 2000 3 22 ffffffffffffffff\n"
	    "7/7 return mmap 7f28ca766000\n"
	    "7/7 call msync 7f28ca565000 4000 4\n"
	    "7/7 return msync\n"
	    "7/7 file 4 0 0 0 ffffffffffffffff ffffffffffffffff "
	    "ffffffffffffffff 1 \"/t/x\"\n"
	    "7/7 call ftruncate 4 ffffffffffffffff\n"
	    "7/7 return ftruncate ffffffffffffffea\n"
	    "7/7 call madvise 10 7fc000 4\n"
	    "7/7 return madvise\n"
	    "7/7 call madvise 10 1 1\n"
	    "7/7 return madvise\n"
	    "7/7 call openat ffffffffffffffff ab126004 80242\n"
	    "7/7 return openat 4\n"
	    "7/7 call openat ffffffffffffffff 1 \"/t/y\"\n"
	    "7/7 return openat 5\n"
	    "7/7 call rename 1 1 \"a\" \"b\"\n"
	    "7/7 return rename\n"
	    "7/7 call fallocate 4 3 0 1000\n"
	    "7/7 return fallocate\n"
	    "7/7 call close 5\n"
	    "7/7 return close\n"
	    "7/7 call sync\n"
	    "7/7 return sync\n");
}

static void
values_that_perf_has_no_word_for_are_unknown(void **state)
{
	(void)state;
	PTRACE(T "madvise(start: 0x10, len_in: 1, behavior: ) = 0\n",
	    "7/7 call madvise 10 1 ffffffffffffffff\n"
	    "7/7 return madvise\n");
}

static void
results_may_be_names_or_nothing(void **state)
{
	(void)state;
	PTRACE(T "getppid()                    = \n" T
		 "fcntl(fd: 4, cmd: GETFL)     = RDWR|LARGEFILE\n" T
		 "fcntl(fd: 4, cmd: DUPFD)     = 5\n",
	    "7/7 call fcntl 4 ffffffffffffffff\n"
	    "7/7 return fcntl\n"
	    "7/7 call fcntl 4\n"
	    "7/7 return fcntl 5\n");
}

static void
descriptors_of_libraries_are_not_believed(void **state)
{
	(void)state;
	PTRACE(T "mmap(len: 4096, prot: READ|EXEC, flags: "
		 "PRIVATE|FIXED|DENYWRITE, fd: 4</t/store>) = 0x10000\n",
	    "7/7 call mmap 0 1000 5 832 4\n"
	    "7/7 return mmap 10000\n");
}

static void
a_call_ends_as_long_after_its_beginning_as_it_took(void **state)
{
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_ptrace, false);
	rt.rt_times = true;
	rt_lines(&rt,
	    "     1.500 ( 0.025 ms): my prog/7 sync()       = 0\n"
	    "     ? (         ): my prog/7  ... [continued]: execve())   = 0\n"
	    "     2.000 (         ): my prog/7 fsync(fd: 3)           ...\n"
	    "     2.100 (         ): my prog/7 futex(uaddr: 0x7f, op: "
	    "WAIT) ...\n"
	    "     2.000 ( 6.938 ms): my prog/7  ... [continued]: fsync())   "
	    "= 0\n"
	    "     2.000 ( 6.938 ms): my prog/7  ... [continued]: fsync())   "
	    "= 0\n");
	assert_string_equal(rt_text(&rt),
	    "1500000 7/7 call sync\n"
	    "1525000 7/7 return sync\n"
	    "2000000 7/7 call fsync 3\n"
	    "8938000 7/7 return fsync\n");
	rt_end(&rt);
}

#define OF(tid) "    14.226 ( 0.000 ms): sample/" tid " "

static void
what_makes_a_thread_tells_its_process(void **state)
{
	(void)state;
	PTRACE(
	    OF("7") "clone3(uargs: 0x7ffc, size: 88)  = 8\n" OF("8") "sync() = 0\n" OF(
		"8") "clone(clone_flags: CHILD_CLEARTID|CHILD_SETTID|0x11, "
		     "child_tidptr: 0x32) = 9 (sample)\n"
		     "         ? (         ): sample/9  ... [continued]: clone())   "
		     "= \n" OF("9") "sync() = 0\n" OF("9") "execve(filename: 0xf9, argv: 0x7f, envp: 0x7f) = 0\n" OF(
			 "9") "exit_group()      = ?\n" OF("10") "minfault [x] => 0x10 (?.)\n"
								 "         ? (         ): sample/11  ... [continued]: "
								 "vfork())   = 0\n" OF(
								     "8") "exit()            = ?\n",
	    "7/7 call clone3 7ffc 58\n"
	    "7/8 fork 7 7 10100\n"
	    "7/7 return clone3 8\n"
	    "7/8 call sync\n"
	    "7/8 return sync\n"
	    "7/8 call clone 1200011 0 0 32\n"
	    "9/9 fork 7 8 1200011\n"
	    "7/8 return clone 9\n"
	    "9/9 call sync\n"
	    "9/9 return sync\n"
	    "9/9 call execve f9 7f 7f\n"
	    "9/9 exec\n"
	    "9/9 exit group\n"
	    "7/10 fork 7 7 10100\n"
	    "7/10 read 10 1\n"
	    "11/11 fork 7 7\n"
	    "7/8 exit\n");
}

static void
fork_and_vfork_make_processes(void **state)
{
	(void)state;
	PTRACE(OF("7") "fork() = 8\n" OF("8") "vfork() = 9\n" OF(
		   "9") "sync() = 0\n" OF("8") "fork() = -1 EAGAIN (Resource "
					       "temporarily unavailable)\n",
	    "7/7 call fork\n"
	    "8/8 fork 7 7\n"
	    "7/7 return fork 8\n"
	    "8/8 call vfork\n"
	    "9/9 fork 8 8 4100\n"
	    "8/8 return vfork 9\n"
	    "9/9 call sync\n"
	    "9/9 return sync\n"
	    "8/8 call fork\n"
	    "8/8 return fork fffffffffffffff5\n");
}

static void
what_is_not_perf_traces_is_refused(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "hello", "no line of perf trace" },
		{ "1.0 hello", "no line of perf trace" },
		{ "1.0 ( 0.1 s): a/7 sync() = 0", "no line of perf trace" },
		{ "1.0 ( 0.1 ms): a7 sync() = 0", "no line of perf trace" },
		{ T "minfault [x] => ", "no page fault" },
		{ T "minfault [x] => /t/x (d.)", "no place of a fault" },
		{ T "minfault [x] => /t/x@0xz (d.)", "no place of a fault" },
		{ T "minfault [x] 0x10 (d.)", "no page fault" },
		{ T "sync", "no system call" },
		{ T "sync()", "no result" },
		{ T "fsync(3) = 0", "an argument has no name" },
		{ T "msync(flags: NEW) = 0", "a constant is not known" },
		{ T "fsync(fd: $) = 0", "not understood" },
		{ T "fsync(fd 3) = 0", "an argument has no name" },
	};
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_ptrace, false);
	for (size_t i = 0; i < nitems(cases); i++)
		rt_refused(&rt, cases[i].line, cases[i].text);
	rt_lines(&rt, "\n" T "sync() = 0\n");
	assert_string_equal(rt_text(&rt),
	    "7/7 call sync\n"
	    "7/7 return sync\n");
	rt_end(&rt);
}

static void
damage_is_survived(void **state)
{
	(void)state;
	rt_damage(&text_ptrace, "import/perf-trace.txt", 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_name_a_file_or_an_address),
		cmocka_unit_test(
		    programs_and_libraries_are_told_by_their_names),
		cmocka_unit_test(calls_have_names_for_what_is_not_0),
		cmocka_unit_test(values_that_perf_has_no_word_for_are_unknown),
		cmocka_unit_test(results_may_be_names_or_nothing),
		cmocka_unit_test(descriptors_of_libraries_are_not_believed),
		cmocka_unit_test(
		    a_call_ends_as_long_after_its_beginning_as_it_took),
		cmocka_unit_test(what_makes_a_thread_tells_its_process),
		cmocka_unit_test(fork_and_vfork_make_processes),
		cmocka_unit_test(what_is_not_perf_traces_is_refused),
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
