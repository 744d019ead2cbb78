/*
 * program: what the programs that tests record share.
 *
 * Each is NAME FOLDER: it makes its files in the folder, looks at its own
 * results, and prints "ok" at its end, recorded or not; or says what was wrong
 * and exits with 1.  All are deterministic but for the order of their threads.
 */
#ifndef TESTS_PROGRAMS_PROGRAM_H
#define TESTS_PROGRAMS_PROGRAM_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			broken(__FILE__, __LINE__, #condition);                \
	} while (0)

static inline _Noreturn void
broken(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: process %d: not %s (errno %d)\n", file,
	    line, (int)getpid(), what, errno);
	_exit(1);
}

/* The last line of main(). */
static inline int
done(void)
{
	CHECK(puts("ok") >= 0);
	CHECK(fflush(stdout) == 0);
	return 0;
}

/* FOLDER/name, in memory that stays. */
static inline const char *
path_in(const char *folder, const char *name)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

/* A new file of so many pages, all zeroes. */
static inline int
new_file(const char *path, size_t pages)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, (off_t)(pages * PAGE)) == 0);
	return fd;
}

static inline uint8_t *
map_of(int fd, size_t pages, int prot, int flags)
{
	uint8_t *map = mmap(NULL, pages * PAGE, prot, flags, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* A new file, mapped shared for reading and writing. */
static inline uint8_t *
new_map(const char *folder, const char *name, size_t pages)
{
	const int fd = new_file(path_in(folder, name), pages);
	uint8_t *map = map_of(fd, pages, PROT_READ | PROT_WRITE, MAP_SHARED);

	CHECK(close(fd) == 0);
	return map;
}

/* An access that the compiler leaves where it is. */
static inline uint8_t
peek(const uint8_t *p)
{
	return *(const volatile uint8_t *)p;
}

static inline void
poke(uint8_t *p, uint8_t v)
{
	*(volatile uint8_t *)p = v;
}

/* Byte i of what files of the tests hold. */
static inline uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 2654435761U >> 13);
}

static inline void
fill(uint8_t *p, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(from + i);
}

static inline bool
filled(const uint8_t *p, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(from + i))
			return false;
	return true;
}

/* Touch pages enough for any window of these tests to be emptied. */
#define CHURN_PAGES 300
static inline void
churn(uint8_t *map)
{
	for (size_t i = 0; i < CHURN_PAGES; i++)
		poke(map + i * PAGE + 100, (uint8_t)(peek(map + i * PAGE) + i));
}

/* The status that a child leaves. */
static inline int
ended(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

#define ENDED_WELL(pid) CHECK(ended(pid) == 0)

static inline bool
died_of(pid_t pid, int sig)
{
	const int status = ended(pid);

	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

#endif
