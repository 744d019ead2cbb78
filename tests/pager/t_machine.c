/* Making and ending machines, their tunables, history and failure. */
#include "tests/pager/core.h"

#include <sys/resource.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
combinations_that_cannot_work_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *settings, *says;
	} cases[] = {
		{ "page_size=5000", "power of two" },
		{ "memory=8T page_size=512", "at most 1073741823" },
		{ "memory=300K", "100 pages" },
		{ "memory=8M freemin=50 freetarg=50", "above freemin" },
		{ "memory=8M freemin=1 freetarg=4", "reserve" },
		{ "memory=8M freemin=1 freetarg=4", "larger freetarg" },
		{ "memory=400K freetarg=99", "99 of them free" },
		{ "cluster=10000", "pages of 4096 bytes" },
		{ "cluster=2K", "pages of 4096 bytes" },
		{ "cluster=1M pager_map=512K", "pager_map" },
		{ "hash_buckets=100", "power of two" },
	};
	struct uvm_param up;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(cases); i++) {
		struct errmsg em = { .em_text = "" };

		lab_param(&up, cases[i].settings);
		assert_int_equal(uvm_param_resolve(&up, &em), EINVAL);
		if (strstr(em.em_text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].settings, em.em_text);
	}
}

static void
a_page_size_whose_targets_lie_in_the_reserve_wants_a_target(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;

	(void)state;
	/* 256 KiB are 4 pages: freetarg is 5 with any memory. */
	lab_param(&up, "page_size=64K cluster=64K memory=1G");
	assert_int_equal(uvm_param_resolve(&up, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "larger freetarg"));
	assert_null(strstr(em.em_text, "100 pages"));
	lab_param(&up, "page_size=64K cluster=64K memory=1G freetarg=20");
	must(uvm_param_resolve(&up, NULL));
}

static void
resolving_twice_changes_nothing(void **state)
{
	struct uvm_param once, twice;

	(void)state;
	lab_param(&once, "memory=5M profile=modern");
	must(uvm_param_resolve(&once, NULL));
	twice = once;
	must(uvm_param_resolve(&twice, NULL));
	assert_memory_equal(&once, &twice, sizeof(once));
	assert_int_equal(once.hash_buckets, 2048);
}

static void
tables_describe_every_counter(void **state)
{
	const struct uvm_counter *const last =
	    &uvm_stat_table[uvm_stat_count - 1];
	size_t i;

	(void)state;
	assert_int_equal(uvm_stat_count * sizeof(uint64_t),
	    sizeof(struct uvmexp));
	assert_string_equal(uvm_stat_table[0].uc_name, "accesses");
	assert_false(uvm_stat_table[0].uc_gauge);
	assert_string_equal(last->uc_name, "dirty");
	assert_true(last->uc_gauge);
	for (i = 0; i < FLUSH_NCALLER; i++)
		assert_string_not_equal(uvm_flush_caller_name(
					    (enum uvm_flush_caller)i),
		    "unknown");
}

/* The most memory that this process had so far, in KiB. */
static long
most_memory(void)
{
	struct rusage ru;

	must(getrusage(RUSAGE_SELF, &ru));
	return ru.ru_maxrss;
}

static void
a_machine_of_a_tebibyte_costs_what_it_uses(void **state)
{
	const long before = most_memory();
	struct lab lab;

	(void)state;
#if defined(__SANITIZE_THREAD__)
	skip(); /* its shadow memory is counted too */
#endif
	lab_open_with(&lab, "memory=1T", &uvm_backend_null);
	assert_gauge(&lab, free, 1ULL << 28);
	lab_file(&lab, 1, 1ULL << 40);
	lab_map(&lab, 1, 1, MAP_RW);
	lab_scan(&lab, 1, 200000000, 200000999, UVM_ACCESS_WRITE);
	assert_gauge(&lab, free, (1ULL << 28) - 1000);
	lab_unmap(&lab, 1);
	assert_gauge(&lab, pageout_pages, 1000);
	lab_close(&lab);
	assert_true(most_memory() - before < 64L << 10);
}

static void
want_of_address_space_is_enomem_with_a_remedy(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)state;
	skip();
#else
	struct errmsg em = { .em_text = "" };
	struct rlimit old, low;
	struct uvm_param up;
	struct uvm *uvm;
	int error;

	(void)state;
	lab_param(&up, "memory=64G");
	must(uvm_param_resolve(&up, NULL));
	must(getrlimit(RLIMIT_AS, &old));
	low = old;
	low.rlim_cur = 4ULL << 30;
	must(setrlimit(RLIMIT_AS, &low));
	error = uvm_create(&up, &recorder_data_backend, NULL, &uvm, &em);
	must(setrlimit(RLIMIT_AS, &old));
	assert_int_equal(error, ENOMEM);
	assert_non_null(strstr(em.em_text, "less memory, or --backend null"));
#endif
}

static void
ending_a_machine_closes_its_files_and_writes_nothing(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 4 * PG);
	lab_file(&lab, 2, 4 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	(void)lab_write(&lab, 1, 0);
	lab_mark(&lab);
	uvm_destroy(lab.uvm);
	assert_int_equal(lab.rec.rec_nclose, 2);
	assert_int_equal(lab.rec.rec_nio, 0);
	rec_fini(&lab.rec);
	uvm_destroy(NULL);
}

static void
two_machines_share_nothing(void **state)
{
	struct lab a, b;

	(void)state;
	lab_open(&a, NULL);
	lab_open(&b, NULL);
	lab_file(&a, 1, 4 * PG);
	lab_file(&b, 1, 4 * PG);
	lab_map(&a, 1, 1, MAP_RW);
	lab_map(&b, 1, 1, MAP_RW);
	(void)lab_write(&a, 1, 0);
	assert_gauge(&b, faults, 0);
	assert_int_equal(lab_read(&b, 1, 0), UVM_MISS);
	lab_close(&a);
	lab_scan(&b, 1, 1, 3, UVM_ACCESS_READ);
	lab_close(&b);
}

/* The history as text; the caller frees it. */
static char *
history(const struct lab *lab)
{
	char *text = NULL;
	size_t len = 0;
	FILE *const fp = open_memstream(&text, &len);

	assert_non_null(fp);
	uvm_hist_dump(lab->uvm, fp);
	must(fclose(fp));
	return text;
}

static void
the_history_keeps_the_last_events_oldest_first(void **state)
{
	char *text, *line, *rest = NULL;
	unsigned long first = 0, n = 0;
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 64 * PG);
	text = history(&lab);
	assert_string_equal(text, "");
	free(text);

	must(uvm_hist_keep(lab.uvm, 4));
	lab_map(&lab, 1, 1, MAP_RW);
	text = history(&lab);
	assert_string_equal(text,
	    "1 uvn_attach: file 1 prot 0x7 flags 0x0 refs 0\n");
	free(text);

	lab_scan(&lab, 1, 0, 20, UVM_ACCESS_WRITE);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	text = history(&lab);
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest), n++) {
		if (n == 0)
			first = strtoul(line, NULL, 10);
		assert_int_equal(strtoul(line, NULL, 10), first + n);
	}
	assert_int_equal(n, 4);
	assert_true(first > 10);
	free(text);

	must(uvm_hist_keep(lab.uvm, 0));
	lab_msync(&lab, 1, UVM_MS_SYNC);
	text = history(&lab);
	assert_string_equal(text, "");
	free(text);
	lab_close(&lab);
}

static int
refuse_open(void *cookie, uint32_t file, uint64_t size)
{

	(void)cookie;
	(void)file;
	(void)size;
	return EACCES;
}

static int
no_io(void *cookie, struct uvm_buf *b)
{

	(void)cookie;
	b->b_error = ENXIO;
	return b->b_error;
}

static void
a_backend_that_refuses_a_file_is_heard(void **state)
{
	static const struct uvm_backend refusing = {
		.be_name = "refusing",
		.be_open = refuse_open,
		.be_io = no_io,
	};
	struct lab lab;

	(void)state;
	lab_open_with(&lab, NULL, &refusing);
	assert_int_equal(uvm_file_add(lab.uvm, 1, PG), EACCES);
	lab_close(&lab);
}

static void
a_backend_may_lack_everything_but_io(void **state)
{
	static const struct uvm_backend bare = {
		.be_name = "bare",
		.be_io = no_io,
	};
	struct lab lab;

	(void)state;
	lab_open_with(&lab, "q2_not_durable=fixed", &bare);
	lab_file(&lab, 1, 4 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_FAULT_ERROR);
	assert_gauge(&lab, free, lab.up.memory / PG);
	must(uvm_sys_pwrite(lab.uvm, 1, 0, 5 * PG, NULL));
	must(uvm_sys_pread(lab.uvm, 1, 0, PG, NULL, NULL));
	must(uvm_sys_fallocate(lab.uvm, 1, 0, PG, UVM_FALLOC_ZERO));
	must(uvm_sys_fsync(lab.uvm, 1));
	lab_msync(&lab, 1, UVM_MS_SYNC);
	lab_truncate(&lab, 1, 0);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    combinations_that_cannot_work_are_refused_with_a_reason),
		cmocka_unit_test(
		    a_page_size_whose_targets_lie_in_the_reserve_wants_a_target),
		cmocka_unit_test(resolving_twice_changes_nothing),
		cmocka_unit_test(tables_describe_every_counter),
		cmocka_unit_test(a_machine_of_a_tebibyte_costs_what_it_uses),
		cmocka_unit_test(want_of_address_space_is_enomem_with_a_remedy),
		cmocka_unit_test(
		    ending_a_machine_closes_its_files_and_writes_nothing),
		cmocka_unit_test(two_machines_share_nothing),
		cmocka_unit_test(
		    the_history_keeps_the_last_events_oldest_first),
		cmocka_unit_test(a_backend_that_refuses_a_file_is_heard),
		cmocka_unit_test(a_backend_may_lack_everything_but_io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
