/*
 * t_model: the model gives the numbers of the worked examples, section 10 of
 * docs/semantics.md.  A test is named after its example.
 */
#include "tests/test.h"

#include <errno.h>
#include <stdio.h>

#include "tests/model/model.h"

#define PAGE	 4096
#define SHARED	 (MODEL_F_R | MODEL_F_SHARED)
#define SHARED_W (SHARED | MODEL_F_W | MODEL_F_MAXW)

/* A machine with one file, and what it had counted when last asked. */
struct lab {
	struct model_trace trace;
	struct model_file file;
	struct model_bad bad;
	struct model *m;
	struct model_counters was, n;
	size_t io_was;
};

static void
boot(struct lab *lab, uint64_t memory, uint64_t bytes)
{

	*lab = (struct lab){ .file = { .id = 1, .size = bytes } };
	model_config_init(&lab->trace.config, memory);
	lab->trace.files = &lab->file;
	lab->trace.nfiles = 1;
	lab->trace.bad = &lab->bad;
	lab->m = model_create(&lab->trace);
}

static int
event(struct lab *lab, enum model_op op, uint32_t map, uint64_t page,
    uint64_t pages, uint32_t flags)
{
	const struct model_event ev = { .op = op,
		.file = 1,
		.map = map,
		.offset = page * PAGE,
		.length = pages * PAGE,
		.flags = flags };
	int error;

	assert_true(model_step(lab->m, &ev, &error));
	return error;
}

/* Access pages first..last one event each, in either direction. */
static void
touch(struct lab *lab, enum model_op op, uint32_t map, int first, int last)
{
	const int step = first <= last ? 1 : -1;
	int no;

	for (no = first; no != last + step; no += step)
		must(event(lab, op, map, (uint64_t)no, 1, 0));
}

/* Counters since the last call, levels as they are. */
static const struct model_counters *
since(struct lab *lab)
{
	const struct model_counters now = *model_counters(lab->m);

#define X(name) lab->n.name = now.name - lab->was.name;
	MODEL_COUNTERS(X)
#undef X
	lab->n.free = now.free;
	lab->n.active = now.active;
	lab->n.inactive = now.inactive;
	lab->was = now;
	(void)model_ios(lab->m, &lab->io_was);
	return &lab->n;
}

/* The writes since the last since(), as "page+pages " and "!" for failed. */
static const char *
writes(struct lab *lab)
{
	static char text[4096];
	const struct model_io *io;
	size_t n, i, len = 0;

	io = model_ios(lab->m, &n);
	text[0] = '\0';
	for (i = lab->io_was; i < n && len + 64 < sizeof(text); i++) {
		if (io[i].write)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%u+%u%s ", (unsigned)io[i].page,
			    (unsigned)io[i].npages, io[i].failed ? "!" : "");
	}
	return text;
}

static void
shut(struct lab *lab)
{

	model_destroy(lab->m);
}

static void
e1_e1b_e2(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 64 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 64, SHARED));
	touch(&lab, MODEL_READ, 1, 0, 63);
	n = since(&lab);
	assert_int_equal(n->faults, 64);
	assert_int_equal(n->misses, 64);
	assert_int_equal(n->pagein_ios, 64);
	assert_int_equal(n->pagein_pages, 64);
	assert_int_equal(n->neighbours_mapped, 0);
	assert_int_equal(n->lookups, 374);

	must(event(&lab, MODEL_ATTACH, 2, 0, 64, SHARED));
	touch(&lab, MODEL_READ, 2, 0, 63);
	n = since(&lab);
	assert_int_equal(n->faults, 13);
	assert_int_equal(n->resident_hits, 13);
	assert_int_equal(n->neighbours_mapped, 51);
	assert_int_equal(n->mapped_hits, 51);
	assert_int_equal(n->lookups, 64);
	assert_int_equal(n->pagein_ios, 0);

	must(event(&lab, MODEL_ATTACH, 3, 0, 64, SHARED));
	must(event(&lab, MODEL_MADVISE, 3, 0, 64, MODEL_F_RANDOM));
	touch(&lab, MODEL_READ, 3, 0, 63);
	n = since(&lab);
	assert_int_equal(n->resident_hits, 64);
	assert_int_equal(n->lookups, 64);
	shut(&lab);
}

static void
e3(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 64 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 64, SHARED_W));
	touch(&lab, MODEL_WRITE, 1, 0, 63);
	(void)since(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 64, MODEL_F_MS_SYNC));
	assert_string_equal(writes(&lab), "0+16 16+16 32+16 48+16 ");
	n = since(&lab);
	assert_int_equal(n->flush_by_list, 1);
	assert_int_equal(n->list_visits, 128);
	assert_int_equal(n->lookups, 61);
	must(event(&lab, MODEL_MSYNC, 1, 0, 64, MODEL_F_MS_SYNC));
	n = since(&lab);
	assert_int_equal(n->list_visits, 128);
	assert_int_equal(n->pageout_ios, 0);
	touch(&lab, MODEL_WRITE, 1, 0, 63);
	n = since(&lab);
	assert_int_equal(n->resident_hits, 64);
	assert_int_equal(n->lookups, 64);
	shut(&lab);
}

static void
boot_e4(struct lab *lab)
{

	boot(lab, 1000, 64 * PAGE);
	must(event(lab, MODEL_ATTACH, 1, 0, 64, SHARED_W));
	touch(lab, MODEL_WRITE, 1, 63, 0);
	assert_int_equal(since(lab)->lookups, 314);
}

static void
e4(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot_e4(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 64, MODEL_F_MS_SYNC));
	n = since(&lab);
	assert_int_equal(n->flush_by_list, 1);
	assert_int_equal(n->pageout_ios, 64);
	assert_int_equal(n->pageout_pages, 64);
	shut(&lab);
}

static void
e5(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot_e4(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 15, MODEL_F_MS_SYNC));
	assert_string_equal(writes(&lab), "0+15 ");
	n = since(&lab);
	assert_int_equal(n->flush_by_hash, 1);
	assert_int_equal(n->lookups, 45);
	shut(&lab);

	boot_e4(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 16, MODEL_F_MS_SYNC));
	assert_string_equal(writes(&lab),
	    "15+1 14+1 13+1 12+1 11+1 10+1 9+1 8+1 7+1 6+1 5+1 4+1 3+1 2+1 "
	    "1+1 0+1 ");
	assert_int_equal(since(&lab)->flush_by_list, 1);
	shut(&lab);
}

static void
e6(void **state)
{
	const struct model_counters *n;
	struct lab lab;
	int no;

	(void)state;
	boot(&lab, 1000, 64 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 64, SHARED_W));
	for (no = 0; no < 64; no++)
		touch(&lab, no % 4 == 3 ? MODEL_READ : MODEL_WRITE, 1, no, no);
	(void)since(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 64, MODEL_F_MS_SYNC));
	n = since(&lab);
	assert_int_equal(n->pageout_ios, 16);
	assert_int_equal(n->pageout_pages, 48);
	assert_int_equal(n->lookups, 49);
	shut(&lab);
}

static void
e7(void **state)
{
	struct model_event ev = { .op = MODEL_TRUNCATE,
		.file = 1,
		.length = 20000 };
	const struct model_counters *n;
	struct lab lab;
	int error;

	(void)state;
	boot(&lab, 1000, 40000);
	must(event(&lab, MODEL_ATTACH, 1, 0, 10, SHARED_W));
	touch(&lab, MODEL_WRITE, 1, 0, 9);
	(void)since(&lab);
	assert_true(model_step(lab.m, &ev, &error));
	n = since(&lab);
	assert_int_equal(n->flush_by_list, 1);
	assert_int_equal(n->list_visits, 10);
	assert_int_equal(n->pageout_ios, 0);
	assert_int_equal(n->free, 1000 - 4);
	touch(&lab, MODEL_READ, 1, 4, 4);
	n = since(&lab);
	assert_int_equal(n->misses, 1);
	assert_int_equal(n->pagein_ios, 1);
	assert_int_equal(n->fault_errors, 0);
	touch(&lab, MODEL_READ, 1, 5, 5);
	n = since(&lab);
	assert_int_equal(n->misses, 1);
	assert_int_equal(n->pagein_ios, 0);
	assert_int_equal(n->fault_errors, 1);
	assert_int_equal(n->free, 1000 - 5);
	shut(&lab);
}

static const char e8_writes[] =
    "0+16! 0+1 1+15! 1+1 2+14! 2+1 3+13! 3+1! 4+12 ";

static void
boot_e8(struct lab *lab)
{

	boot(lab, 1000, 16 * PAGE);
	lab->bad = (struct model_bad){ .file = 1, .page = 3, .npages = 1 };
	lab->trace.nbad = 1;
	must(event(lab, MODEL_ATTACH, 1, 0, 16, SHARED_W));
	touch(lab, MODEL_WRITE, 1, 0, 15);
	(void)since(lab);
}

static void
e8(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot_e8(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 16, MODEL_F_MS_SYNC));
	assert_string_equal(writes(&lab), e8_writes);
	n = since(&lab);
	assert_int_equal(n->pageout_ios, 9);
	assert_int_equal(n->pageout_pages, 74);
	must(event(&lab, MODEL_MSYNC, 1, 0, 16, MODEL_F_MS_SYNC));
	assert_int_equal(since(&lab)->pageout_ios, 0);
	shut(&lab);
}

static void
e8b(void **state)
{
	struct lab lab;

	(void)state;
	boot_e8(&lab);
	assert_int_equal(event(&lab, MODEL_MSYNC, 1, 0, 16,
			     MODEL_F_MS_SYNC | MODEL_F_MS_INVALIDATE),
	    EIO);
	assert_string_equal(writes(&lab), e8_writes);
	assert_int_equal(since(&lab)->free, 1000);
	shut(&lab);
}

/* 300 pages through 128; op at every stride-th page, the others are read. */
static const struct model_counters *
e9_scan(struct lab *lab, enum model_op op, int stride)
{
	int no;

	boot(lab, 128, 300 * PAGE);
	must(event(lab, MODEL_ATTACH, 1, 0, 300, SHARED_W));
	for (no = 0; no < 300; no++)
		touch(lab, no % stride == 0 ? op : MODEL_READ, 1, no, no);
	return since(lab);
}

static void
e9(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	n = e9_scan(&lab, MODEL_READ, 1);
	assert_int_equal(n->pagein_ios, 300);
	assert_int_equal(n->alloc_failures, 60);
	assert_int_equal(n->memory_waits, 60);
	assert_int_equal(n->pdwoke, 60);
	assert_int_equal(n->pddeact, 218);
	assert_int_equal(n->pdscans, 177);
	assert_int_equal(n->pdfreed, 177);
	assert_int_equal(n->free, 5);
	assert_int_equal(n->active, 82);
	assert_int_equal(n->inactive, 41);
	shut(&lab);
}

static void
e9w(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	n = e9_scan(&lab, MODEL_WRITE, 1);
	assert_int_equal(n->pagein_ios, 300);
	assert_int_equal(n->alloc_failures, 60);
	assert_int_equal(n->pdpageouts, 12);
	assert_int_equal(n->pageout_ios, 12);
	assert_int_equal(n->pageout_pages, 192);
	assert_int_equal(n->pdscans, 189);
	shut(&lab);
}

static void
p3(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	n = e9_scan(&lab, MODEL_WRITE, 2);
	assert_int_equal(n->pageout_ios, 90);
	assert_int_equal(n->pageout_pages, 90);
	assert_int_equal(n->pdscans, 267);
	shut(&lab);
}

static void
e10_e10b(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 64 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 64, SHARED));
	must(event(&lab, MODEL_MADVISE, 1, 0, 64, MODEL_F_SEQUENTIAL));
	touch(&lab, MODEL_READ, 1, 0, 63);
	n = since(&lab);
	assert_int_equal(n->misses, 64);
	assert_int_equal(n->flush_by_list, 33);
	assert_int_equal(n->list_visits, 528);
	assert_int_equal(n->flush_by_hash, 31);
	assert_int_equal(n->lookups, 796);
	assert_int_equal(n->active, 1);
	assert_int_equal(n->inactive, 63);

	must(event(&lab, MODEL_ATTACH, 2, 0, 64, SHARED));
	must(event(&lab, MODEL_MADVISE, 2, 0, 64, MODEL_F_SEQUENTIAL));
	touch(&lab, MODEL_READ, 2, 0, 63);
	n = since(&lab);
	assert_int_equal(n->resident_hits, 8);
	assert_int_equal(n->faults, 8);
	assert_int_equal(n->neighbours_mapped, 56);
	assert_int_equal(n->lookups, 121);
	assert_int_equal(n->active, 8);
	assert_int_equal(n->inactive, 56);
	shut(&lab);
}

static void
e11(void **state)
{
	struct lab lab;
	int pass;

	(void)state;
	boot(&lab, 128, 140 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 140, SHARED));
	for (pass = 0; pass < 5; pass++) {
		touch(&lab, MODEL_READ, 1, 0, 139);
		assert_int_equal(since(&lab)->misses, 140);
	}
	shut(&lab);
}

static void
p1(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 32 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 32, SHARED));
	touch(&lab, MODEL_READ, 1, 0, 31);
	(void)since(&lab);
	must(event(&lab, MODEL_DETACH, 1, 0, 0, 0));
	n = since(&lab);
	assert_int_equal(n->list_visits, 32);
	assert_int_equal(n->pageout_ios, 0);
	assert_int_equal(n->inactive, 32);
	assert_int_equal(n->persists, 1);
	must(event(&lab, MODEL_ATTACH, 2, 0, 32, SHARED));
	touch(&lab, MODEL_READ, 2, 0, 31);
	n = since(&lab);
	assert_int_equal(n->faults, 7);
	assert_int_equal(n->neighbours_mapped, 25);
	assert_int_equal(n->pagein_ios, 0);
	shut(&lab);
}

static void
p2(void **state)
{
	static const int dirty[] = { 1, 2, 3, 20, 31 };
	const struct model_counters *n;
	struct lab lab;
	size_t i;

	(void)state;
	boot(&lab, 1000, 32 * PAGE - 100);
	must(event(&lab, MODEL_ATTACH, 1, 0, 32, SHARED_W));
	touch(&lab, MODEL_READ, 1, 0, 31);
	for (i = 0; i < nitems(dirty); i++)
		touch(&lab, MODEL_WRITE, 1, dirty[i], dirty[i]);
	(void)since(&lab);
	must(event(&lab, MODEL_DETACH, 1, 0, 0, 0));
	assert_string_equal(writes(&lab), "1+3 20+1 31+1 ");
	n = since(&lab);
	assert_int_equal(n->pageout_bytes, 4 * PAGE + 3996);
	assert_int_equal(n->free, 1000);
	shut(&lab);
}

static void
p4(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 16 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 16, SHARED_W));
	must(event(&lab, MODEL_ATTACH, 2, 0, 16, SHARED_W));
	touch(&lab, MODEL_WRITE, 1, 0, 15);
	touch(&lab, MODEL_WRITE, 2, 0, 15);
	(void)since(&lab);
	must(event(&lab, MODEL_MSYNC, 1, 0, 16, MODEL_F_MS_SYNC));
	assert_string_equal(writes(&lab), "0+16 ");
	(void)since(&lab);
	touch(&lab, MODEL_WRITE, 1, 0, 15);
	n = since(&lab);
	assert_int_equal(n->resident_hits, 16);
	touch(&lab, MODEL_WRITE, 2, 0, 15);
	n = since(&lab);
	assert_int_equal(n->resident_hits, 16);
	shut(&lab);
}

static void
p5(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 16 * PAGE);
	must(event(&lab, MODEL_ATTACH, 1, 0, 16, SHARED_W));
	touch(&lab, MODEL_READ, 1, 0, 15);
	touch(&lab, MODEL_WRITE, 1, 0, 15);
	n = since(&lab);
	assert_int_equal(n->faults, 16);
	assert_int_equal(n->dirty, 16);
	shut(&lab);
}

static void
p6(void **state)
{
	const struct model_counters *n;
	struct lab lab;

	(void)state;
	boot(&lab, 1000, 3 * PAGE + 10);
	must(event(&lab, MODEL_ATTACH, 1, 0, 8, SHARED));
	must(event(&lab, MODEL_READ, 1, 0, 8, 0));
	n = since(&lab);
	assert_int_equal(n->misses, 8);
	assert_int_equal(n->fault_errors, 4);
	assert_int_equal(n->pagein_ios, 4);
	assert_int_equal(n->pagein_bytes, 3 * PAGE + 10);
	assert_int_equal(n->fltget, 8);
	assert_int_equal(n->free, 1000 - 4);
	shut(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e1_e1b_e2),
		cmocka_unit_test(e3),
		cmocka_unit_test(e4),
		cmocka_unit_test(e5),
		cmocka_unit_test(e6),
		cmocka_unit_test(e7),
		cmocka_unit_test(e8),
		cmocka_unit_test(e8b),
		cmocka_unit_test(e9),
		cmocka_unit_test(e9w),
		cmocka_unit_test(p3),
		cmocka_unit_test(e10_e10b),
		cmocka_unit_test(e11),
		cmocka_unit_test(p1),
		cmocka_unit_test(p2),
		cmocka_unit_test(p4),
		cmocka_unit_test(p5),
		cmocka_unit_test(p6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
