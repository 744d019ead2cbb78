/*
 * remap FOLDER: mremap(2) that grows, shrinks, moves and copies.
 */
#include "tests/programs/program.h"

#define BIG ((size_t)CHURN_PAGES)

static void
stamp(uint8_t *map, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		poke(map + (i - from) * PAGE + 9, byte_at(i));
}

static bool
stamped(const uint8_t *map, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		if (peek(map + (i - from) * PAGE + 9) != byte_at(i))
			return false;
	return true;
}

static void *
moved(void *map, size_t from, size_t to, int flags, void *where)
{
	void *ret = mremap(map, from * PAGE, to * PAGE, flags, where);

	CHECK(ret != MAP_FAILED);
	return ret;
}

int
main(int argc, char **argv)
{
	uint8_t *map, *copy, *room, *mem;
	int fd;

	CHECK(argc == 2);
	fd = new_file(path_in(argv[1], "remap"), 2 * BIG);
	map = map_of(fd, 10, PROT_READ | PROT_WRITE, MAP_SHARED);
	stamp(map, 0, 10);
	/* Grows, and may move. */
	for (size_t n = 10; n < BIG; n += 58) {
		map = moved(map, n, n + 58, MREMAP_MAYMOVE, NULL);
		CHECK(stamped(map, 0, n));
		stamp(map, 0, n + 58);
	}
	churn(map);
	stamp(map, 0, BIG);
	/* Shrinks: what is given up is nobody's. */
	map = moved(map, BIG, BIG - 20, 0, NULL);
	CHECK(mprotect(map + (BIG - 20) * PAGE, PAGE, PROT_READ) == -1 &&
	    errno == ENOMEM);
	mem = mmap(map + (BIG - 20) * PAGE, 20 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(mem == map + (BIG - 20) * PAGE);
	memset(mem, 0x55, 20 * PAGE);
	CHECK(stamped(map, 0, BIG - 20));
	/* To a place that it is given, in which something was. */
	room = new_map(argv[1], "room", BIG);
	stamp(room, 77, BIG);
	copy =
	    moved(map, BIG - 20, BIG - 20, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	CHECK(copy == room && stamped(copy, 0, BIG - 20));
	CHECK(stamped(room + (BIG - 20) * PAGE, 77 + BIG - 20, 20));
	CHECK(mprotect(map, PAGE, PROT_READ) == -1 && errno == ENOMEM);
	for (size_t i = 0; i < 20 * PAGE; i++)
		CHECK(mem[i] == 0x55);
	/* A part of it. */
	map = moved(copy + 5 * PAGE, 3, 3, MREMAP_MAYMOVE | MREMAP_FIXED,
	    map_of(fd, 3, PROT_READ, MAP_SHARED));
	CHECK(stamped(map, 5, 3));
	poke(map + 9, 1);
	poke(map + 9, byte_at(5));
	CHECK(stamped(copy, 0, 5) && stamped(copy + 8 * PAGE, 8, BIG - 28));
	/* What cannot be. */
	errno = 0;
	CHECK(
	    mremap(map, 3 * PAGE, 4 * PAGE, MREMAP_FIXED, room) == MAP_FAILED &&
	    errno == EINVAL);
	CHECK(stamped(map, 5, 3));
	CHECK(mremap(map + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
	/* A shared map of the length 0 is mapped a second time. */
	map = map_of(fd, BIG, PROT_READ | PROT_WRITE, MAP_SHARED);
	copy = mremap(map, 0, BIG * PAGE, MREMAP_MAYMOVE);
	CHECK(copy != MAP_FAILED);
	stamp(map, 33, BIG);
	CHECK(stamped(copy, 33, BIG));
	stamp(copy, 44, BIG);
	CHECK(stamped(map, 44, BIG));
	return done();
}
