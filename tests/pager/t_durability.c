/* What msync(SYNC) and fsync(2) reach, by what the backend is asked for. */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

/* A row: what is set, what q2 is then, and what is asked of the backend. */
struct row {
	const char *settings;
	bool q2_fixed;
	unsigned after_msync, after_fsync; /* be_sync calls so far */
	const char *ios;
};

static const struct row rows[] = {
	{ "profile=1998", false, 0, 1, "w(0,3)" },
	{ "profile=modern", true, 1, 2, "w(0,3)" },
	{ "durability=none", false, 0, 0, "w(0,3)" },
	{ "profile=modern durability=none", false, 0, 0, "w(0,3)" },
	{ "profile=modern durability=1998", false, 0, 1, "w(0,3)" },
	{ "durability=fdatasync", true, 1, 2, "w(0,3)" },
	{ "durability=dsync", true, 0, 1, "w(0,3)s" },
	{ "q2_not_durable=fixed", true, 1, 2, "w(0,3)" },
	{ "profile=modern q2_not_durable=faithful", false, 0, 1, "w(0,3)" },
	{ "durability=dsync q2_not_durable=fixed", true, 0, 1, "w(0,3)s" },
	{ "durability=none q2_not_durable=faithful", false, 0, 0, "w(0,3)" },
};

static void
start(struct lab *lab, const char *settings, const struct uvm_backend *be)
{

	lab_open_with(lab, settings, be);
	lab_file(lab, 1, 16 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_scan(lab, 1, 0, 2, UVM_ACCESS_WRITE);
	lab_mark(lab);
}

static void
each_value_says_what_msync_and_fsync_reach(void **state)
{
	struct lab lab;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct row *const row = &rows[i];

		print_message("%s\n", row->settings);
		start(&lab, row->settings, &recorder_backend);
		assert_int_equal(lab.up.q2_not_durable,
		    row->q2_fixed ? QUIRK_FIXED : QUIRK_FAITHFUL);
		lab_msync(&lab, 1, UVM_MS_SYNC);
		assert_int_equal(lab.rec.rec_nsync, row->after_msync);
		must(uvm_sys_fsync(lab.uvm, 1));
		lab_end(&lab);
		assert_int_equal(lab.rec.rec_nsync, row->after_fsync);
		assert_rise(&lab, file_syncs, row->after_fsync);
		assert_ios(&lab.rec, row->ios);
		lab_close(&lab);
	}
}

static void
msync_async_and_sync2_wait_for_nothing(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "durability=fdatasync", &recorder_backend);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	lab_sync(&lab);
	assert_int_equal(lab.rec.rec_nsync, 0);
	lab_close(&lab);
}

static void
under_dsync_every_page_out_is_durable_and_no_page_in(void **state)
{
	struct lab lab;

	(void)state;
	/* By a flush that only starts it, by sync(2), by the last unmap; the
	 * list has what was read ahead first. */
	start(&lab, "profile=modern durability=dsync readahead=fixed",
	    &recorder_async_backend);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	(void)lab_write(&lab, 1, 7);
	lab_sync(&lab);
	(void)lab_write(&lab, 1, 9);
	lab_unmap(&lab, 1);
	lab_end(&lab);
	assert_ios(&lab.rec, "w(1,2)s w(0,1)s w(7,1)s w(9,1)s");
	assert_int_equal(lab.rec.rec_nsync, 0);
	lab_map(&lab, 2, 1, MAP_R);
	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 2, 0), UVM_MISS);
	lab_end(&lab);
	for (size_t i = 0; i < lab.rec.rec_nio; i++)
		assert_false(lab.rec.rec_io[i].ri_durable);
	assert_true(lab.rec.rec_nio != 0);
	lab_close(&lab);

	/* By the page daemon: memory for half of it. */
	lab_open(&lab, "memory=512K durability=dsync");
	lab_file(&lab, 1, 256 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	lab_scan(&lab, 1, 0, 255, UVM_ACCESS_WRITE);
	assert_true(lab_stat(&lab)->pdpageouts != 0);
	for (size_t i = 0; i < lab.rec.rec_nio; i++)
		assert_int_equal(lab.rec.rec_io[i].ri_durable,
		    lab.rec.rec_io[i].ri_io == UVM_WRITE);
	lab_close(&lab);
}

static void
durability_and_q2_cannot_contradict_each_other(void **state)
{
	static const char *const settings[] = {
		"durability=none q2_not_durable=fixed",
		"durability=1998 q2_not_durable=fixed",
		"durability=fdatasync q2_not_durable=faithful",
		"durability=dsync q2_not_durable=faithful",
	};
	struct uvm_param up;

	(void)state;
	for (size_t i = 0; i < nitems(settings); i++) {
		struct errmsg em = { .em_text = "" };

		lab_param(&up, settings[i]);
		assert_int_equal(uvm_param_resolve(&up, &em), EINVAL);
		assert_non_null(strstr(em.em_text, "q2_not_durable"));
		assert_non_null(strstr(em.em_text, "durability"));
		assert_null(strchr(em.em_text, '\n'));
	}
}

static void
a_failed_sync_fails_the_call(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "durability=fdatasync", &recorder_backend);
	lab.rec.rec_syncerror = EIO;
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_SYNC), EIO);
	assert_int_equal(uvm_sys_fsync(lab.uvm, 1), EIO);
	lab_end(&lab);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_says_what_msync_and_fsync_reach),
		cmocka_unit_test(msync_async_and_sync2_wait_for_nothing),
		cmocka_unit_test(
		    under_dsync_every_page_out_is_durable_and_no_page_in),
		cmocka_unit_test(
		    durability_and_q2_cannot_contradict_each_other),
		cmocka_unit_test(a_failed_sync_fails_the_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
