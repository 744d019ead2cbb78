#include "tests/replay/verify_fixture.h"

#include <errno.h>
#include <string.h>

/*
 * ---- passes ----
 */

static void
an_untouched_file_passes(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 5 * PG + 123);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_pages_end, 6);
}

static void
stores_written_out_and_read_again_pass(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 8 * PG + 10);
	vt_page_in(fx, 1, 0, 9);
	for (uint64_t i = 0; i < 9; i += 2) {
		vt_next_event(fx);
		vt_store(fx, 1, i);
	}
	vt_page_out(fx, 1, 0, 9);
	for (uint64_t i = 0; i < 9; i++)
		verify_freed(fx->fx_v, 1, i);
	vt_next_event(fx);
	vt_page_in(fx, 1, 0, 9);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_pages_in, 18);
	assert_int_equal(verify_stat(fx->fx_v)->vs_pages_out, 9);
	assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 0);
}

static void
a_dirty_page_still_resident_at_the_end_is_not_lost(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 2 * PG);
	vt_page_in(fx, 1, 1, 1);
	vt_store(fx, 1, 1);
	assert_passes(fx);
}

static void
write_and_mappings_need_not_agree(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 0, 2);
	vt_next_event(fx);
	vt_write_file(fx, 1, 100, PG);
	/* Stale and clean: page 1 may go, and shows the write when read. */
	verify_freed(fx->fx_v, 1, 1);
	vt_page_in(fx, 1, 1, 1);
	/* Stale and dirty: page 0 overwrites the write. */
	vt_next_event(fx);
	vt_store(fx, 1, 0);
	vt_page_out(fx, 1, 0, 1);
	verify_freed(fx->fx_v, 1, 0);
	vt_page_in(fx, 1, 0, 1);
	assert_passes(fx);
}

static void
a_write_may_extend_the_file_beyond_a_gap(void **state)
{
	struct fixture *fx = *state;
	uint8_t buf[300];

	vt_add_file(fx, 1, 100);
	vt_next_event(fx);
	vt_write_file(fx, 1, 3 * PG + 50, 300);
	assert_int_equal(fx->fx_fake.fk_size[1], 3 * PG + 350);
	vt_page_in(fx, 1, 0, 4);
	must(verify_backend.be_pread(fx->fx_v, 1, 3 * PG + 50, 300, buf));
	assert_passes(fx);
}

static void
bytes_cut_off_come_back_as_zeros(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_truncate_file(fx, 1, PG + 100);
	vt_next_event(fx);
	vt_truncate_file(fx, 1, 3 * PG);
	vt_next_event(fx);
	vt_page_in(fx, 1, 0, 3);
	assert_passes(fx);
}

static void
bytes_cut_off_come_back_as_zeros_though_they_were_written(void **state)
{
	/* Fewer pages than the verifier's table has buckets, and more. */
	static const uint64_t npages[] = { 4, NPAGES };
	struct fixture *fx = *state;

	for (size_t i = 0; i < nitems(npages); i++) {
		vt_begin(fx, QUIRK_FAITHFUL);
		vt_add_file(fx, 1, npages[i] * PG);
		vt_page_in(fx, 1, 2, 1);
		vt_store(fx, 1, 2);
		vt_page_out(fx, 1, 2, 1);
		vt_write_file(fx, 1, PG, PG);
		vt_next_event(fx);
		vt_truncate_file(fx, 1, PG + 100);
		verify_freed(fx->fx_v, 1, 2);
		vt_next_event(fx);
		vt_truncate_file(fx, 1, 3 * PG);
		vt_page_in(fx, 1, 1, 2);
		assert_passes(fx);
	}
}

static void
stores_behind_the_end_show_only_after_growth_and_a_page_out(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, PG + 100);
	vt_page_in(fx, 1, 1, 1);
	vt_next_event(fx);
	vt_store(fx, 1, 1);
	vt_page_out(fx, 1, 1, 1);
	vt_next_event(fx);
	vt_truncate_file(fx, 1, 2 * PG);
	/* Clean, though it holds more than the file: free to go. */
	verify_freed(fx->fx_v, 1, 1);
	vt_next_event(fx);
	vt_page_in(fx, 1, 1, 1);
	assert_int_equal(fx->fx_frame[1][1][100], 0);
	assert_passes(fx);
}

static void
a_page_kept_through_growth_may_be_written_with_its_old_bytes(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, PG + 100);
	vt_page_in(fx, 1, 1, 1);
	vt_next_event(fx);
	vt_store(fx, 1, 1);
	vt_next_event(fx);
	vt_truncate_file(fx, 1, 2 * PG);
	vt_page_out(fx, 1, 1, 1);
	verify_freed(fx->fx_v, 1, 1);
	vt_page_in(fx, 1, 1, 1);
	assert_passes(fx);
}

static void
zeroing_changes_the_file_and_no_page(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 1, 1);
	vt_next_event(fx);
	verify_zero(fx->fx_v, 1, 100, 2 * PG);
	must(verify_backend.be_zero(fx->fx_v, 1, 100, 2 * PG));
	vt_page_in(fx, 1, 0, 1);
	vt_next_event(fx);
	vt_store(fx, 1, 1);
	vt_page_out(fx, 1, 1, 1);
	assert_passes(fx);
}

static void
a_partly_failed_write_is_settled_by_what_is_on_disk(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 2 * PG);
	vt_page_in(fx, 1, 0, 1);
	vt_next_event(fx);
	vt_store(fx, 1, 0);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(vt_page_io(fx, UVM_WRITE, 1, 0, 1), EIO);
	/* The third sector got there, though nobody said so. */
	verify_fill(1, 1024, 512, 2, fx->fx_fake.fk_bytes[1] + 1024);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(vt_page_io(fx, UVM_WRITE, 1, 0, 1), EIO);
	verify_lost(fx->fx_v, 1, 0);
	verify_freed(fx->fx_v, 1, 0);
	vt_next_event(fx);
	vt_page_in(fx, 1, 0, 1);
	assert_passes(fx);
}

/*
 * ---- finds ----
 */

static void
a_flipped_byte_on_disk_is_found_at_page_in(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 8 * PG);
	fx->fx_fake.fk_bytes[1][3 * PG + 17] ^= 0x40;
	fx->fx_event = 41;
	vt_next_event(fx);
	vt_page_in(fx, 1, 2, 4);
	assert_fails(fx, "file 1 page 3 byte 12305", "event 42", "page-in",
	    "first contents", "0x");
}

static void
a_flipped_byte_on_disk_is_found_at_the_end(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, PG);
	vt_add_file(fx, 2, 8 * PG + 9);
	fx->fx_fake.fk_bytes[2][8 * PG + 8] ^= 1;
	assert_fails(fx, "file 2 page 8 byte 32776", "at the end");
}

static void
a_stale_page_is_found_and_dated(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 2, 1);
	fx->fx_event = 6;
	for (int i = 0; i < 2; i++) {
		vt_next_event(fx);
		vt_store(fx, 1, 2);
		vt_page_out(fx, 1, 2, 1);
	}
	verify_freed(fx->fx_v, 1, 2);
	/* The second write never got to the medium. */
	verify_fill(1, 2 * PG, PG, 8, fx->fx_fake.fk_bytes[1] + 2 * PG);
	vt_next_event(fx);
	vt_page_in(fx, 1, 2, 1);
	assert_fails(fx, "file 1 page 2", "sequence 8 (event 7) of this page",
	    "sequence 9 (event 8) must be", "event 9");
}

static void
a_page_of_another_place_is_found_and_named(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_add_file(fx, 2, 9 * PG);
	uvm_filebe_fill(2, 7 * PG, PG, fx->fx_fake.fk_bytes[1] + PG);
	vt_page_in(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "of file 2 page 7");
}

static void
zeros_in_place_of_data_are_named(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	memset(fx->fx_fake.fk_bytes[1] + PG, 0, PG);
	vt_page_in(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "has zeros");
}

static void
a_wrong_frame_is_found_at_page_out(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 0, 3);
	vt_next_event(fx);
	vt_store(fx, 1, 1);
	memcpy(fx->fx_frame[1][1], fx->fx_frame[1][2], PG);
	vt_page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "page-out", "event 1",
	    "of file 1 page 2", "sequence 2 (event 1) must be");
}

static void
a_lost_write_is_found(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 3, 1);
	fx->fx_event = 10;
	vt_next_event(fx);
	vt_store(fx, 1, 3);
	vt_next_event(fx);
	verify_freed(fx->fx_v, 1, 3);
	vt_next_event(fx);
	assert_fails(fx, "file 1 page 3", "lost write", "event 12",
	    "sequence 12 (event 11)");
}

static void
a_second_page_in_over_unwritten_stores_is_a_lost_write(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 4 * PG);
	vt_page_in(fx, 1, 3, 1);
	vt_store(fx, 1, 3);
	vt_page_in(fx, 1, 3, 1);
	assert_fails(fx, "file 1 page 3", "lost write");
}

static void
a_write_beyond_the_end_is_found(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 3 * PG);
	vt_page_in(fx, 1, 2, 1);
	vt_store(fx, 1, 2);
	vt_truncate_file(fx, 1, 2 * PG + 5);
	fx->fx_fake.fk_size[1] = 3 * PG;
	vt_page_out(fx, 1, 2, 1);
	assert_fails(fx, "file 1 page 2", "beyond the end", "8197");
}

static void
what_a_short_read_left_as_zeros_is_not_found_but_counted(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 3 * PG);
	fx->fx_fake.fk_short = true;
	fx->fx_fake.fk_done = 100;
	vt_page_in(fx, 1, 1, 1);
	memset(fx->fx_frame[1][1] + 100, 0, PG - 100);
	vt_page_out(fx, 1, 1, 1);
	assert_int_equal(verify_stat(fx->fx_v)->vs_short, 1);
	assert_passes(fx);
}

static void
a_short_read_is_no_page_in_with_q1_fixed(void **state)
{
	struct fixture *fx = *state;

	vt_begin(fx, QUIRK_FIXED);
	vt_add_file(fx, 1, 3 * PG);
	fx->fx_fake.fk_short = true;
	fx->fx_fake.fk_done = 100;
	vt_page_in(fx, 1, 1, 1);
	vt_page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "never read in");
}

static void
a_truncate_that_the_backend_never_hears_of_is_found(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 3 * PG);
	verify_truncate(fx->fx_v, 1, PG);
	assert_fails(fx, "file 1", "truncated to 4096", "has 12288");
}

static void
a_write_that_the_backend_never_hears_of_is_found(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 3 * PG);
	verify_pwrite(fx->fx_v, 1, 5, 10, 1);
	vt_next_event(fx);
	assert_fails(fx, "file 1", "write(2) of 10 bytes");
}

static void
a_page_out_of_what_was_never_read_is_found(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 3 * PG);
	vt_page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "never read in");
}

static void
a_store_into_what_was_never_read_is_found(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 3 * PG);
	vt_store(fx, 1, 1);
	assert_fails(fx, "file 1 page 1", "never read in");
}

static void
the_first_thing_found_is_the_one_told(void **state)
{
	struct fixture *fx = *state;

	vt_add_file(fx, 1, 8 * PG);
	fx->fx_fake.fk_bytes[1][3 * PG] ^= 1;
	fx->fx_fake.fk_bytes[1][5 * PG] ^= 1;
	vt_page_in(fx, 1, 5, 1);
	vt_page_in(fx, 1, 3, 1);
	assert_fails(fx, "page 5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_untouched_file_passes),
		TEST(stores_written_out_and_read_again_pass),
		TEST(a_dirty_page_still_resident_at_the_end_is_not_lost),
		TEST(write_and_mappings_need_not_agree),
		TEST(a_write_may_extend_the_file_beyond_a_gap),
		TEST(bytes_cut_off_come_back_as_zeros),
		TEST(bytes_cut_off_come_back_as_zeros_though_they_were_written),
		TEST(
		    stores_behind_the_end_show_only_after_growth_and_a_page_out),
		TEST(
		    a_page_kept_through_growth_may_be_written_with_its_old_bytes),
		TEST(zeroing_changes_the_file_and_no_page),
		TEST(a_partly_failed_write_is_settled_by_what_is_on_disk),
		TEST(a_flipped_byte_on_disk_is_found_at_page_in),
		TEST(a_flipped_byte_on_disk_is_found_at_the_end),
		TEST(a_stale_page_is_found_and_dated),
		TEST(a_page_of_another_place_is_found_and_named),
		TEST(zeros_in_place_of_data_are_named),
		TEST(a_wrong_frame_is_found_at_page_out),
		TEST(a_lost_write_is_found),
		TEST(a_second_page_in_over_unwritten_stores_is_a_lost_write),
		TEST(a_write_beyond_the_end_is_found),
		TEST(what_a_short_read_left_as_zeros_is_not_found_but_counted),
		TEST(a_short_read_is_no_page_in_with_q1_fixed),
		TEST(a_truncate_that_the_backend_never_hears_of_is_found),
		TEST(a_write_that_the_backend_never_hears_of_is_found),
		TEST(a_page_out_of_what_was_never_read_is_found),
		TEST(a_store_into_what_was_never_read_is_found),
		TEST(the_first_thing_found_is_the_one_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
