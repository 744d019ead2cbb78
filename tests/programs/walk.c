/*
 * Accesses to one map that look random, and are the same for the same seed:
 * walk FILE PAGES ACCESSES SEED.  Prints the faults that they took.
 */
#include "tests/programs/prog.h"

int
main(int argc, char **argv)
{
	uint64_t state, n, pages;
	volatile unsigned char *map;
	unsigned sum = 0, want = 0;
	long before;

	CHECK(argc == 5);
	pages = strtoull(argv[2], NULL, 10);
	n = strtoull(argv[3], NULL, 10);
	state = strtoull(argv[4], NULL, 10);
	map = prog_shared(argv[1], pages);
	before = prog_faults();
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t r = prog_random(&state);
		const uint64_t page = (r >> 8) % pages;

		/* Byte 0 is as it was made, byte 1 is written to. */
		if (r % 4 == 0) {
			map[page * PAGE + 1] = (unsigned char)i;
		} else {
			sum += map[page * PAGE];
			want += (unsigned char)page;
		}
	}
	printf("faults %ld\n", prog_faults() - before);
	CHECK(sum == want);
	return prog_ok();
}
