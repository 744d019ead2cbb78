/*
 * The file grows and shrinks below its map: what lies behind its end is
 * SIGBUS, with the address.
 */
#include "tests/programs/prog.h"

#define PAGES 64

static sigjmp_buf out;
static void *volatile addr;
static volatile sig_atomic_t buses;

static void
handler(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	buses++;
	addr = info->si_addr;
	siglongjmp(out, 1);
}

static bool
there(volatile unsigned char *p)
{
	if (sigsetjmp(out, 1) != 0) {
		CHECK((uintptr_t)addr == (uintptr_t)p);
		return false;
	}
	*p = 9;
	return true;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };
	unsigned char *map;
	int fd;

	CHECK(argc == 2);
	sa.sa_sigaction = handler;
	CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
	fd = prog_file(argv[1], 8);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(there(map + 7 * PAGE + 1));
	CHECK(!there(map + 8 * PAGE));
	CHECK(ftruncate(fd, 20 * (off_t)PAGE) == 0);
	CHECK(there(map + 8 * PAGE) && there(map + 19 * PAGE));
	CHECK(!there(map + 20 * PAGE));
	CHECK(ftruncate(fd, 4 * (off_t)PAGE) == 0);
	CHECK(!there(map + 8 * PAGE) && !there(map + 7 * PAGE));
	CHECK(there(map + 3 * PAGE));
	CHECK(truncate(argv[1], 40 * (off_t)PAGE) == 0);
	CHECK(map[8 * PAGE] == 0 && there(map + 39 * PAGE));
	CHECK(fallocate(fd, 0, 40 * (off_t)PAGE, (off_t)PAGE) == 0);
	CHECK(there(map + 40 * PAGE) && !there(map + 41 * PAGE));
	CHECK(posix_fallocate(fd, 0, 44 * (off_t)PAGE) == 0);
	CHECK(there(map + 43 * PAGE));
	CHECK(buses == 5);
	return prog_ok();
}
