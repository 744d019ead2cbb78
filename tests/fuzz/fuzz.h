/*
 * fuzz: what libFuzzer feeds, and what has to hold whatever it feeds.
 *
 *	f_trace.c	readers of .uvt and CSV
 *	f_uvt_mutate.c	.uvt files changed so that their checksums are right
 *	f_import.c	importers, each a target
 *	f_options.c	command lines, tunables, axes
 *	f_pager.c	events for the pager, all invariants after each
 *	targets.c	the table of them
 *	libfuzzer.c	libFuzzer's entry points: scripts/fuzz
 *	t_seeds.c	the seeds through the targets, without libFuzzer
 *
 * A target ends the program when something does not hold.  Seeds are files of
 * tests/fuzz/seeds/TARGET: what once went wrong, and small samples.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* Change data, size bytes of room for max, somewhere; the new size. */
typedef size_t fuzz_mutator(uint8_t *data, size_t size, size_t max);

struct fuzz_target {
	const char *ft_name; /* an importer has that of its format */
	void (*ft_one)(const char *name, const uint8_t *data, size_t size);
	/* How inputs change, by means of mutate; NULL: mutate does. */
	size_t (*ft_mutate)(fuzz_mutator *mutate, uint8_t *data, size_t size,
	    size_t max, unsigned seed);
};

extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_ntargets;
const struct fuzz_target *fuzz_target(const char *name);

void fuzz_uvt(const char *name, const uint8_t *data, size_t size);
size_t fuzz_uvt_mutate(fuzz_mutator *mutate, uint8_t *data, size_t size,
    size_t max, unsigned seed);
void fuzz_csv(const char *name, const uint8_t *data, size_t size);
void fuzz_import(const char *name, const uint8_t *data, size_t size);
void fuzz_options(const char *name, const uint8_t *data, size_t size);
void fuzz_pager(const char *name, const uint8_t *data, size_t size);

/* The path of a file with these bytes; until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* The path for an output, in a folder that is removed at the end. */
const char *fuzz_output(void);

/* It has to hold. */
#define FUZZ_CHECK(cond, ...)                                                  \
	do {                                                                   \
		if (!(cond))                                                   \
			fuzz_fail(__FILE__, __LINE__, __VA_ARGS__);            \
	} while (0)

void fuzz_fail(const char *file, int line, const char *fmt, ...)
    printflike(3, 4) __attribute__((noreturn));

/* Bytes of an input, one after the other; 0 when none are left. */
struct feed {
	const uint8_t *fd_p;
	size_t fd_left;
};

uint8_t feed_byte(struct feed *fd);

/* A number below n, of as many bytes as that takes. */
uint32_t feed_below(struct feed *fd, uint32_t n);

#endif
