#include "tests/test.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/traces/tracetest.h"

#define EVENTS 30000
#define ROOM   (1U << 30)

/* A trace in three forms: t.uvt, t.csv, t.csv.zst. */
static void
make(void)
{
	generate("t.uvt", "pattern=zipf", "pages=500", "events=30000",
	    "msync=100", NULL);
	trace_copy("t.uvt", "t.csv");
	trace_copy("t.uvt", "t.csv.zst");
}

static struct trace_image *
load(const char *path)
{
	struct errmsg em = { .em_text = "" };
	struct trace_image *ti = NULL;

	must_em(trace_image_load(path, 0, 0, ROOM, &ti, &em), &em);
	return ti;
}

/* What a reader of the image gives is ev[0..n). */
static void
gives(const struct trace_image *ti, const struct trace_event *ev, size_t n)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *got;
	struct trace_reader *tr;
	size_t at = 0, some;

	must(trace_image_open(ti, &tr));
	assert_int_equal(trace_count(tr), n);
	for (;;) {
		must_em(trace_next(tr, &got, &some, &em), &em);
		if (some == 0)
			break;
		assert_in_range(some, 1, n - at);
		assert_memory_equal(got, ev + at, some * sizeof(*ev));
		at += some;
	}
	assert_int_equal(at, n);
	/* It stays at its end. */
	must_em(trace_next(tr, &got, &some, &em), &em);
	assert_int_equal(some, 0);
	trace_close(tr);
}

static void
an_image_has_the_events_of_its_trace_in_every_form(void **state)
{
	static const char *const paths[] = { "t.uvt", "t.csv", "t.csv.zst" };
	struct trace_event *ev;
	char digest[33];
	size_t n;

	(void)state;
	make();
	ev = events_read("t.uvt", 0, &n);
	digest_of("t.uvt", digest);
	assert_int_equal(n, EVENTS);
	for (size_t i = 0; i < nitems(paths); i++) {
		struct trace_image *ti = load(paths[i]);

		assert_int_equal(trace_image_count(ti), n);
		assert_string_equal(trace_image_digest(ti), digest);
		gives(ti, ev, n);
		trace_image_free(ti);
	}
	free(ev);
}

static void
many_readers_of_one_image_do_not_disturb_each_other(void **state)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *one, *two;
	struct trace_reader *a, *b;
	struct trace_image *ti;
	struct trace_event *ev;
	size_t n, n1, n2;

	(void)state;
	make();
	ev = events_read("t.uvt", 0, &n);
	ti = load("t.uvt");
	must(trace_image_open(ti, &a));
	must_em(trace_next(a, &one, &n1, &em), &em);
	must(trace_image_open(ti, &b));
	must_em(trace_next(b, &two, &n2, &em), &em);
	assert_int_equal(n1, n2);
	assert_memory_equal(two, ev, n2 * sizeof(*ev));
	trace_close(b);
	/* What the first got is still there, and it goes on. */
	assert_memory_equal(one, ev, n1 * sizeof(*ev));
	must_em(trace_next(a, &one, &n2, &em), &em);
	assert_memory_equal(one, ev + n1, n2 * sizeof(*ev));
	trace_close(a);
	gives(ti, ev, n);
	trace_image_free(ti);
	free(ev);
}

static void
a_reader_of_an_image_says_what_a_reader_of_the_file_says(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *file, *image;
	struct trace_image *ti;
	char digest[33];

	(void)state;
	make();
	ti = load("t.csv");
	must_em(trace_open("t.csv", 0, &file, &em), &em);
	must(trace_image_open(ti, &image));
	const struct trace_meta *f = trace_meta(file), *i = trace_meta(image);
	assert_int_equal(f->tm_page, i->tm_page);
	assert_int_equal(f->tm_nfiles, i->tm_nfiles);
	assert_string_equal(f->tm_head, i->tm_head);
	assert_string_equal(f->tm_files[0].tf_path, i->tm_files[0].tf_path);
	/* Of the image it is known from the beginning. */
	assert_int_equal(trace_digest(file, digest), ENODATA);
	must(trace_digest(image, digest));
	assert_string_equal(digest, trace_image_digest(ti));
	trace_close(image);
	trace_close(file);
	trace_image_free(ti);
}

static void
an_image_that_takes_more_than_allowed_is_refused(void **state)
{
	static const char *const paths[] = { "t.uvt", "t.csv" };
	const uint64_t exact = EVENTS * sizeof(struct trace_event);

	(void)state;
	make();
	for (size_t i = 0; i < nitems(paths); i++) {
		const uint64_t room[] = { 0, 1, exact / 2, exact - 1 };
		struct trace_image *ti = NULL;
		struct errmsg em = { .em_text = "" };

		for (size_t k = 0; k < nitems(room); k++) {
			em.em_text[0] = '\0';
			assert_int_equal(trace_image_load(paths[i], 0, 0,
					     room[k], &ti, &em),
			    EFBIG);
			assert_non_null(strstr(em.em_text, paths[i]));
			assert_null(ti);
		}
		must_em(trace_image_load(paths[i], 0, 0, exact, &ti, &em), &em);
		trace_image_free(ti);
	}
}

static void
a_trace_without_events_has_an_image(void **state)
{
	struct trace_image *ti;

	(void)state;
	text_write("e.csv",
	    "#uvn-trace 1\n#page 4096\n"
	    "seq,time_ns,pid,tid,op,file,map,offset,length,"
	    "flags\n");
	ti = load("e.csv");
	assert_int_equal(trace_image_count(ti), 0);
	gives(ti, NULL, 0);
	trace_image_free(ti);
}

static void
a_bad_trace_has_no_image(void **state)
{
	struct trace_image *ti = NULL;
	struct errmsg em = { .em_text = "" };
	struct blob bl;

	(void)state;
	assert_int_equal(trace_image_load("none", 0, 0, ROOM, &ti, &em),
	    ENOENT);
	make();
	bl = file_read("t.uvt");
	bl.bl_data[bl.bl_len / 2] ^= 0x10;
	file_write("bad.uvt", bl.bl_data, bl.bl_len);
	free(bl.bl_data);
	em.em_text[0] = '\0';
	assert_int_equal(trace_image_load("bad.uvt", 0, 0, ROOM, &ti, &em),
	    EILSEQ);
	assert_non_null(strstr(em.em_text, "bad.uvt"));
	assert_null(ti);
}

static void
an_image_of_what_is_salvaged_counts_what_is_not(void **state)
{
	struct errmsg em = { .em_text = "" };
	uint64_t blocks = 0, events = 0;
	struct trace_event *ev;
	struct trace_reader *tr;
	struct trace_image *ti = NULL;
	struct blob bl;
	size_t n;

	(void)state;
	generate("l.uvt", "pattern=uniform", "pages=500", "events=300000",
	    NULL);
	bl = file_read("l.uvt");
	bl.bl_data[bl.bl_len / 2] ^= 0x10;
	file_write("bad.uvt", bl.bl_data, bl.bl_len);
	free(bl.bl_data);
	ev = events_read("bad.uvt", TRACE_SALVAGE, &n);
	must_em(trace_image_load("bad.uvt", TRACE_SALVAGE, 0, ROOM, &ti, &em),
	    &em);
	gives(ti, ev, n);
	must(trace_image_open(ti, &tr));
	trace_salvaged(tr, &blocks, &events);
	assert_int_equal(blocks, 1);
	assert_int_equal(n + events, 300000);
	trace_close(tr);
	trace_image_free(ti);
	free(ev);
}

static void
a_child_shares_the_image_and_cannot_change_it(void **state)
{
	struct trace_event *ev;
	struct trace_image *ti;
	int status = 0;
	size_t n;
	pid_t pid;

	(void)state;
	make();
	ev = events_read("t.uvt", 0, &n);
	ti = load("t.uvt");
	(void)fflush(NULL);
	assert_in_range(pid = fork(), 0, INT32_MAX);
	if (pid == 0) {
		const struct trace_event *got;
		struct trace_reader *tr;
		size_t some = 0;

		if (trace_image_open(ti, &tr) != 0 ||
		    trace_next(tr, &got, &some, NULL) != 0 || some == 0 ||
		    memcmp(got, ev, some * sizeof(*ev)) != 0)
			_exit(1);
		/* cmocka would go on with the test. */
		(void)signal(SIGSEGV, SIG_DFL);
		volatile uint8_t *byte;
		memcpy(&byte, &got, sizeof(byte));
		*byte = 0xff;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	gives(ti, ev, n);
	trace_image_free(ti);
	free(ev);
}

int
main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(an_image_has_the_events_of_its_trace_in_every_form),
		T(many_readers_of_one_image_do_not_disturb_each_other),
		T(a_reader_of_an_image_says_what_a_reader_of_the_file_says),
		T(an_image_that_takes_more_than_allowed_is_refused),
		T(a_trace_without_events_has_an_image),
		T(a_bad_trace_has_no_image),
		T(an_image_of_what_is_salvaged_counts_what_is_not),
		T(a_child_shares_the_image_and_cannot_change_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
