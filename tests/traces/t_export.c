#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/importtest.h"
#include "traces/import_i.h"

#define COLUMNS "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n"
#define FILES                                                                  \
	"#uvn-trace 1\n#page 4096\n#file 3 size=8192 path=/a b\n"              \
	"#file 7 size=8192 path=/c\n"

/* One of each op, and what formats make something of. */
static const char everything[] =
    FILES COLUMNS "0,5000,1,1,attach,3,1,0,8192,r|w|shared|maxw\n"
		  "1,6000,1,1,attach,7,2,0,8192,r|private\n"
		  "2,7000,1,1,read,3,1,0,8192,\n"
		  "3,8500,1,1,write,3,1,4097,1,\n"
		  "4,9000,1,1,read,7,2,4096,0,private\n"
		  "5,9000,1,1,msync,3,1,0,8192,sync\n"
		  "6,9000,1,1,msync,3,1,0,8192,async\n"
		  "7,9000,1,1,fsync,3,0,0,0,\n"
		  "8,9000,1,1,fsync,3,0,0,0,data\n"
		  "9,9000,1,1,fsync,3,0,0,4096,range\n"
		  "10,9000,1,1,close,7,0,0,0,\n"
		  "11,9000,1,1,open,7,0,0,0,\n"
		  "12,9000,1,1,open,7,0,0,0,\n"
		  "13,9000,1,1,pread,7,0,8191,2,\n"
		  "14,9000,1,1,pwrite,7,0,0,100,\n"
		  "15,9000,1,1,pwrite,7,0,0,0,\n"
		  "16,9000,1,1,close,7,0,0,0,\n"
		  "17,9000,1,1,close,7,0,0,0,\n"
		  "18,9000,1,1,fallocate,3,0,4096,4096,keep|punch\n"
		  "19,9000,1,1,fallocate,3,0,0,16384,\n"
		  "20,9000,1,1,truncate,3,0,0,0,\n"
		  "21,9000,1,1,madvise,3,1,0,4096,random\n"
		  "22,9000,1,1,protect,3,1,0,4096,r\n"
		  "23,9000,1,1,sync,0,0,0,0,\n"
		  "24,9000,1,1,mark,0,0,0,0,\n"
		  "25,9000,1,1,fork,0,0,0,0,\n"
		  "26,9000,1,1,unlink,7,0,0,0,\n"
		  "27,9000,1,1,rename,7,0,0,0,\n"
		  "28,9000,1,1,detach,3,1,0,0,\n"
		  "29,2000009000,1,1,read,7,2,0,4096,private\n"
		  "30,2000009000,1,1,exit,0,0,0,0,\n";

static void
text_is(const char *path, const char *text)
{
	struct blob bl = file_read(path);

	assert_string_equal((const char *)bl.bl_data, text);
	free(bl.bl_data);
}

/* What was left out is these: "N op", one a line. */
static void
left_is(const struct record_report *rr, const char *text)
{
	char all[1024] = "";
	size_t n = 0;

	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (rr->rr_left[op] != 0)
			n += (size_t)snprintf(all + n, sizeof(all) - n,
			    "%" PRIu64 " %s\n", rr->rr_left[op],
			    trace_op_name[op]);
	assert_string_equal(all, text);
}

static void
fio_has_reads_writes_syncs_trims_opens_and_closes(void **state)
{
	struct record_report rr;

	(void)state;
	text_write("all.csv", everything);
	export_path("fio", "all.csv", "all.log", NO_SETTINGS, &rr);
	text_is("all.log",
	    "fio version 3 iolog\n0 f3 add\n0 f3 open\n0 f3 read 0 8192\n"
	    "1 f3 write 4097 1\n2 f7 add\n2 f7 open\n2 f7 read 4096 4096\n"
	    "2 f3 sync 0 0\n2 f3 sync 0 0\n2 f3 datasync 0 0\n"
	    "2 f3 datasync 0 0\n2 f7 close\n2 f7 open\n"
	    "2 f7 read 8191 2\n2 f7 write 0 100\n2 f7 close\n"
	    "2 f3 trim 4096 4096\n2000002 f7 open\n"
	    "2000002 f7 read 0 4096\n");
	left_is(&rr,
	    "2 attach\n1 detach\n1 protect\n1 msync\n1 madvise\n1 truncate\n"
	    "1 fallocate\n1 sync\n1 pwrite\n1 open\n1 close\n1 unlink\n"
	    "1 rename\n1 fork\n1 exit\n1 mark\n");
	assert_int_equal(rr.rr_events, 19);
	assert_int_equal(rr.rr_files, 2);
}

static void
fio_version_2_has_no_times(void **state)
{
	struct record_report rr;

	(void)state;
	text_write("a.csv",
	    FILES COLUMNS "0,5000,1,1,pread,3,0,0,9,\n"
			  "1,9000,1,1,pwrite,3,0,5,9,\n"
			  "2,9000,1,1,write,7,1,5,9,\n");
	export_path("fio", "a.csv", "a.log", SETTINGS("fio_version=2"), &rr);
	text_is("a.log",
	    "fio version 2 iolog\nf3 add\nf3 open\nf3 read 0 9\n"
	    "f3 write 5 9\nf7 add\nf7 open\nf7 write 5 9\n");
	export_path("fio", "a.csv", "a.log", SETTINGS("io=no"), &rr);
	text_is("a.log",
	    "fio version 3 iolog\n0 f7 add\n0 f7 open\n0 f7 write 5 9\n");
	left_is(&rr, "1 pread\n1 pwrite\n");
}

static void
fio_gets_what_is_longer_than_it_reads_in_parts(void **state)
{
	struct record_report rr;

	(void)state;
	text_write("a.csv", FILES COLUMNS "0,0,1,1,pread,3,0,7,2147483649,\n");
	export_path("fio", "a.csv", "a.log", NO_SETTINGS, &rr);
	text_is("a.log",
	    "fio version 3 iolog\n0 f3 add\n0 f3 open\n"
	    "0 f3 read 7 1073741824\n0 f3 read 1073741831 1073741824\n"
	    "0 f3 read 2147483655 1\n");
}

/* Export with a folder; its error. */
static int
export_to_dir(const char *dir, struct errmsg *em)
{
	struct trace_export_param xp = { .xp_dir = dir };
	struct record_report rr;
	struct trace_reader *tr;
	int error;

	tunable_defaults(export_table, export_count, &xp.xp_param);
	*em = (struct errmsg){ .em_text = "" };
	error = export_param_check(&xp, em);
	if (error != 0)
		return error;
	must_em(trace_open("a.csv", 0, &tr, em), em);
	error =
	    trace_export(trace_format_find("fio"), tr, &xp, "a.log", &rr, em);
	trace_close(tr);
	return error;
}

static void
fio_files_lie_in_a_folder_if_one_is_given(void **state)
{
	struct errmsg em;
	char longest[300];

	(void)state;
	text_write("a.csv", FILES COLUMNS "0,0,1,1,pread,3,0,0,9,\n");
	must_em(export_to_dir("/x/y", &em), &em);
	text_is("a.log",
	    "fio version 3 iolog\n0 /x/y/f3 add\n0 /x/y/f3 open\n"
	    "0 /x/y/f3 read 0 9\n");
	assert_int_equal(export_to_dir("a b", &em), EINVAL);
	assert_non_null(strstr(em.em_text, "has blanks"));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(export_to_dir(longest, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "more than 240 bytes"));
	assert_int_equal(export_to_dir("", &em), EINVAL);
}

/* An iolog of n entries at random over three files. */
static void
iolog_random(struct dice *d, const char *path, unsigned n)
{
	static const char *const acts[] = { "read", "write", "sync", "datasync",
		"trim" };
	uint64_t us = 0;
	FILE *fp = fopen(path, "we");

	assert_non_null(fp);
	(void)fputs("fio version 3 iolog\n", fp);
	for (unsigned i = 0; i < 3; i++)
		(void)fprintf(fp, "0 x%u add\n0 x%u open\n", i, i);
	for (unsigned i = 0; i < n; i++) {
		const char *act = acts[dice_below(d, nitems(acts))];
		const bool sync = strstr(act, "sync") != NULL;

		us += dice_below(d, 100);
		(void)fprintf(fp, "%" PRIu64 " x%u %s %u %u\n", us,
		    (unsigned)dice_below(d, 3), act,
		    sync ? 0 : (unsigned)dice_below(d, 1 << 24),
		    sync ? 0 : 1 + (unsigned)dice_below(d, 1 << 17));
	}
	must(fclose(fp));
}

static void
fio_comes_back(const struct imported *first, const char *const *settings)
{
	struct record_report rr;
	struct imported it;

	export_path("fio", "first.uvt", "./again.log", NO_SETTINGS, &rr);
	import_with(&it, settings);
	import_path(&it, "fio", "./again.log");
	assert_int_equal(it.it_n, first->it_n);
	assert_memory_equal(it.it_ev, first->it_ev,
	    it.it_n * sizeof(*it.it_ev));
	imported_fini(&it);
}

static void
what_came_from_fio_comes_back_from_it(void **state)
{
	struct dice d = { dice_seed() };

	(void)state;
	for (unsigned io = 0; io < 2; io++) {
		const char *const *settings =
		    io != 0 ? SETTINGS("as=io") : SETTINGS("as=map");
		struct imported first;

		iolog_random(&d, "random.log", 3000);
		import_with(&first, settings);
		import_path(&first, "fio", "./random.log");
		must(rename("out.uvt", "first.uvt"));
		fio_comes_back(&first, settings);
		imported_fini(&first);
	}
}

static void
a_recorded_iolog_comes_back(void **state)
{
	struct imported first;

	(void)state;
	import_with(&first, NO_SETTINGS);
	import_path(&first, "fio", "tests/traces/data/fio-v3.log");
	must(rename("out.uvt", "first.uvt"));
	fio_comes_back(&first, NO_SETTINGS);
	imported_fini(&first);
}

/* The requests at path, n of them. */
static struct oracle_request *
requests_read(const char *path, size_t *np)
{
	struct blob bl = file_read(path);

	assert_int_equal(bl.bl_len % sizeof(struct oracle_request), 0);
	*np = bl.bl_len / sizeof(struct oracle_request);
	return (struct oracle_request *)bl.bl_data;
}

static void
oracle_has_a_request_for_each_page(void **state)
{
	static const struct {
		uint32_t time;
		uint64_t id;
		int64_t next;
	} want[] = {
		{ 0, 0, -1 },			  /* read, two pages */
		{ 0, 1, 3 },			  /* and the other */
		{ 0, 1, -1 },			  /* write of one byte */
		{ 0, UINT64_C(1) << 40 | 1, 5 },  /* read of none is one */
		{ 0, UINT64_C(1) << 40 | 1, -1 }, /* pread over two pages */
		{ 0, UINT64_C(1) << 40 | 2, -1 }, /* and the other */
		{ 0, UINT64_C(1) << 40, 8 },	  /* pwrite */
		{ 2, UINT64_C(1) << 40, -1 },	  /* read, 2 s later */
	};
	struct record_report rr;
	struct oracle_request *rq;
	size_t n;

	(void)state;
	text_write("all.csv", everything);
	export_path("oracleGeneral", "all.csv", "all.bin", NO_SETTINGS, &rr);
	rq = requests_read("all.bin", &n);
	assert_int_equal(n, nitems(want));
	assert_int_equal(rr.rr_events, n);
	assert_int_equal(rr.rr_files, 2);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rq[i].oq_time, want[i].time);
		assert_int_equal(rq[i].oq_id, want[i].id);
		assert_int_equal(rq[i].oq_size, 4096);
		assert_int_equal(rq[i].oq_next, want[i].next);
	}
	free(rq);
	left_is(&rr,
	    "2 attach\n1 detach\n1 protect\n2 msync\n1 madvise\n1 truncate\n"
	    "2 fallocate\n3 fsync\n1 sync\n1 pwrite\n2 open\n3 close\n"
	    "1 unlink\n1 rename\n1 fork\n1 exit\n1 mark\n");
	export_path("oracleGeneral", "all.csv", "all.bin", SETTINGS("io=no"),
	    &rr);
	assert_int_equal(rr.rr_events, 5);
}

static void
oracle_knows_the_next_access_of_each(void **state)
{
	enum { PAGES = 3000 };
	int64_t next[PAGES];
	struct record_report rr;
	struct oracle_request *rq;
	size_t n;

	(void)state;
	/* Three chunks, the last of them not whole. */
	generate("z.uvt", "pattern=zipf", "pages=3000", "events=150001",
	    "seed=3", NULL);
	export_path("oracleGeneral", "z.uvt", "z.bin", NO_SETTINGS, &rr);
	rq = requests_read("z.bin", &n);
	assert_int_equal(n, 150000);
	for (size_t i = 0; i < PAGES; i++)
		next[i] = -1;
	for (size_t i = n; i-- > 0;) {
		assert_true(rq[i].oq_id < PAGES);
		assert_int_equal(rq[i].oq_next, next[rq[i].oq_id]);
		next[rq[i].oq_id] = (int64_t)i + 1;
	}
	free(rq);
}

static void
what_came_from_oracle_comes_back_from_it(void **state)
{
	static const char *const outputs[] = { "./again.bin",
		"./again.bin.zst" };
	struct imported first, it;
	struct record_report rr;

	(void)state;
	import_with(&first, NO_SETTINGS);
	import_path(&first, "oracleGeneral",
	    "tests/traces/data/oracleGeneral.bin.zst");
	must(rename("out.uvt", "first.uvt"));
	for (size_t i = 0; i < nitems(outputs); i++) {
		export_path("oracleGeneral", "first.uvt", outputs[i],
		    NO_SETTINGS, &rr);
		import_with(&it, NO_SETTINGS);
		import_path(&it, "oracleGeneral", outputs[i]);
		head_has("#objects the number of an object is its page");
		assert_int_equal(it.it_n, first.it_n);
		assert_memory_equal(it.it_ev, first.it_ev,
		    it.it_n * sizeof(*it.it_ev));
		imported_fini(&it);
	}
	imported_fini(&first);
}

static void
pages_of_several_files_come_back_if_numbers_are_split(void **state)
{
	struct imported it;
	struct record_report rr;

	(void)state;
	text_write("all.csv", everything);
	export_path("oracleGeneral", "all.csv", "./all.bin", NO_SETTINGS, &rr);
	import_with(&it, SETTINGS("ids=split", "as=io"));
	import_path(&it, "oracleGeneral", "./all.bin");
	events_are(&it,
	    "pread 1 0 0 4096\npread 1 0 4096 4096\npread 1 0 4096 4096\n"
	    "pread 2 0 4096 4096\npread 2 0 4096 4096\npread 2 0 8192 4096\n"
	    "pread 2 0 0 4096\npread 2 0 0 4096\n");
	imported_fini(&it);
}

static void
what_does_not_fit_oracle_is_refused(void **state)
{
	static const char *const lines[] = {
		"0,0,1,1,read,3,1,4503599627370496,4096,\n",
		"0,0,1,1,pread,3,0,0,1,\n1,4294967296000000000,1,1,pread,3,0,0,"
		"1,\n",
	};

	(void)state;
	for (size_t i = 0; i < nitems(lines); i++) {
		struct trace_export_param xp = { .xp_dir = NULL };
		struct errmsg em = { .em_text = "" };
		struct record_report rr;
		struct trace_reader *tr;
		char text[1024];

		tunable_defaults(export_table, export_count, &xp.xp_param);
		(void)snprintf(text, sizeof(text), FILES COLUMNS "%s",
		    lines[i]);
		text_write("a.csv", text);
		must_em(trace_open("a.csv", 0, &tr, &em), &em);
		assert_int_equal(trace_export(trace_format_find(
						  "oracleGeneral"),
				     tr, &xp, "a.bin", &rr, &em),
		    ERANGE);
		assert_false(rr.rr_output);
		assert_non_null(strstr(em.em_text, "does not fit"));
		assert_false(file_exists("a.bin"));
		trace_close(tr);
	}
}

static void
nothing_to_export_and_nowhere_to_write_are_told_apart(void **state)
{
	struct trace_export_param xp = { .xp_dir = NULL };

	(void)state;
	tunable_defaults(export_table, export_count, &xp.xp_param);
	text_write("a.csv", FILES COLUMNS "0,0,1,1,sync,0,0,0,0,\n");
	for (size_t i = 0; i < trace_nformats; i++) {
		const struct trace_format *fm = &trace_formats[i];
		struct errmsg em = { .em_text = "" };
		struct record_report rr;
		struct trace_reader *tr;

		if (fm->fm_write == NULL)
			continue;
		must_em(trace_open("a.csv", 0, &tr, &em), &em);
		assert_int_equal(trace_export(fm, tr, &xp, "x", &rr, &em),
		    ENODATA);
		assert_false(rr.rr_output);
		assert_false(file_exists("x"));
		trace_close(tr);
		em = (struct errmsg){ .em_text = "" };
		must_em(trace_open("a.csv", 0, &tr, &em), &em);
		assert_int_equal(trace_export(fm, tr, &xp, "no/x", &rr, &em),
		    ENOENT);
		assert_true(rr.rr_output);
		assert_non_null(strstr(em.em_text, "no/x"));
		trace_close(tr);
	}
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(fio_has_reads_writes_syncs_trims_opens_and_closes),
		T(fio_version_2_has_no_times),
		T(fio_gets_what_is_longer_than_it_reads_in_parts),
		T(fio_files_lie_in_a_folder_if_one_is_given),
		T(what_came_from_fio_comes_back_from_it),
		T(a_recorded_iolog_comes_back),
		T(oracle_has_a_request_for_each_page),
		T(oracle_knows_the_next_access_of_each),
		T(what_came_from_oracle_comes_back_from_it),
		T(pages_of_several_files_come_back_if_numbers_are_split),
		T(what_does_not_fit_oracle_is_refused),
		T(nothing_to_export_and_nowhere_to_write_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
