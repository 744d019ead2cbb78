/*
 * Bytes under random events: with read(2) and write(2) coherent (q21 fixed),
 * what was stored last is what is seen, through every mapping and call, while
 * memory is short; and after the last unmap it is in the file.
 */
#include "tests/pager/core.h"

#include <string.h>

#include "tests/dice.h"

#define PAGES  300U
#define MAPS   3U
#define EVENTS 6000U

struct run {
	struct lab r_lab;
	struct dice r_dice;
	uint8_t r_want[PAGES * PG]; /* the file as programs see it */
};

/* A page touched through a map, its bytes as expected; stored to or not. */
static void
touch(struct run *r)
{
	struct uvm *const uvm = r->r_lab.uvm;
	struct uvm_map *const map =
	    uvm_map_find(uvm, 1 + roll(&r->r_dice, MAPS));
	const uint64_t first = roll(&r->r_dice, PAGES);
	const bool store = roll(&r->r_dice, 2) != 0;
	uint64_t pgno;

	for (pgno = first; pgno < PAGES && pgno < first + 12; pgno++) {
		const size_t at = roll(&r->r_dice, (uint32_t)PG);
		uint8_t *bytes;

		assert_true(uvm_access(uvm, map, pgno,
				store ? UVM_ACCESS_WRITE : UVM_ACCESS_READ) <
		    UVM_FAULT_PROT);
		bytes = uvm_page_bytes(uvm, map, pgno);
		assert_non_null(bytes);
		assert_memory_equal(bytes, r->r_want + pgno * PG, PG);
		if (store) {
			bytes[at] = (uint8_t)roll(&r->r_dice, 256);
			r->r_want[pgno * PG + at] = bytes[at];
		}
	}
}

static void
call_on_file(struct run *r, bool write)
{
	const uint64_t offset = roll(&r->r_dice, (PAGES - 4) * (uint32_t)PG);
	const uint64_t length = 1 + roll(&r->r_dice, 4 * (uint32_t)PG - 1);
	uint8_t buf[4 * PG];

	if (write) {
		(void)memset(buf, (int)roll(&r->r_dice, 256), sizeof(buf));
		(void)memcpy(r->r_want + offset, buf, (size_t)length);
		must(uvm_sys_pwrite(r->r_lab.uvm, 1, offset, length, buf));
	} else {
		must(uvm_sys_pread(r->r_lab.uvm, 1, offset, length, buf, NULL));
		assert_memory_equal(buf, r->r_want + offset, (size_t)length);
	}
}

static void
event(struct run *r)
{
	struct uvm *const uvm = r->r_lab.uvm;
	const uint64_t offset = roll(&r->r_dice, PAGES) * PG;
	const uint64_t length =
	    1 + roll(&r->r_dice, (uint32_t)(PAGES * PG - offset));

	switch (roll(&r->r_dice, 12)) {
	case 0:
		call_on_file(r, true);
		break;
	case 1:
		call_on_file(r, false);
		break;
	case 2:
		must(uvm_sys_msync(uvm, 1, offset, length, UVM_MS_INVALIDATE));
		break;
	case 3:
		must(uvm_sys_msync(uvm, 2, offset, length, UVM_MS_ASYNC));
		break;
	case 4:
		must(uvm_sys_madvise(uvm, 3, offset, length,
		    (enum uvm_madv)roll(&r->r_dice, UVM_MADV_FREE)));
		break;
	case 5:
		if (roll(&r->r_dice, 8) == 0)
			must(uvm_sys_sync(uvm));
		break;
	default:
		touch(r);
		break;
	}
	uvm_event_end(uvm);
}

static void
run_machine(uint64_t seed, const char *settings)
{
	struct run *const r = calloc(1, sizeof(*r));
	unsigned i;

	assert_non_null(r);
	r->r_dice.d_state = seed;
	lab_open_with(&r->r_lab, settings, &recorder_data_backend);
	lab_file(&r->r_lab, 1, PAGES * PG);
	uvm_pattern(1, 0, sizeof(r->r_want), 0, r->r_want);
	for (i = 1; i <= MAPS; i++)
		lab_map(&r->r_lab, i, 1, MAP_RW);
	for (i = 0; i < EVENTS; i++) {
		event(r);
		rec_clear(&r->r_lab.rec);
		if (i % 64 == 0)
			lab_check(&r->r_lab);
	}
	for (i = 1; i <= MAPS; i++)
		lab_unmap(&r->r_lab, i);
	assert_memory_equal(r->r_lab.rec.rec_file[1].rf_bytes, r->r_want,
	    sizeof(r->r_want));
	assert_true(lab_stat(&r->r_lab)->pdpageouts > 0);
	assert_gauge(&r->r_lab, lost_pages, 0);
	assert_gauge(&r->r_lab, dirty_discarded, 0);
	lab_close(&r->r_lab);
	free(r);
}

static void
what_was_stored_last_is_seen_and_reaches_the_file(void **state)
{
	static const char *const settings[] = {
		"memory=512K q21_incoherent=fixed",
		"memory=512K profile=modern",
		"memory=1M q21_incoherent=fixed daemon_rule=io cluster=12K "
		"cluster_policy=around",
		"memory=512K profile=modern daemon_rule=wait "
		"cluster_policy=aligned hash_penalty=0",
	};
	const uint64_t seed = dice_seed();
	size_t i;

	(void)state;
	for (i = 0; i < nitems(settings); i++)
		run_machine(seed + i, settings[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_was_stored_last_is_seen_and_reaches_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
