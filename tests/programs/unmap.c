/*
 * Parts of a map are unmapped, protected, and replaced by MAP_FIXED; what is
 * left works, and what is gone is gone.
 */
#include "tests/programs/prog.h"

#define PAGES 120

static sigjmp_buf out;
static unsigned char *map;

static void
handler(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static bool
readable(const volatile unsigned char *p)
{
	if (sigsetjmp(out, 1) != 0)
		return false;
	(void)*p;
	return true;
}

static void
check(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		CHECK(map[i * PAGE] == (i & 0xff));
		map[i * PAGE + 2] = 3;
	}
}

int
main(int argc, char **argv)
{
	const int both = PROT_READ | PROT_WRITE;
	char path[4096];
	unsigned char *p;
	int fd;

	CHECK(argc == 2);
	CHECK(signal(SIGSEGV, handler) != SIG_ERR);
	map = prog_shared(argv[1], PAGES);
	check(0, PAGES);
	/* The middle, then one end, then across the hole. */
	CHECK(munmap(map + 40 * PAGE, 10 * PAGE) == 0);
	check(0, 40);
	check(50, PAGES);
	CHECK(!readable(map + 45 * PAGE));
	CHECK(munmap(map + 110 * PAGE, 10 * PAGE) == 0);
	check(50, 110);
	CHECK(munmap(map + 30 * PAGE, 30 * PAGE) == 0);
	check(0, 30);
	check(60, 110);
	CHECK(munmap(map + 1, PAGE) == -1 && errno == EINVAL);
	check(0, 30);
	/* Other memory, and another file, in its place. */
	p = mmap(map + 10 * PAGE, 5 * PAGE, both,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(p == map + 10 * PAGE);
	for (size_t i = 0; i < 5; i++)
		CHECK(p[i * PAGE] == 0);
	memset(p, 0xee, 5 * PAGE);
	(void)snprintf(path, sizeof(path), "%s.2", argv[1]);
	fd = prog_file(path, 4);
	p = mmap(map + 70 * PAGE, 4 * PAGE, both, MAP_SHARED | MAP_FIXED, fd,
	    0);
	CHECK(p == map + 70 * PAGE);
	check(60, 70);
	check(74, 110);
	for (size_t i = 0; i < 4; i++)
		CHECK(p[i * PAGE] == i);
	p[0] = 42;
	CHECK(prog_byte(path, 0) == 42 && prog_byte(argv[1], 70 * PAGE) == 70);
	for (size_t i = 0; i < 5 * PAGE; i++)
		CHECK(map[10 * PAGE + i] == 0xee);
	CHECK(close(fd) == 0 && unlink(path) == 0);
	return prog_ok();
}
