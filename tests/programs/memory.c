/*
 * memory FOLDER: files of memory: memfd_create(2), shm_open(3), tmpfs.
 */
#include <stdlib.h>

#include "tests/programs/program.h"

#define N ((size_t)CHURN_PAGES)

static void
use(int fd)
{
	uint8_t *a, *b;

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, (off_t)(N * PAGE)) == 0);
	a = map_of(fd, N, PROT_READ | PROT_WRITE, MAP_SHARED);
	b = map_of(fd, N, PROT_READ, MAP_SHARED);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++)
			poke(a + i * PAGE + 1, byte_at(i + round));
		CHECK(msync(a, N * PAGE, MS_SYNC) == 0);
		for (size_t i = 0; i < N; i++)
			CHECK(peek(b + i * PAGE + 1) == byte_at(i + round));
	}
	CHECK(munmap(a, N * PAGE) == 0 && munmap(b, N * PAGE) == 0);
	CHECK(close(fd) == 0);
}

int
main(int argc, char **argv)
{
	char name[64], path[] = "/dev/shm/uvn-test-XXXXXX";

	(void)argv;
	CHECK(argc == 2);
	use(memfd_create("uvn", MFD_CLOEXEC));
	CHECK(snprintf(name, sizeof(name), "/uvn-test-%d", (int)getpid()) > 0);
	use(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	CHECK(shm_unlink(name) == 0);
	use(mkstemp(path));
	CHECK(unlink(path) == 0);
	/* No file at all, but shared. */
	churn(mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	return done();
}
