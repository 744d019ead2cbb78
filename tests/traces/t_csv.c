#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/traces/tracetest.h"

#define PREAMBLE                                                               \
	"#uvn-trace 1\n#page 4096\n#file 1 size=65536 path=/a b,c=d\n"         \
	"#file 7 size=0 path=\n"
#define COLUMNS "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n"
#define ATTACH	"0,0,1,1,attach,1,1,0,65536,r|w|shared|maxw\n"

/* The trace text is refused with error, and the message has each of words. */
static void
refused(const char *text, int error, const char *word, const char *word2)
{
	struct errmsg em;
	uint64_t events;

	text_write("bad.csv", text);
	assert_int_equal(read_through("bad.csv", 0, &events, &em), error);
	assert_non_null(strstr(em.em_text, "bad.csv"));
	assert_null(strchr(em.em_text, '\n'));
	if (strstr(em.em_text, word) == NULL ||
	    strstr(em.em_text, word2) == NULL)
		fail_msg("neither '%s' nor '%s': %s", word, word2, em.em_text);
}

/* Reading and writing it again gives the same bytes, by way of .uvt too. */
static void
comes_back(const char *text)
{
	struct blob bl;
	char a[33], b[33];

	text_write("in.csv", text);
	trace_copy("in.csv", "same.csv");
	bl = file_read("same.csv");
	assert_string_equal((const char *)bl.bl_data, text);
	free(bl.bl_data);
	trace_copy("in.csv", "x.uvt");
	trace_copy("x.uvt", "x.csv.zst");
	trace_copy("x.csv.zst", "back.csv");
	bl = file_read("back.csv");
	assert_string_equal((const char *)bl.bl_data, text);
	free(bl.bl_data);
	digest_of("in.csv", a);
	digest_of("x.uvt", b);
	assert_string_equal(a, b);
}

static void
csv_to_uvt_and_back_is_the_identity(void **state)
{
	(void)state;
	comes_back("#uvn-trace 1\n" COLUMNS);
	comes_back(PREAMBLE COLUMNS);
	comes_back(PREAMBLE COLUMNS ATTACH);
	comes_back("#uvn-trace 1\n#\n# free: text, \"of any\" form\n"
		   "#file 3 size=1 path=x\n#window 256\n#filed 9\n"
		   "#file 1 size=2 path=y\n#page 8192\n#last\n" COLUMNS
		   "0,5,0,0,mark,0,0,0,0,\n");
	comes_back(PREAMBLE COLUMNS ATTACH
	    "1,18446744073709551615,4294967295,0,pwrite,7,4294967295,"
	    "9223372036854775806,1,\n");
}

static void
flags_in_any_order_come_back_in_that_order(void **state)
{
	(void)state;
	comes_back(PREAMBLE COLUMNS
	    "0,0,1,1,attach,1,1,0,65536,maxw|shared|w|r\n"
	    "1,0,1,1,attach,1,2,0,65536,r|w|x|shared|maxw|fixed|inherited|"
	    "populate\n"
	    "2,0,1,1,attach,1,3,0,65536,populate|inherited|fixed|maxw|shared|x"
	    "|w|r\n"
	    "3,0,1,1,read,1,1,0,4096,kernel|private\n"
	    "4,0,1,1,read,1,1,0,4096,private|kernel\n"
	    "5,0,1,1,read,1,1,0,4096,ifetch|private|kernel\n"
	    "6,0,1,1,msync,1,1,0,4096,invalidate|sync\n");
}

static void
the_order_of_flags_does_not_change_them(void **state)
{
	struct trace_event *ev;
	size_t n;

	(void)state;
	text_write("a.csv",
	    PREAMBLE COLUMNS "0,0,1,1,attach,1,1,0,65536,maxw|r|shared|w\n"
			     "1,0,1,1,attach,1,2,0,65536,r|w|shared|maxw\n");
	ev = events_read("a.csv", 0, &n);
	assert_int_equal(n, 2);
	assert_int_equal(ev[0].te_flags,
	    TRACE_F_R | TRACE_F_W | TRACE_F_SHARED | TRACE_F_MAXW);
	assert_int_equal(ev[0].te_flags, ev[1].te_flags);
	assert_int_equal(ev[1].te_order, 0);
	free(ev);
}

static void
every_op_and_flag_is_read_as_it_is_written(void **state)
{
	struct trace_event ev[TRACE_NOPS * TRACE_NFLAGS], *back;
	struct trace_file file;
	struct trace_meta tm;
	size_t n = 0, nback;

	(void)state;
	meta_fill(&tm, &file, 1);
	for (unsigned op = 0; op < TRACE_NOPS; op++)
		for (unsigned bit = 0; bit < TRACE_NFLAGS; bit++)
			if ((trace_op_flags[op] & 1U << bit) != 0 || bit == 0)
				ev[n++] = (struct trace_event){
					.te_op = (uint8_t)op,
					.te_flags =
					    trace_op_flags[op] & 1U << bit,
					.te_file = 1,
					.te_map = 1,
				};
	events_write("all.csv", TRACE_CSV, &tm, ev, n);
	back = events_read("all.csv", 0, &nback);
	assert_int_equal(nback, n);
	assert_memory_equal(back, ev, n * sizeof(*ev));
	free(back);
}

static void
the_preamble_is_understood(void **state)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_meta *tm;
	struct trace_reader *tr;

	(void)state;
	text_write("a.csv",
	    "#uvn-trace 1\n#window 64\n#page 8192\n#file 9 size=5 path=a=b c\n"
	    "#note\n#file 2 size=0 path=\n" COLUMNS);
	must_em(trace_open("a.csv", 0, &tr, &em), &em);
	tm = trace_meta(tr);
	assert_int_equal(tm->tm_version, 1);
	assert_int_equal(tm->tm_page, 8192);
	assert_int_equal(tm->tm_window, 64);
	assert_int_equal(tm->tm_nfiles, 2);
	assert_int_equal(tm->tm_files[0].tf_id, 9);
	assert_int_equal(tm->tm_files[0].tf_size, 5);
	assert_string_equal(tm->tm_files[0].tf_path, "a=b c");
	assert_string_equal(tm->tm_files[1].tf_path, "");
	assert_null(tm->tm_mode);
	assert_int_equal(tm->tm_clock, TRACE_CLOCK_UNKNOWN);
	assert_int_equal(tm->tm_lost, 0);
	trace_close(tr);
}

static void
a_preamble_says_how_a_trace_was_recorded(void **state)
{
	static const char head[] =
	    "#uvn-trace 1\n#page 4096\n#window inf\n#mode kernel\n"
	    "#clock virtual\n#lost 18446744073709551615\n"
	    "#file 1 size=5 path=x\n";
	struct errmsg em = { .em_text = "" };
	const struct trace_meta *tm;
	struct trace_reader *tr;
	char *text;

	(void)state;
	text = malloc(sizeof(head) + sizeof(COLUMNS));
	assert_non_null(text);
	(void)stpcpy(stpcpy(text, head), COLUMNS);
	text_write("a.csv", text);
	free(text);
	trace_copy("a.csv", "a.uvt");
	must_em(trace_open("a.uvt", 0, &tr, &em), &em);
	tm = trace_meta(tr);
	assert_true(tm->tm_window == TRACE_INF);
	assert_string_equal(tm->tm_mode, "kernel");
	assert_int_equal(tm->tm_clock, TRACE_CLOCK_VIRTUAL);
	assert_true(tm->tm_lost == UINT64_MAX);
	/* And is made of what it says. */
	text = trace_meta_text(tm);
	assert_string_equal(text, head);
	free(text);
	trace_close(tr);
	for (const char *p = head; *p != '\0'; p = strchr(p, '\n') + 1)
		assert_true(trace_meta_line(p));
	assert_false(trace_meta_line("#windows 5\n"));
	assert_false(trace_meta_line("#note\n"));
}

static void
a_bad_preamble_is_refused_with_its_line(void **state)
{
	(void)state;
	refused("", EINVAL, "empty", "");
	refused("hello\n", EINVAL, "not a trace", "");
	refused("#hello\n" COLUMNS, EINVAL, "line 1", "#uvn-trace 1");
	refused("#uvn-trace 2\n" COLUMNS, EINVAL, "newer version 2", "update");
	refused("#uvn-trace 01\n" COLUMNS, EINVAL, "line 1", "#uvn-trace 1");
	refused("#uvn-trace 1\n#page 1000\n" COLUMNS, EINVAL, "line 2",
	    "power of two");
	refused("#uvn-trace 1\n#page 4096\n#page 4096\n" COLUMNS, EINVAL,
	    "line 3", "second #page");
	refused("#uvn-trace 1\n#window x\n" COLUMNS, EINVAL, "line 2",
	    "#window PAGES");
	refused("#uvn-trace 1\n#window info\n" COLUMNS, EINVAL, "line 2",
	    "#window inf");
	refused("#uvn-trace 1\n#mode \n" COLUMNS, EINVAL, "line 2",
	    "#mode NAME");
	refused("#uvn-trace 1\n#mode a b\n" COLUMNS, EINVAL, "line 2",
	    "#mode NAME");
	refused("#uvn-trace 1\n#clock unknown\n" COLUMNS, EINVAL, "line 2",
	    "#clock real");
	refused("#uvn-trace 1\n#lost some\n" COLUMNS, EINVAL, "line 2",
	    "#lost N");
	refused("#uvn-trace 1\n#clock real\n#clock real\n" COLUMNS, EINVAL,
	    "line 3", "second #clock");
	refused("#uvn-trace 1\n#file 1 path=x\n" COLUMNS, EINVAL, "line 2",
	    "#file ID size=BYTES path=NAME");
	refused("#uvn-trace 1\n#file 0 size=1 path=x\n" COLUMNS, EINVAL,
	    "line 2", "ids are 1..");
	refused(
	    "#uvn-trace 1\n#file 1 size=1 path=x\n#file 1 size=1 path=y\n" COLUMNS,
	    EINVAL, "file 1", "twice");
	refused("#uvn-trace 1\r\n" COLUMNS, EINVAL, "line 1", "");
	refused("#uvn-trace 1\n#x\r\n" COLUMNS, EINVAL, "line 2",
	    "carriage return");
	refused("#uvn-trace 1\nseq,time\n", EINVAL, "line 2", "seq,time_ns");
	refused("#uvn-trace 1\n#page 4096\n", EINVAL, "line 3", "cut short");
	refused("#uvn-trace 1\n#page 40", EINVAL, "line 2", "cut short");
	refused(COLUMNS, EINVAL, "not a trace", "");
}

/* A line, the third event of a good trace, is refused as malformed. */
static void
line_refused(const char *line, const char *word)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    PREAMBLE COLUMNS ATTACH "1,5,1,1,read,1,1,0,4096,\n%s", line);
	refused(text, EILSEQ, "line 8 (event 2)", word);
}

static void
a_bad_line_is_refused_with_line_event_and_remedy(void **state)
{
	char longline[700];

	(void)state;
	line_refused("2,5,1,1,raed,1,1,0,4096,\n", "did you mean read?");
	line_refused("2,5,1,1,,1,1,0,4096,\n", "unknown op \"\"");
	line_refused("2,5,1,1,msync,1,1,0,4096,snyc\n", "sync");
	line_refused("2,5,1,1,msync,1,1,0,4096,sync|\n", "unknown flag \"\"");
	line_refused("2,5,1,1,msync,1,1,0,4096,sync|sync\n", "twice");
	line_refused("2,5,1,1,msync,1,1,0,4096,sync|async\n", "both");
	line_refused("2,5,1,1,msync,1,1,0,4096,r\n", "does not fit");
	line_refused("2,5,1,1,detach,1,1,0,4096,r\n", "takes no flags");
	line_refused("3,5,1,1,read,1,1,0,4096,\n", "without gaps");
	line_refused("2,4,1,1,read,1,1,0,4096,\n", "back from 5 to 4");
	line_refused("2,5,1,1,read,2,1,0,4096,\n", "#file 2 size=");
	line_refused("2,5,1,1,read,0,1,0,4096,\n", "names no file");
	line_refused("2,5,1,1,read,1,0,0,4096,\n", "names no map");
	line_refused("2,5,1,1,read,1,1,0,4096\n", "10 fields");
	line_refused("2,5,1,1,read,1,1,0,4096,,\n", "more than the 10 fields");
	line_refused("2,5,1,1,read\n", "10 fields");
	line_refused("\n", "field seq");
	line_refused("02,5,1,1,read,1,1,0,4096,\n", "leading zeros");
	line_refused("2,+5,1,1,read,1,1,0,4096,\n", "digits alone");
	line_refused("2, 5,1,1,read,1,1,0,4096,\n", "digits alone");
	line_refused("2,5,1,1,read,1,1,-1,4096,\n", "digits alone");
	line_refused("2,5,1,1,read,1,1,0x10,4096,\n", "digits alone");
	line_refused("2,5,1,1,read,1,1,,4096,\n", "is empty");
	line_refused("2,5,4294967296,1,read,1,1,0,4096,\n", "too large");
	line_refused("2,18446744073709551616,1,1,read,1,1,0,4096,\n",
	    "too large");
	line_refused("2,5,1,1,read,1,1,9223372036854775807,1,\n",
	    "largest file offset");
	line_refused("2,5,1,1,read,1,1,0,4096,\r\n", "unknown flag");
	line_refused("2,5,1,1,read,1,1,0,4096,", "no newline");
	line_refused("2,5,1,1,re", "no newline");
	memset(longline, '1', sizeof(longline) - 2);
	longline[sizeof(longline) - 2] = '\n';
	longline[sizeof(longline) - 1] = '\0';
	line_refused(longline, "longer than");
}

static void
what_stands_before_a_fault_is_handed_out(void **state)
{
	struct errmsg em;
	uint64_t events;

	(void)state;
	text_write("bad.csv",
	    PREAMBLE COLUMNS ATTACH "1,5,1,1,read,1,1,0,4096,\n2,bad\n");
	assert_int_equal(read_through("bad.csv", 0, &events, &em), EILSEQ);
	assert_int_equal(events, 2);
}

static void
an_error_stays(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n;

	(void)state;
	text_write("bad.csv", PREAMBLE COLUMNS "bad\n");
	must_em(trace_open("bad.csv", 0, &tr, &em), &em);
	assert_int_equal(trace_next(tr, &ev, &n, &em), EILSEQ);
	assert_int_equal(n, 0);
	assert_int_equal(trace_next(tr, &ev, &n, NULL), EILSEQ);
	trace_close(tr);
}

static void
a_cut_or_damaged_zst_is_refused(void **state)
{
	struct errmsg em;
	struct blob bl;
	uint64_t events;

	(void)state;
	generate("a.csv.zst", "events=5000", NULL);
	bl = file_read("a.csv.zst");
	file_write("cut.csv.zst", bl.bl_data, bl.bl_len - 10);
	assert_int_equal(read_through("cut.csv.zst", 0, &events, &em), EILSEQ);
	assert_non_null(strstr(em.em_text, "cut short"));
	bl.bl_data[bl.bl_len / 2] ^= 0x10;
	file_write("bad.csv.zst", bl.bl_data, bl.bl_len);
	assert_int_equal(read_through("bad.csv.zst", 0, &events, &em), EILSEQ);
	assert_non_null(strstr(em.em_text, "bad.csv.zst"));
	free(bl.bl_data);
}

static void
what_cannot_be_opened_says_why(void **state)
{
	struct errmsg em;
	uint64_t events;

	(void)state;
	assert_int_equal(read_through("none.csv", 0, &events, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "none.csv"));
	assert_int_equal(read_through(".", 0, &events, &em), EISDIR);
}

static void
a_file_that_shrinks_while_read_is_refused(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n;
	int error;

	(void)state;
	generate("a.csv", "events=50000", NULL);
	must_em(trace_open("a.csv", 0, &tr, &em), &em);
	/* At the end of a line, where nothing else shows it. */
	must(truncate("a.csv", 0));
	do {
		error = trace_next(tr, &ev, &n, &em);
	} while (error == 0 && n > 0);
	assert_int_equal(error, EILSEQ);
	trace_close(tr);
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(csv_to_uvt_and_back_is_the_identity),
		T(flags_in_any_order_come_back_in_that_order),
		T(the_order_of_flags_does_not_change_them),
		T(every_op_and_flag_is_read_as_it_is_written),
		T(the_preamble_is_understood),
		T(a_preamble_says_how_a_trace_was_recorded),
		T(a_bad_preamble_is_refused_with_its_line),
		T(a_bad_line_is_refused_with_line_event_and_remedy),
		T(what_stands_before_a_fault_is_handed_out),
		T(an_error_stays),
		T(a_cut_or_damaged_zst_is_refused),
		T(what_cannot_be_opened_says_why),
		T(a_file_that_shrinks_while_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
