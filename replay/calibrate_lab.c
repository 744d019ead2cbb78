/*
 * calibrate_lab.c: machines whose pages lie in memory in a known order.
 *
 * An object's list is in the order of its faults, and a frame is taken from the
 * free list.  So the order of the free list before the faults is the order of
 * the frames along the list.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "replay/calibrate.h"

#define LIFE_FILE 2
#define REST_FILE 3
#define LIFE	  8 /* accesses a page of memory */

uint64_t
lab_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t
below(uint64_t *state, uint64_t n)
{
	return (uint64_t)((uint128_t)lab_random(state) * n >> 64);
}

/* Map a file of so many pages, as map of the same number. */
static int
map_file(struct uvm *uvm, uint32_t file, uint64_t bytes)
{
	const struct uvm_mmap mm = {
		.mm_map = file,
		.mm_pid = 1,
		.mm_file = file,
		.mm_flags = UVM_MAP_READ,
		.mm_length = bytes,
	};
	const int error = uvm_file_add(uvm, file, bytes);

	return error != 0 ? error : uvm_sys_mmap(uvm, &mm);
}

static void
touch(struct uvm *uvm, uint32_t file, uint64_t pgno)
{

	(void)uvm_access(uvm, uvm_map_find(uvm, file), pgno, UVM_ACCESS_READ);
	uvm_event_end(uvm);
}

/*
 * Fill memory with pages of another file and free them one by one, in random
 * order.  Frames that were free all along stand before them on the free list: a
 * third file takes those.
 */
static int
shuffle_frames(struct uvm *uvm, uint64_t pages, uint64_t pgsize,
    uint64_t *state)
{
	uint32_t *order = calloc(pages, sizeof(*order));
	uint64_t rest;
	int error = 0;

	if (order == NULL)
		return ENOMEM;
	for (uint64_t i = 0; i < pages && !calibrate_stopped(); i++) {
		order[i] = (uint32_t)i;
		touch(uvm, LIFE_FILE, i);
	}
	if (calibrate_stopped()) {
		free(order);
		return EINTR;
	}
	rest = uvm_stat(uvm)->free;
	for (uint64_t i = pages; i > 1; i--) {
		const uint64_t j = below(state, i);
		const uint32_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
	for (uint64_t i = 0; i < pages && error == 0; i++)
		error = uvm_sys_madvise(uvm, LIFE_FILE, order[i] * pgsize,
		    pgsize, UVM_MADV_FREE);
	if (error == 0)
		error = map_file(uvm, REST_FILE, rest * pgsize);
	for (uint64_t i = 0; i < rest && error == 0; i++)
		touch(uvm, REST_FILE, i);
	free(order);
	return error;
}

/*
 * Live for a while in a file four times as large as memory: every second access
 * goes to a set of pages that is used again and again, the others anywhere.  So
 * pages come and go past others that stay.  What is left is freed in the order
 * of its faults, as a program's end frees it.
 */
static int
age_frames(struct uvm *uvm, uint64_t pages, uint64_t *state)
{
	const uint64_t all = 4 * pages, hot = pages / 2;

	for (uint64_t i = 0; i < LIFE * pages && !calibrate_stopped(); i++)
		touch(uvm, LIFE_FILE,
		    lab_random(state) % 2 == 0 ? below(state, all) :
						 /* These lie here and there. */
						 below(state, hot) * 8);
	if (calibrate_stopped())
		return EINTR;
	return uvm_sys_truncate(uvm, LIFE_FILE, 0);
}

int
lab_create(uint64_t pages, enum cal_frames frames, uint64_t seed,
    struct uvm **uvmp, struct errmsg *em)
{
	struct uvm_param up;
	uint64_t state = seed;
	/* Some more than needed, so that no page is put out again. */
	const uint64_t memory = pages + pages / 4 + 2048;
	struct uvm *uvm;
	int error;

	uvm_param_init(&up);
	up.advice = ADVICE_RANDOM;
	up.sync_interval = 0;
	up.memory = memory * up.page_size;
	if ((error = uvm_param_resolve(&up, em)) != 0 ||
	    (error = uvm_create(&up, &uvm_backend_null, NULL, &uvm, em)) != 0)
		return error;
	if ((error = map_file(uvm, LAB_FILE, 4 * pages * up.page_size)) == 0)
		error = map_file(uvm, LIFE_FILE, 4 * memory * up.page_size);
	if (error == 0 && frames == CAL_SHUFFLED)
		error =
		    shuffle_frames(uvm, memory - 1024, up.page_size, &state);
	else if (error == 0 && frames == CAL_AGED)
		error = age_frames(uvm, memory, &state);
	if (error != 0) {
		uvm_destroy(uvm);
		return ERRMSG(em, error, "no machine of %" PRIu64 " pages: %s",
		    pages, errno_text(error));
	}
	*uvmp = uvm;
	return 0;
}

int
lab_fill(struct uvm *uvm, uint64_t pages, bool sparse, uint64_t seed)
{
	const uint64_t all = 4 * pages, pgsize = 4096;
	uint64_t state = seed;
	int error;

	/* Freed along the list, frames keep their order. */
	if ((error = uvm_sys_truncate(uvm, LAB_FILE, 0)) != 0 ||
	    (error = uvm_sys_truncate(uvm, LAB_FILE, all * pgsize)) != 0)
		return error;
	for (uint64_t i = 0; i < (sparse ? all : pages) && !calibrate_stopped();
	     i++)
		if (!sparse || lab_random(&state) % 4 == 0)
			touch(uvm, LAB_FILE, i);
	return calibrate_stopped() ? EINTR : 0;
}
