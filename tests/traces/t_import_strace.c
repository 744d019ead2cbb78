#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/traces/rawtest.h"

#define STRACE(lines, records) RT_IS(&text_strace, lines, records)
#define T		       "1795743511.837217 "

/* What strace says of a descriptor that it prints the path of. */
#define GUESS(pid, fd, path)                                                   \
	pid " file " fd " 0 0 0 ffffffffffffffff ffffffffffffffff "            \
	    "ffffffffffffffff 1 \"" path "\"\n"

static void
calls_have_arguments_and_a_result(void **state)
{
	(void)state;
	STRACE("7 " T "mmap(NULL, 65536, PROT_READ|PROT_WRITE, MAP_SHARED, 3, "
	       "0x1000) = 0x7f0 <0.000072>\n"
	       "7 " T "ftruncate(3, 18446744073709551615) = -1 EINVAL (Invalid "
	       "argument) <0.000065>\n"
	       "7 " T "sync()          = 0 <0.000689>\n"
	       "7 " T "msync(0x1000, 90112, MS_SYNC|MS_INVALIDATE) = 0\n"
	       "7 " T "mmap(NULL, 1, PROT_NONE, MAP_SHARED|21<<MAP_HUGE_SHIFT, "
	       "3, 0) = 0x10\n"
	       "7 " T "fallocate(3, 0x80 /* FALLOC_FL_??? */, 0, 4096) = -1 "
	       "EOPNOTSUPP (Operation not supported) <0.000063>\n"
	       "7 " T "lseek(3, -1, SEEK_END) = 8218\n"
	       "7 " T "splice(5, [0], 9, NULL, 10, 0) = 10\n"
	       "7 " T "fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)\n"
	       "7 " T "writev(3, [{iov_base=\"a)\\\"\\n\", iov_len=8}, "
	       "{iov_base=\"\"..., iov_len=3}], 2) = 11\n"
	       "7 " T "getpid()        = 7\n"
	       "7 " T "something(else) = new\n",
	    "7/7 call mmap 0 10000 3 1 3 1000\n"
	    "7/7 return mmap 7f0\n"
	    "7/7 call ftruncate 3 ffffffffffffffff\n"
	    "7/7 return ftruncate ffffffffffffffea\n"
	    "7/7 call sync\n"
	    "7/7 return sync\n"
	    "7/7 call msync 1000 16000 6\n"
	    "7/7 return msync\n"
	    "7/7 call mmap 0 1 0 54000001 3\n"
	    "7/7 return mmap 10\n"
	    "7/7 call fallocate 3 80 0 1000\n"
	    "7/7 return fallocate ffffffffffffffa1\n"
	    "7/7 call lseek 3 ffffffffffffffff ffffffffffffffff\n"
	    "7/7 return lseek 201a\n"
	    "7/7 call splice 5 1 9 0 a\n"
	    "7/7 return splice a\n"
	    "7/7 call fcntl 3 ffffffffffffffff\n"
	    "7/7 return fcntl 8002\n"
	    "7/7 call writev 3 1 2\n"
	    "7/7 return writev b\n");
}

static void
times_are_absolute_of_the_day_or_relative(void **state)
{
	static const struct {
		const char *lines, *records;
	} cases[] = {
		{ "7 1795743511.837217 sync() = 0 <0.000689>\n"
		  "1795743511.900000 sync() = 0\n",
		    "1795743511837217000 7/7 call sync\n"
		    "1795743511837906000 7/7 return sync\n"
		    "1795743511900000000 1/1 call sync\n"
		    "1795743511900000000 1/1 return sync\n" },
		{ "[pid 7] 23:59:59.999999 sync() = 0\n"
		  "[pid     7] 00:00:01.5 sync() = 0\n"
		  "7 00:00:02 sync() = 0\n",
		    "86399999999000 7/7 call sync\n"
		    "86399999999000 7/7 return sync\n"
		    "86401500000000 7/7 call sync\n"
		    "86401500000000 7/7 return sync\n"
		    "86402000000000 7/7 call sync\n"
		    "86402000000000 7/7 return sync\n" },
		{ "7      0.000000 sync() = 0 <0.5>\n"
		  "7      1.250000 getpid() = 7\n"
		  "7      0.000136 sync() = 0\n",
		    "0 7/7 call sync\n"
		    "500000000 7/7 return sync\n"
		    "1250136000 7/7 call sync\n"
		    "1250136000 7/7 return sync\n" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct rt rt;

		rt_begin(&rt, &text_strace, false);
		rt.rt_times = true;
		rt_lines(&rt, cases[i].lines);
		assert_string_equal(rt_text(&rt), cases[i].records);
		rt_end(&rt);
	}
}

static void
descriptors_tell_their_files(void **state)
{
	(void)state;
	STRACE("7 " T "openat(AT_FDCWD</t>, \"l\", O_RDWR|O_CREAT, 0644) = "
	       "3</t/store \\\"1\\\">\n"
	       "7 " T "fsync(3</t/store \\\"1\\\">) = 0\n"
	       "7 " T "sendfile(1<pipe:[1]>, 5</t/a\\76b>(deleted), NULL, 9) = "
	       "0\n"
	       "7 " T "fsync(8</dev/null<char 1:3>>) = 0\n"
	       "7 " T "sendto(9<TCP:[127.0.0.1:80->127.0.0.1:9]>, \"x\", 1, "
	       "MSG_NOSIGNAL, NULL, 0) = 1\n",
	    "7/7 call openat ffffffffffffff9c 1 42 1a4\n"
	    "7/7 return openat 3\n" GUESS("7/7", "3",
		"/t/store \"1\"") GUESS("7/7", "3",
		"/t/store \"1\"") "7/7 call fsync 3\n"
				  "7/7 return fsync\n" GUESS("7/7", "5",
				      "/t/a>b (deleted)") "7/7 call sendfile 1 5 0 9\n"
							  "7/7 return sendfile\n"
							  "7/7 call fsync 8\n"
							  "7/7 return fsync\n"
							  "7/7 call sendto 9 1 1 ffffffffffffffff\n"
							  "7/7 return sendto 1\n");
}

static void
fstat_tells_sizes(void **state)
{
	(void)state;
	STRACE("7 " T "newfstatat(3</t/x>, \"\", {st_mode=S_IFREG|0644, "
	       "st_size=46355, ...}, AT_EMPTY_PATH) = 0\n"
	       "7 " T "fstat(4</t/y>, {st_mode=S_IFREG|0644, st_size=5, ...}) "
	       "= 0\n"
	       "7 " T "fstat(4</t/y>, {st_mode=S_IFDIR|0644, st_size=5, ...}) "
	       "= 0\n"
	       "7 " T "fstat(4</t/y>, 0x7ffe) = -1 EFAULT (Bad address)\n",
	    "7/7 file 3 0 0 0 b513 ffffffffffffffff ffffffffffffffff 1 "
	    "\"/t/x\"\n"
	    "7/7 file 4 0 0 0 5 ffffffffffffffff ffffffffffffffff 1 "
	    "\"/t/y\"\n");
}

static void
paths_are_seen_from_their_folder(void **state)
{
	(void)state;
	STRACE("7 " T "unlink(\"a\") = 0\n"
	       "7 " T "unlinkat(AT_FDCWD</t/u>, \"./b\", 0) = 0\n"
	       "7 " T "rename(\"../c\\303\\244\\\\\", \"/d//e\") = 0\n"
	       "7 " T "chdir(\"sub\") = 0\n"
	       "7 " T "unlink(\"f\") = 0\n"
	       "7 " T "chdir(\"gone\") = -1 ENOENT (No such file or "
	       "directory)\n"
	       "7 " T "fchdir(4</v>) = 0\n"
	       "7 " T "truncate(\"g\", 12288) = 0\n"
	       "7 " T "renameat2(4</v>, \"h\", AT_FDCWD</v>, \"i\", "
	       "RENAME_NOREPLACE) = 0\n"
	       "7 " T "openat(AT_FDCWD, \"j\", O_RDONLY) = 3\n",
	    "7/7 call unlink 1 \"a\"\n"
	    "7/7 return unlink\n"
	    "7/7 call unlinkat ffffffffffffff9c 1 \"/t/u/b\"\n"
	    "7/7 return unlinkat\n"
	    "7/7 call rename 1 1 \"/t/c\303\244\\\" \"/d/e\"\n"
	    "7/7 return rename\n"
	    "7/7 call unlink 1 \"/t/u/sub/f\"\n"
	    "7/7 return unlink\n"
	    "7/7 call truncate 1 3000 \"/v/g\"\n"
	    "7/7 return truncate\n"
	    "7/7 call renameat2 4 1 ffffffffffffff9c 1 1 \"/v/h\" "
	    "\"/v/i\"\n"
	    "7/7 return renameat2\n"
	    "7/7 call openat ffffffffffffff9c 1 \"/v/j\"\n"
	    "7/7 return openat 3\n");
}

static void
interrupted_calls_are_put_together(void **state)
{
	(void)state;
	STRACE("7 " T "msync(0x1000, 4096, MS_SYNC <unfinished ...>\n"
	       "8 " T "read(3,  <unfinished ...>\n"
	       "9 " T "sync( <unfinished ...>\n"
	       "7 " T "<... msync resumed>) = 0 <0.1>\n"
	       "8 " T "<... read resumed>\"\\177E\"..., 832) = 832\n"
	       "9 " T "<... sync resumed> )     = 0\n"
	       "7 " T "fsync(3 <unfinished ...>\n"
	       "7 " T "--- SIGUSR1 {si_signo=SIGUSR1} ---\n"
	       "7 " T
	       "<... fsync resumed>) = ? ERESTARTSYS (To be restarted if "
	       "SA_RESTART is set)\n"
	       "7 " T "fsync(3) = 0\n"
	       "8 " T "wait4(-1,  <detached ...>\n"
	       "9 " T "<... futex resumed>) = 0\n",
	    "7/7 call msync 1000 1000 4\n"
	    "9/9 call sync\n"
	    "7/7 return msync\n"
	    "8/8 call read 3 1 340\n"
	    "8/8 return read 340\n"
	    "9/9 return sync\n"
	    "7/7 call fsync 3\n"
	    "7/7 return fsync fffffffffffffffc\n"
	    "7/7 call fsync 3\n"
	    "7/7 return fsync\n");
}

#define THREAD                                                                 \
	"CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|"            \
	"CLONE_SYSVSEM"

static void
what_makes_a_thread_tells_its_process(void **state)
{
	(void)state;
	STRACE("7 " T "clone3({flags=" THREAD
	       ", child_tid=0x7f, stack_size=0x7fff80} => "
	       "{parent_tid=[8]}, 88) = 8 <0.000161>\n"
	       "8 " T "clone(child_stack=0x7f, flags=" THREAD
	       "|CLONE_SETTLS, tls=0x7f <unfinished ...>\n"
	       "9 " T "sync() = 0\n"
	       "8 " T "<... clone resumed>) = 9\n"
	       "9 " T "chdir(\"/nine\") = 0\n"
	       "7 " T "clone(child_stack=NULL, "
	       "flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 10\n"
	       "10 " T "unlink(\"x\") = 0\n"
	       "10 " T "fork() = 11\n"
	       "9 " T "+++ exited with 0 +++\n"
	       "11 " T "vfork( <unfinished ...>\n"
	       "12 " T "sync() = 0\n"
	       "12 " T "exit_group(0)     = ?\n"
	       "12 " T "+++ killed by SIGSEGV (core dumped) +++\n"
	       "11 " T "<... vfork resumed>) = 12\n"
	       "11 " T "fork() = 9\n"
	       "9 " T "sync() = 0\n",
	    "7/7 call clone3 1 58\n"
	    "7/8 fork 7 7 50f00\n"
	    "7/7 return clone3 8\n"
	    "7/8 call clone d0f00 d0f00 7f\n"
	    "7/9 fork 7 8 d0f00\n"
	    "7/9 call sync\n"
	    "7/9 return sync\n"
	    "7/8 return clone 9\n"
	    "7/7 call clone 1000000 1000000 7f\n"
	    "10/10 fork 7 7 1000000\n"
	    "7/7 return clone a\n"
	    "10/10 call unlink 1 \"/nine/x\"\n"
	    "10/10 return unlink\n"
	    "10/10 call fork\n"
	    "11/11 fork a a\n"
	    "10/10 return fork b\n"
	    "7/9 exit\n"
	    "11/11 call vfork\n"
	    "12/12 fork b b 4100\n"
	    "12/12 call sync\n"
	    "12/12 return sync\n"
	    "12/12 exit\n"
	    "11/11 return vfork c\n"
	    "11/11 call fork\n"
	    "9/9 fork b b\n"
	    "11/11 return fork 9\n"
	    "9/9 call sync\n"
	    "9/9 return sync\n");
	assert_int_equal(CLONE_VM | CLONE_VFORK, 0x4100);
}

static void
execve_gives_the_process_another_image(void **state)
{
	(void)state;
	STRACE("7 " T
	       "execve(\"/bin/x\", [\"x\", \"a, b)\"], 0x7ffd /* 37 vars "
	       "*/) = 0 <0.0003>\n"
	       "7 " T "execve(\"/bin/y\", [\"y\"], 0x7ffd /* 37 vars */) = -1 "
	       "ENOENT (No such file or directory)\n"
	       "7 " T "clone3({flags=" THREAD "}, 88) = 8\n"
	       "8 " T "execve(\"/bin/z\", [\"z\"], 0x7ffd /* 1 var */ "
	       "<unfinished ...>\n"
	       "7 " T "+++ superseded by execve in pid 8 +++\n"
	       "7 " T "<... execve resumed>) = 0\n",
	    "7/7 call execve 1 1 7ffd \"/bin/x\"\n"
	    "7/7 exec\n"
	    "7/7 call execve 1 1 7ffd \"/bin/y\"\n"
	    "7/7 return execve fffffffffffffffe\n"
	    "7/7 call clone3 1 58\n"
	    "7/8 fork 7 7 50f00\n"
	    "7/7 return clone3 8\n"
	    "7/8 call execve 1 1 7ffd \"/bin/z\"\n"
	    "7/7 exit\n"
	    "7/7 exec\n");
}

static void
every_constant_of_these_calls_is_known(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{ "madvise(0x1, 2, MADV_SEQUENTIAL) = 0", MADV_SEQUENTIAL },
		{ "madvise(0x1, 2, MADV_DONTNEED_LOCKED) = 0", 24 },
		{ "madvise(0x1, 2, 0x19 /* MADV_??? */) = 0", 25 },
		{ "mprotect(0x1, 2, PROT_READ|PROT_EXEC) = 0",
		    PROT_READ | PROT_EXEC },
		{ "msync(0x1, 2, 0x8 /* MS_??? */) = 0", 8 },
		{ "close_range(1, 2, CLOSE_RANGE_CLOEXEC) = 0", 4 },
		{ "dup3(1, 2, O_CLOEXEC) = 2", O_CLOEXEC },
		{ "unlinkat(AT_FDCWD, \"x\", AT_REMOVEDIR) = 0", AT_REMOVEDIR },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		char line[256], want[32];
		struct rt rt;

		(void)snprintf(line, sizeof(line), "7 " T "%s\n",
		    cases[i].text);
		(void)snprintf(want, sizeof(want), " %llx",
		    (unsigned long long)cases[i].value);
		rt_begin(&rt, &text_strace, false);
		rt_lines(&rt, line);
		if (strstr(rt_text(&rt), want) == NULL)
			fail_msg("%s: %s", cases[i].text, want);
		rt_end(&rt);
	}
}

static void
what_is_not_straces_is_refused(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "7 sync() = 0", "strace -ttt" },
		{ "sync() = 0", "strace -ttt" },
		{ "7 99:00:00 sync() = 0", "strace -ttt" },
		{ "[pid x] " T "sync() = 0", "not strace's" },
		{ "7 " T, "no system call" },
		{ "7 " T "hello", "no system call" },
		{ "7 " T "<... fsync", "not strace's" },
		{ "7 " T "fsync(3", "the call has no end" },
		{ "7 " T "fsync(3)", "no result" },
		{ "7 " T "fsync(3) = x", "is no number" },
		{ "7 " T "fsync(3</a) = 0", "not understood" },
		{ "7 " T "fsync(3] = 0", "not understood" },
		{ "7 " T "msync(0x1, 2, MS_NEW) = 0", "constant is not known" },
		{ "7 " T "mmap(0, 1, 2, 1<<MAP_WHAT, 4, 5) = 0", "a shift" },
		{ "7 " T "madvise(0x1, 2, %) = 0", "not understood" },
		{ "7 " T "unlink(\"x) = 0", "not understood" },
	};
	struct rt rt;

	(void)state;
	rt_begin(&rt, &text_strace, false);
	for (size_t i = 0; i < nitems(cases); i++)
		rt_refused(&rt, cases[i].line, cases[i].text);
	/* It goes on; and this is strace's own. */
	rt_lines(&rt,
	    "strace: Process 8 attached\n"
	    "\n"
	    "7 " T "sync() = 0\n");
	assert_string_equal(rt_text(&rt),
	    "7/7 call sync\n"
	    "7/7 return sync\n");
	rt_end(&rt);
}

static void
damage_is_survived(void **state)
{
	(void)state;
	rt_damage(&text_strace, "import/strace.txt", 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_have_arguments_and_a_result),
		cmocka_unit_test(times_are_absolute_of_the_day_or_relative),
		cmocka_unit_test(descriptors_tell_their_files),
		cmocka_unit_test(fstat_tells_sizes),
		cmocka_unit_test(paths_are_seen_from_their_folder),
		cmocka_unit_test(interrupted_calls_are_put_together),
		cmocka_unit_test(what_makes_a_thread_tells_its_process),
		cmocka_unit_test(execve_gives_the_process_another_image),
		cmocka_unit_test(every_constant_of_these_calls_is_known),
		cmocka_unit_test(what_is_not_straces_is_refused),
		cmocka_unit_test(damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
