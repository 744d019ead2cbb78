/*
 * prog: what programs that tests record share.
 *
 * A program is called with the path of a file that it may make, checks by
 * itself that all went as it should, and says so: "ok".  It is as any other
 * program, and knows nothing of being recorded.
 */
#ifndef TESTS_PROGRAMS_PROG_H
#define TESTS_PROGRAMS_PROG_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

/* What has to be. */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			(void)fprintf(stderr, "%s:%d: %s: errno %d\n",         \
			    __FILE__, __LINE__, #cond, errno);                 \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* A file of so many pages, each filled with its number; open for both. */
static inline int
prog_file(const char *path, size_t pages)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned char page[PAGE];

	CHECK(fd != -1);
	for (size_t i = 0; i < pages; i++) {
		memset(page, (int)(i & 0xff), sizeof(page));
		CHECK(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page));
	}
	return fd;
}

static inline unsigned char *
prog_map(int fd, size_t pages, int prot, int flags)
{
	void *p = mmap(NULL, pages * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* The same of both: the usual map. */
static inline unsigned char *
prog_shared(const char *path, size_t pages)
{
	const int fd = prog_file(path, pages);
	unsigned char *p =
	    prog_map(fd, pages, PROT_READ | PROT_WRITE, MAP_SHARED);

	CHECK(close(fd) == 0);
	return p;
}

/* The text, in the map. */
static inline char *
prog_text(unsigned char *map, const char *text)
{
	memcpy(map, text, strlen(text) + 1);
	return (char *)map;
}

/* Byte i of the file, by a descriptor of its own. */
static inline int
prog_byte(const char *path, size_t i)
{
	const int fd = open(path, O_RDONLY);
	unsigned char c;

	CHECK(fd != -1);
	CHECK(pread(fd, &c, 1, (off_t)i) == 1);
	CHECK(close(fd) == 0);
	return c;
}

/* Faults that were taken so far, all told. */
static inline long
prog_faults(void)
{
	struct rusage ru;

	CHECK(getrusage(RUSAGE_SELF, &ru) == 0);
	return ru.ru_minflt + ru.ru_majflt;
}

/* A child ends, and well. */
static inline void
prog_wait(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The same numbers for the same seed, here and in the test. */
static inline uint64_t
prog_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL >> 11;
}

static inline int
prog_ok(void)
{
	return puts("ok") < 0 || fflush(stdout) != 0;
}

#endif
