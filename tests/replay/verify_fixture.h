/*
 * A verifier over a backend in memory, and what pager and engine do with it.
 */
#ifndef TESTS_REPLAY_VERIFY_FIXTURE_H
#define TESTS_REPLAY_VERIFY_FIXTURE_H

#include "tests/test.h"

#include "base/tunable.h"
#include "replay/verify.h"

#define PG     4096U
#define NPAGES 100U
#define NFILES 3U

/* A backend in memory, files 1..NFILES-1, with faults to order. */
struct fake {
	uint8_t fk_bytes[NFILES][NPAGES * PG];
	uint64_t fk_size[NFILES];
	int fk_error;	  /* for the next be_io */
	uint64_t fk_done; /* bytes it moves first */
	bool fk_short;	  /* it moves fk_done, without an error */
};

struct fixture {
	struct fake fx_fake;
	struct verify *fx_v;
	uint8_t fx_frame[NFILES][NPAGES][PG];
	uint64_t fx_event;
};

#define TEST(name) cmocka_unit_test_setup_teardown(name, vt_setup, vt_teardown)

int vt_setup(void **state); /* every quirk faithful */
int vt_teardown(void **state);

/* Begin anew, with all quirks so. */
void vt_begin(struct fixture *fx, enum quirk quirks);

void vt_next_event(struct fixture *fx);
void vt_add_file(struct fixture *fx, uint32_t file, uint64_t size);
int vt_page_io(struct fixture *fx, enum uvm_io io, uint32_t file, uint64_t pgno,
    uint32_t npages);
void vt_page_in(struct fixture *fx, uint32_t file, uint64_t pgno,
    uint32_t npages);
void vt_page_out(struct fixture *fx, uint32_t file, uint64_t pgno,
    uint32_t npages);

/* The program stores into a page, in the event now. */
void vt_store(struct fixture *fx, uint32_t file, uint64_t pgno);
void vt_write_file(struct fixture *fx, uint32_t file, uint64_t offset,
    uint64_t length);
void vt_truncate_file(struct fixture *fx, uint32_t file, uint64_t size);

void assert_passes(struct fixture *fx);

/* Something was found, and is said in words that have all of those given. */
#define assert_fails(fx, ...)                                                  \
	do {                                                                   \
		const char *const words_[] = { __VA_ARGS__ };                  \
		assert_fails_with((fx), words_, nitems(words_));               \
	} while (0)

void assert_fails_with(struct fixture *fx, const char *const *words, size_t n);

#endif
