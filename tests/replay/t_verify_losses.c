#include "tests/replay/verify_fixture.h"

#include <errno.h>
#include <string.h>

/* Page 1 of file 1 is dirty and every write of it fails. */
static void
fail_page_1(struct fixture *fx)
{

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 1, 2);
	vt_next_event(fx);
	vt_store(fx, 1, 1);
	vt_store(fx, 1, 2);
	vt_next_event(fx);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(vt_page_io(fx, UVM_WRITE, 1, 1, 2), EIO);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(vt_page_io(fx, UVM_WRITE, 1, 1, 1), EIO);
}

static void
a_page_given_up_after_a_failed_write_may_be_lost(void **state)
{
	struct fixture *fx = *state;

	fail_page_1(fx);
	verify_lost(fx->fx_v, 1, 1);
	vt_next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	vt_next_event(fx);
	vt_page_in(fx, 1, 1, 1);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 1);
	assert_int_equal(verify_stat(fx->fx_v)->vs_unwritten, 1);
}

static void
its_neighbour_may_not_be_lost(void **state)
{
	struct fixture *fx = *state;

	fail_page_1(fx);
	verify_lost(fx->fx_v, 1, 1);
	verify_freed(fx->fx_v, 1, 2);
	assert_fails(fx, "file 1 page 2", "lost write");
}

static void
a_later_store_may_not_be_lost(void **state)
{
	struct fixture *fx = *state;

	fail_page_1(fx);
	verify_lost(fx->fx_v, 1, 1);
	vt_next_event(fx);
	vt_store(fx, 1, 1);
	vt_next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	assert_fails(fx, "file 1 page 1", "lost write", "sequence 4");
}

static void
a_failed_write_alone_permits_no_loss(void **state)
{
	struct fixture *fx = *state;

	for (int quirk = QUIRK_FAITHFUL; quirk <= QUIRK_FIXED; quirk++) {
		vt_begin(fx, (enum quirk)quirk);
		fail_page_1(fx);
		verify_freed(fx->fx_v, 1, 1);
		assert_fails(fx, "file 1 page 1", "lost write");
	}
}

static void
a_page_whose_write_did_not_fail_is_not_given_up(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 1, 1);
	vt_store(fx, 1, 1);
	verify_lost(fx->fx_v, 1, 1);
	assert_fails(fx, "file 1 page 1", "given up");
}

static void
a_page_given_up_counts_at_the_end_though_it_is_in_memory(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };

	fail_page_1(fx);
	verify_lost(fx->fx_v, 1, 1);
	must(verify_finish(fx->fx_v, &em));
	assert_int_equal(verify_stat(fx->fx_v)->vs_unwritten, 1);
}

static void
a_failed_write_tried_again_is_kept(void **state)
{
	struct fixture *fx = *state;

	vt_begin(fx, QUIRK_FIXED);
	fail_page_1(fx);
	vt_page_out(fx, 1, 1, 2);
	verify_freed(fx->fx_v, 1, 1);
	verify_freed(fx->fx_v, 1, 2);
	vt_page_in(fx, 1, 1, 2);
	assert_passes(fx);
}

/* Pages 1 and 2 are dirty; a shrink into page 1 frees those told. */
static void
shrink(struct fixture *fx, bool before, bool page1)
{

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 1, 2);
	vt_store(fx, 1, 1);
	vt_store(fx, 1, 2);
	vt_next_event(fx);
	if (before)
		verify_truncate(fx->fx_v, 1, PG + 100);
	if (page1)
		verify_freed(fx->fx_v, 1, 1);
	else
		memset(fx->fx_frame[1][1] + 100, 0, PG - 100);
	verify_freed(fx->fx_v, 1, 2);
	must(verify_backend.be_truncate(fx->fx_v, 1, PG + 100));
	if (!before)
		verify_truncate(fx->fx_v, 1, PG + 100);
}

static void
q6_permits_a_shrink_to_drop_the_page_of_the_new_end(void **state)
{
	struct fixture *fx = *state;

	for (int before = 0; before < 2; before++) {
		vt_begin(fx, QUIRK_FAITHFUL);
		shrink(fx, before != 0, true);
		vt_page_in(fx, 1, 1, 1);
		assert_passes(fx);
		assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 2);
	}
}

static void
q6_does_not_outlast_its_event(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 1, 1);
	vt_store(fx, 1, 1);
	vt_next_event(fx);
	vt_truncate_file(fx, 1, PG + 100);
	vt_next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	assert_fails(fx, "file 1 page 1", "lost write");
}

static void
q6_fixed_keeps_the_page_of_the_new_end(void **state)
{
	struct fixture *fx = *state;

	vt_begin(fx, QUIRK_FIXED);
	shrink(fx, true, true);
	assert_fails(fx, "file 1 page 1", "lost write");
}

static void
q6_fixed_drops_the_rest_and_zeroes_the_tail(void **state)
{
	struct fixture *fx = *state;

	vt_begin(fx, QUIRK_FIXED);
	shrink(fx, false, false);
	vt_next_event(fx);
	vt_truncate_file(fx, 1, 2 * PG);
	vt_page_out(fx, 1, 1, 1);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 1);
}

static void
a_tail_not_zeroed_is_found_when_q6_is_fixed(void **state)
{
	struct fixture *fx = *state;

	vt_begin(fx, QUIRK_FIXED);
	shrink(fx, false, false);
	memset(fx->fx_frame[1][1] + 100, 0xee, 1);
	vt_next_event(fx);
	vt_truncate_file(fx, 1, 2 * PG);
	vt_page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1 byte 4196", "zeros must be");
}

static void
madv_free_permits_the_loss_of_its_range_in_its_event(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 2; i++) {
		vt_begin(fx, QUIRK_FIXED);
		vt_add_file(fx, 1, 4 * PG);
		vt_page_in(fx, 1, 1, 2);
		vt_store(fx, 1, 1);
		vt_store(fx, 1, 2);
		vt_next_event(fx);
		verify_freed(fx->fx_v, 1, 1);
		verify_discard(fx->fx_v, 1, PG, PG);
		if (i == 0) {
			assert_passes(fx);
			assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 1);
		} else {
			verify_freed(fx->fx_v, 1, 2);
			assert_fails(fx, "file 1 page 2", "lost write");
		}
	}
}

static void
an_unlinked_file_may_lose_all(void **state)
{
	struct fixture *fx = *state;

	vt_begin(fx, QUIRK_FIXED);
	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 1, 1);
	vt_store(fx, 1, 1);
	vt_next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	must(verify_backend.be_truncate(fx->fx_v, 1, 0));
	verify_unlink_gone(fx->fx_v, 1);
	assert_passes(fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_given_up_after_a_failed_write_may_be_lost),
		TEST(its_neighbour_may_not_be_lost),
		TEST(a_later_store_may_not_be_lost),
		TEST(a_failed_write_alone_permits_no_loss),
		TEST(a_page_whose_write_did_not_fail_is_not_given_up),
		TEST(a_page_given_up_counts_at_the_end_though_it_is_in_memory),
		TEST(a_failed_write_tried_again_is_kept),
		TEST(q6_permits_a_shrink_to_drop_the_page_of_the_new_end),
		TEST(q6_does_not_outlast_its_event),
		TEST(q6_fixed_keeps_the_page_of_the_new_end),
		TEST(q6_fixed_drops_the_rest_and_zeroes_the_tail),
		TEST(a_tail_not_zeroed_is_found_when_q6_is_fixed),
		TEST(madv_free_permits_the_loss_of_its_range_in_its_event),
		TEST(an_unlinked_file_may_lose_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
