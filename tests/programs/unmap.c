/*
 * unmap FOLDER: parts of a map are unmapped, replaced by other memory, and
 * protected; what remains is as it was.
 */
#include <setjmp.h>
#include <signal.h>

#include "tests/programs/program.h"

#define N ((size_t)CHURN_PAGES)

static sigjmp_buf back;
static volatile sig_atomic_t faults;

static void
fault(int sig)
{
	CHECK(sig == SIGSEGV);
	faults++;
	siglongjmp(back, 1);
}

/* Does reading, or writing, fault? */
static bool
closed(uint8_t *p, bool write)
{
	if (sigsetjmp(back, 1) != 0)
		return true;
	if (write)
		poke(p, peek(p));
	else
		(void)peek(p);
	return false;
}

static void
holes(uint8_t *map)
{
	uint8_t *mem;

	for (size_t i = 0; i < N; i++)
		poke(map + i * PAGE, byte_at(i));
	CHECK(munmap(map + 10 * PAGE, 5 * PAGE) == 0);
	CHECK(munmap(map, 2 * PAGE) == 0);
	CHECK(munmap(map + (N - 3) * PAGE, 3 * PAGE) == 0);
	CHECK(closed(map + 12 * PAGE, false) && closed(map, true));
	CHECK(closed(map + (N - 1) * PAGE, false));
	/* Other memory comes to be there, and keeps what is written. */
	mem = mmap(map + 10 * PAGE, 5 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(mem == map + 10 * PAGE);
	fill(mem, 0, 5 * PAGE);
	for (int round = 0; round < 3; round++)
		for (size_t i = 2; i < N - 3; i++)
			if (i < 10 || i >= 15)
				CHECK(peek(map + i * PAGE) == byte_at(i));
	CHECK(filled(mem, 0, 5 * PAGE));
	CHECK(munmap(map, N * PAGE) == 0);
	CHECK(munmap(map, N * PAGE) == 0); /* again: there is nothing */
	CHECK(munmap(map + 1, PAGE) == -1 && errno == EINVAL);
	CHECK(munmap(map, 0) == -1 && errno == EINVAL);
}

/* In the place of a map's middle: memory, then another file. */
static void
replaced(const char *folder, uint8_t *map)
{
	const int other = new_file(path_in(folder, "other"), N);
	uint8_t *p;

	for (size_t i = 0; i < N; i++)
		poke(map + i * PAGE, byte_at(i));
	p = mmap(map + 20 * PAGE, 100 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(p == map + 20 * PAGE);
	fill(p, 3, 100 * PAGE);
	p = mmap(map + 50 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, other, 0);
	CHECK(p == map + 50 * PAGE);
	fill(p, 4, 10 * PAGE);
	CHECK(mmap(map, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE,
		  other, 0) == MAP_FAILED &&
	    errno == EEXIST);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < N; i++)
			if (i < 20 || i >= 120)
				CHECK(peek(map + i * PAGE) == byte_at(i));
	CHECK(filled(map + 20 * PAGE, 3, 30 * PAGE));
	CHECK(filled(map + 50 * PAGE, 4, 10 * PAGE));
	CHECK(filled(map + 60 * PAGE, 3 + 40 * PAGE, 60 * PAGE));
	CHECK(close(other) == 0);
}

/* The program's own protection. */
static void
guarded(uint8_t *map)
{
	CHECK(mprotect(map, N * PAGE, PROT_READ) == 0);
	CHECK(!closed(map + 4 * PAGE, false) && closed(map + 4 * PAGE, true));
	CHECK(mprotect(map + 2 * PAGE, 4 * PAGE, PROT_NONE) == 0);
	CHECK(closed(map + 2 * PAGE, false) && closed(map + 5 * PAGE, true));
	CHECK(!closed(map + 1 * PAGE, false) && !closed(map + 6 * PAGE, false));
	CHECK(mprotect(map, N * PAGE, PROT_READ | PROT_WRITE) == 0);
	churn(map);
	CHECK(!closed(map + 3 * PAGE, true));
	/* By write alone, which processors know as both. */
	CHECK(mprotect(map, N * PAGE, PROT_WRITE) == 0);
	CHECK(!closed(map + 3 * PAGE, true) && !closed(map + PAGE, false));
	CHECK(mprotect(map, N * PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(map + 1, PAGE, PROT_READ) == -1 && errno == EINVAL);
	/* Up to where there is nothing. */
	CHECK(munmap(map + 8 * PAGE, PAGE) == 0);
	CHECK(mprotect(map, 10 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
	CHECK(!closed(map + 9 * PAGE, true));
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2);
	CHECK(signal(SIGSEGV, fault) != SIG_ERR);
	holes(new_map(argv[1], "unmap", N));
	replaced(argv[1], new_map(argv[1], "unmap2", N));
	guarded(new_map(argv[1], "unmap3", N));
	CHECK(faults > 0);
	return done();
}
