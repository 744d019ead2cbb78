/*
 * sizes FOLDER: a mapped file grows and shrinks; behind its end is SIGBUS.
 */
#include <setjmp.h>
#include <signal.h>

#include "tests/programs/program.h"

#define N ((size_t)CHURN_PAGES)

static sigjmp_buf back;
static void *volatile seen;

static void
bus(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	CHECK(sig == SIGBUS && si->si_code == BUS_ADRERR);
	seen = si->si_addr;
	siglongjmp(back, 1);
}

static bool
behind_the_end(uint8_t *p, bool write)
{
	if (sigsetjmp(back, 1) != 0)
		return seen == p;
	if (write)
		poke(p, 1);
	else
		(void)peek(p);
	return false;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = bus, .sa_flags = SA_SIGINFO };
	const char *path;
	uint8_t *map;
	int fd;

	CHECK(argc == 2);
	CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
	path = path_in(argv[1], "sizes");
	fd = new_file(path, 1);
	map = map_of(fd, N, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(behind_the_end(map + PAGE + 3, false));
	CHECK(behind_the_end(map + PAGE + 4, true));
	/* By one page after the other, as databases do. */
	for (size_t i = 2; i <= N; i++) {
		CHECK(ftruncate(fd, (off_t)(i * PAGE)) == 0);
		poke(map + (i - 1) * PAGE + 1, byte_at(i));
	}
	for (size_t i = 2; i <= N; i++)
		CHECK(peek(map + (i - 1) * PAGE + 1) == byte_at(i));
	/* Shrinks to the middle of a page, whose rest is zero then. */
	poke(map + 99 * PAGE + 3000, 9);
	CHECK(truncate(path, (off_t)(99 * PAGE + 2000)) == 0);
	CHECK(peek(map + 99 * PAGE + 3000) == 0);
	CHECK(behind_the_end(map + 100 * PAGE, false));
	CHECK(behind_the_end(map + 150 * PAGE, true));
	/* The same size again is no change. */
	CHECK(ftruncate(fd, (off_t)(99 * PAGE + 2000)) == 0);
	CHECK(peek(map + 98 * PAGE + 1) == byte_at(99));
	/* What was cut off comes back as zeroes. */
	CHECK(ftruncate(fd, (off_t)(N * PAGE)) == 0);
	for (size_t i = 101; i < N; i++)
		CHECK(peek(map + i * PAGE + 1) == 0);
	churn(map);
	CHECK(posix_fallocate(fd, 0, (off_t)(N * PAGE)) == 0);
	CHECK(posix_fallocate(fd, -1, 1) == EINVAL);
	poke(map + 5 * PAGE, 7);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)(5 * PAGE), (off_t)PAGE) == 0) {
		CHECK(peek(map + 5 * PAGE) == 0);
		poke(map + 5 * PAGE, 8);
		CHECK(peek(map + 5 * PAGE) == 8);
	}
	/* By writing, of bytes that are mapped, too. */
	CHECK(pwrite(fd, "abc", 3, (off_t)(7 * PAGE)) == 3);
	CHECK(memcmp(map + 7 * PAGE, "abc", 3) == 0);
	CHECK(close(open(path, O_RDWR | O_TRUNC)) == 0);
	CHECK(behind_the_end(map, false));
	return done();
}
