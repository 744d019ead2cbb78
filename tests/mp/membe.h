/*
 * membe: files in memory, for many threads: I/O takes a random time, ends in a
 * random order, and whoever breaks the promises of uvm_backend.h is told: an
 * operation of the file while I/O of it is under way, two I/Os of one page.
 */
#ifndef TESTS_MP_MEMBE_H
#define TESTS_MP_MEMBE_H

#include "pager/uvm_backend.h"

#define MEMBE_PAGES 128 /* of a file, at most */

struct membe;

extern const struct uvm_backend membe_backend;

struct membe *membe_create(uint32_t files, size_t pgsize, uint64_t seed);
void membe_destroy(struct membe *mb);

/* The eight bytes at offset of file. */
uint64_t membe_word(const struct membe *mb, uint32_t file, uint64_t offset);

/* In a thread of a test: cmocka's asserts are for its own thread. */
#define thread_check(e)                                                        \
	do {                                                                   \
		if (!(e))                                                      \
			thread_broken(__FILE__, __LINE__, #e);                 \
	} while (0)
_Noreturn void thread_broken(const char *file, int line, const char *what);

#endif
