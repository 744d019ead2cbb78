/*
 * walk FOLDER [PAGES STEPS SEED]: accesses of one byte each, in the order of
 * walk.h, to a map of a file.
 */
#include "tests/programs/walk.h"

#include "tests/programs/program.h"

int
main(int argc, char **argv)
{
	struct walk wa = { 1, 1000 };
	size_t steps = 20000, sum = 0, want = 0;
	uint8_t *map, *copy;

	CHECK(argc == 2 || argc == 5);
	if (argc == 5) {
		wa.wa_pages = strtoull(argv[2], NULL, 10);
		steps = strtoull(argv[3], NULL, 10);
		wa.wa_state = strtoull(argv[4], NULL, 10);
	}
	copy = calloc(wa.wa_pages, 1);
	CHECK(copy != NULL);
	map = new_map(argv[1], "walk", wa.wa_pages);
	for (size_t i = 0; i < steps; i++) {
		const struct step st = walk_next(&wa);

		if (st.st_write) {
			poke(map + st.st_page * PAGE + i % PAGE, 0);
			poke(map + st.st_page * PAGE, (uint8_t)i);
			copy[st.st_page] = (uint8_t)i;
		} else {
			sum += peek(map + st.st_page * PAGE);
			want += copy[st.st_page];
		}
	}
	CHECK(sum == want);
	CHECK(munmap(map, wa.wa_pages * PAGE) == 0);
	free(copy);
	return done();
}
