/* A trace decoded ahead gives what it gives else, and fails where it fails. */
#include "tests/traces/tracetest.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "traces/trace_i.h"

#define EVENTS 300000

/* How a trace is read: by the reader itself, a thread, several, as it may. */
enum { ALONE = 0, ONE = 1, SEVERAL = 4, USUAL = 99 };

/* A trace in three forms: t.uvt, t.csv, t.csv.zst; more than the thread reads
 * ahead. */
static void
make(void)
{

	generate("t.uvt", "pattern=zipf", "pages=5000", "events=300000",
	    "msync=100", NULL);
	trace_copy("t.uvt", "t.csv");
	trace_copy("t.uvt", "t.csv.zst");
}

/* Threads of this process. */
struct tids {
	size_t ti_n;
	char ti_name[64][16];
};

static struct tids
threads(void)
{
	DIR *const dir = opendir("/proc/self/task");
	struct tids ti = { .ti_n = 0 };

	assert_non_null(dir);
	for (const struct dirent *de; (de = readdir(dir)) != NULL;) {
		if (de->d_name[0] == '.')
			continue;
		assert_in_range(ti.ti_n, 0, nitems(ti.ti_name) - 1);
		(void)snprintf(ti.ti_name[ti.ti_n++], sizeof(ti.ti_name[0]),
		    "%.15s", de->d_name);
	}
	(void)closedir(dir);
	return ti;
}

/*
 * Is there one that was not there before?  Numbers would not tell: one that has
 * ended may be seen for a while, and a sanitizer may have one of its own.
 */
static bool
another_thread(const struct tids *before)
{
	const struct tids now = threads();

	for (size_t i = 0; i < now.ti_n; i++) {
		size_t k = 0;

		while (k < before->ti_n &&
		    strcmp(before->ti_name[k], now.ti_name[i]) != 0)
			k++;
		if (k == before->ti_n)
			return true;
	}
	return false;
}

static bool
several_processors(void)
{
	cpu_set_t set;

	must(sched_getaffinity(0, sizeof(set), &set));
	return CPU_COUNT(&set) > 1;
}

/* What reading comes to. */
struct all {
	struct trace_event *al_ev;
	size_t al_n;
	int al_error;
	struct errmsg al_em;
	char al_digest[33];
	uint64_t al_blocks, al_events;
};

static struct all
read_all(const char *path, unsigned flags, unsigned threads)
{
	struct all al = { .al_n = 0 };
	const struct trace_event *ev;
	struct trace_reader *tr;
	uint64_t read, total;
	size_t n;

	must_em(trace_open(path, flags, &tr, &al.al_em), &al.al_em);
	if (threads == USUAL)
		trace_ahead(tr);
	else
		trace_ahead_by(tr, threads);
	al.al_ev = calloc(EVENTS, sizeof(*ev));
	assert_non_null(al.al_ev);
	while (
	    (al.al_error = trace_next(tr, &ev, &n, &al.al_em)) == 0 && n != 0) {
		assert_in_range(n, 1, EVENTS - al.al_n);
		(void)memcpy(al.al_ev + al.al_n, ev, n * sizeof(*ev));
		al.al_n += n;
		trace_progress(tr, &read, &total);
		assert_in_range(read, 1, total);
	}
	/* It stays at its end. */
	assert_int_equal(trace_next(tr, &ev, &n, &al.al_em), al.al_error);
	assert_int_equal(n, 0);
	trace_ahead_end(tr);
	trace_salvaged(tr, &al.al_blocks, &al.al_events);
	if (trace_digest(tr, al.al_digest) != 0)
		al.al_digest[0] = '\0';
	trace_close(tr);
	return al;
}

/* The same as by the reader itself. */
static void
same_by(const char *path, unsigned flags, unsigned threads)
{
	struct all one = read_all(path, flags, ALONE);
	struct all two = read_all(path, flags, threads);

	assert_int_equal(one.al_n, two.al_n);
	assert_memory_equal(one.al_ev, two.al_ev,
	    one.al_n * sizeof(*one.al_ev));
	assert_int_equal(one.al_error, two.al_error);
	assert_string_equal(one.al_em.em_text, two.al_em.em_text);
	assert_string_equal(one.al_digest, two.al_digest);
	assert_int_equal(one.al_blocks, two.al_blocks);
	assert_int_equal(one.al_events, two.al_events);
	free(one.al_ev);
	free(two.al_ev);
}

static void
same(const char *path, unsigned flags)
{

	same_by(path, flags, USUAL);
	for (unsigned threads = ONE; threads <= SEVERAL; threads++)
		same_by(path, flags, threads);
}

/* A whole trace: its thread waits for room when it has read enough ahead. */
static void
has_a_thread(const char *path, bool wanted)
{
	const struct tids before = threads();
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;

	must_em(trace_open(path, 0, &tr, &em), &em);
	trace_ahead(tr);
	assert_int_equal(another_thread(&before), wanted);
	trace_close(tr);
}

static void
ahead_or_not_the_events_are_the_same_in_every_form(void **state)
{

	(void)state;
	make();
	same("t.uvt", 0);
	same("t.uvt", TRACE_VERIFY);
	same("t.csv", 0);
	same("t.csv.zst", 0);
	has_a_thread("t.uvt", several_processors());
	has_a_thread("t.csv", several_processors());
	has_a_thread("t.csv.zst", several_processors());
}

static void
a_trace_without_events_ends_at_once(void **state)
{

	(void)state;
	text_write("t.csv",
	    "#uvn-trace 1\n#page 4096\n"
	    "seq,time_ns,pid,tid,op,file,map,offset,length,"
	    "flags\n");
	same("t.csv", 0);
}

static void
damage_is_told_where_it_is(void **state)
{
	struct blob bl;

	(void)state;
	make();
	bl = file_read("t.uvt");
	for (size_t i = 1; i < 8; i++) {
		bl.bl_data[bl.bl_len * i / 8] ^= 0x10;
		file_write("bad.uvt", bl.bl_data, bl.bl_len);
		bl.bl_data[bl.bl_len * i / 8] ^= 0x10;
		same("bad.uvt", 0);
		same("bad.uvt", TRACE_SALVAGE);
	}
	file_write("cut.uvt", bl.bl_data, bl.bl_len / 2);
	same("cut.uvt", 0);
	same("cut.uvt", TRACE_SALVAGE);
	free(bl.bl_data);
	bl = file_read("t.csv");
	file_write("cut.csv", bl.bl_data, bl.bl_len - 7);
	same("cut.csv", 0);
	free(bl.bl_data);
}

/* Read some batches of a trace whose events are all; then end it. */
static void
read_some(const struct trace_event *all, unsigned threads, unsigned batches,
    bool end)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *ev = NULL;
	struct trace_reader *tr;
	size_t at = 0, some = 0;

	must_em(trace_open("t.uvt", 0, &tr, &em), &em);
	trace_ahead_by(tr, threads);
	trace_ahead(tr); /* that it is on already is no harm */
	for (unsigned i = 0; i < batches; i++) {
		must_em(trace_next(tr, &ev, &some, &em), &em);
		at += some;
	}
	if (end) {
		trace_ahead_end(tr);
		trace_ahead_end(tr);
	}
	/* The last batch is there. */
	if (some != 0)
		assert_memory_equal(ev, all + at - some, some * sizeof(*ev));
	trace_close(tr);
}

static void
who_has_enough_may_end_it_at_any_batch(void **state)
{
	struct trace_event *all;
	size_t n;

	(void)state;
	make();
	all = events_read("t.uvt", 0, &n);
	for (unsigned batches = 0; batches < 40; batches++)
		for (unsigned threads = ONE; threads <= SEVERAL; threads++)
			read_some(all, threads, batches, batches % 2 == 0);
	read_some(all, SEVERAL, 140, true);
	free(all);
}

static void
with_one_processor_there_is_no_thread(void **state)
{
	cpu_set_t old, one;

	(void)state;
	make();
	must(sched_getaffinity(0, sizeof(old), &old));
	CPU_ZERO(&one);
	for (unsigned i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &old))
			CPU_SET(i, &one);
	must(sched_setaffinity(0, sizeof(one), &one));
	same("t.uvt", 0);
	has_a_thread("t.uvt", false);
	must(sched_setaffinity(0, sizeof(old), &old));
}

/* Who writes to a pipe may never end: it is read as before. */
static void
of_a_pipe_there_is_no_thread(void **state)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *ev;
	struct trace_reader *tr;
	size_t n, events = 0;
	struct tids before;
	pid_t pid;
	int status;

	(void)state;
	make();
	must(mkfifo("pipe", 0600));
	if ((pid = fork()) == 0)
		_exit(system("cat t.uvt >pipe") == 0 ? 0 : 1);
	must_em(trace_open("pipe", 0, &tr, &em), &em);
	before = threads();
	trace_ahead(tr);
	assert_false(another_thread(&before));
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		events += n;
	} while (n != 0);
	assert_int_equal(events, EVENTS);
	trace_close(tr);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(ahead_or_not_the_events_are_the_same_in_every_form),
		T(a_trace_without_events_ends_at_once),
		T(damage_is_told_where_it_is),
		T(who_has_enough_may_end_it_at_any_batch),
		T(with_one_processor_there_is_no_thread),
		T(of_a_pipe_there_is_no_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
