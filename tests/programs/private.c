/* A private map: what was written to it stays, and reaches no file. */
#include "tests/programs/prog.h"

#define PAGES 1000

int
main(int argc, char **argv)
{
	unsigned char *map, *code;
	int fd;

	CHECK(argc == 2);
	fd = prog_file(argv[1], PAGES);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	code = prog_map(fd, PAGES, PROT_READ, MAP_PRIVATE);
	for (size_t i = 0; i < PAGES; i += 2)
		map[i * PAGE + 5] = 0xaa;
	/* Written to after it was for reading only. */
	CHECK(code[7 * PAGE] == 7);
	CHECK(mprotect(code + 7 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	code[7 * PAGE] = 0xbb;
	CHECK(mprotect(code + 7 * PAGE, PAGE, PROT_READ) == 0);
	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < PAGES; i++) {
			CHECK(map[i * PAGE] == (i & 0xff));
			CHECK(map[i * PAGE + 5] ==
			    (i % 2 == 0 ? 0xaa : (i & 0xff)));
			CHECK(code[i * PAGE] == (i == 7 ? 0xbb : (i & 0xff)));
		}
	CHECK(fsync(fd) == 0);
	CHECK(map[4 * PAGE + 5] == 0xaa && code[7 * PAGE] == 0xbb);
	CHECK(prog_byte(argv[1], 4 * PAGE + 5) == 4);
	CHECK(prog_byte(argv[1], 7 * PAGE) == 7);
	return prog_ok();
}
