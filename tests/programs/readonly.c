/*
 * readonly FOLDER: shared maps of a descriptor that cannot be written.
 */
#include "tests/programs/program.h"

#define N ((size_t)CHURN_PAGES)

int
main(int argc, char **argv)
{
	uint8_t *rw, *ro, *third;
	const char *path;
	pid_t pid;
	int fd;

	CHECK(argc == 2);
	path = path_in(argv[1], "readonly");
	rw = new_map(argv[1], "readonly", N);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
		MAP_FAILED &&
	    errno == EACCES);
	ro = map_of(fd, N, PROT_READ, MAP_SHARED);
	/* What the file is to hold shows, whenever it is written. */
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < N; i++)
			poke(rw + i * PAGE + 5, byte_at(i + (size_t)round));
		for (size_t i = 0; i < N; i++)
			CHECK(peek(ro + i * PAGE + 5) ==
			    byte_at(i + (size_t)round));
	}
	CHECK(mprotect(ro, N * PAGE, PROT_READ | PROT_WRITE) == -1 &&
	    errno == EACCES);
	CHECK(mprotect(ro + PAGE, PAGE, PROT_WRITE) == -1 && errno == EACCES);
	CHECK(mprotect(ro, PAGE, PROT_NONE) == 0);
	CHECK(mprotect(ro, PAGE, PROT_READ) == 0);
	CHECK(peek(ro + 5) == byte_at(3));
	CHECK(msync(ro, N * PAGE, MS_SYNC) == 0);
	/* Split, and what is left of it. */
	CHECK(munmap(ro + 3 * PAGE, PAGE) == 0);
	CHECK(
	    mprotect(ro + 4 * PAGE, PAGE, PROT_WRITE) == -1 && errno == EACCES);
	third = map_of(fd, N, PROT_READ, MAP_SHARED);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < N; i++)
			CHECK(peek(third + i * PAGE + 5) == byte_at(i + 3));
		CHECK(mprotect(third, PAGE, PROT_WRITE) == -1);
		_exit(0);
	}
	ENDED_WELL(pid);
	/* A descriptor of its own may be written: the map is another. */
	CHECK(mmap(third, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		  open(path, O_RDWR), 0) == third);
	poke(third + 6, 1);
	CHECK(peek(rw + 6) == 1);
	CHECK(mprotect(third, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(third + PAGE, PAGE, PROT_READ | PROT_WRITE) == -1);
	return done();
}
