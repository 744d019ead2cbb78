/*
 * What tests of traces share: files in a folder of their own, and events made
 * up at random.
 */
#ifndef TESTS_TRACES_TRACETEST_H
#define TESTS_TRACES_TRACETEST_H

#include "tests/dice.h"
#include "tests/test.h"
#include "traces/trace.h"

/* Setup and teardown of a test: a folder, which becomes the current one. */
int tracetest_setup(void **state);
int tracetest_teardown(void **state);

/* The source tree, for what lies there. */
const char *tracetest_top(void);

struct blob {
	uint8_t *bl_data; /* NUL-ended */
	size_t bl_len;
};

void file_write(const char *path, const void *data, size_t len);
void text_write(const char *path, const char *text);

/* => the caller's to free() */
struct blob file_read(const char *path);
bool file_exists(const char *path);

/* All events of a trace; n is their number.  => the caller's to free() */
struct trace_event *events_read(const char *path, unsigned flags, size_t *np);

/*
 * Read a trace to its end or the first error, which is returned and its
 * message in em.
 */
int read_through(const char *path, unsigned flags, uint64_t *eventsp,
    struct errmsg *em);

/* Copy a trace; the form is what the name ends in. */
void trace_copy(const char *from, const char *to);
void digest_of(const char *path, char digest[33]);

/* All events of a generator with these settings, "NAME=VALUE"; n is their
 * number.  => the caller's to free() */
struct trace_event *events_make(size_t *np, const char *const *settings);
#define SETTINGS(...)                                                          \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

/* n valid events over files 1..nfiles, and a meta that declares these. */
struct trace_event *events_random(struct dice *d, size_t n, uint32_t nfiles);
void meta_fill(struct trace_meta *tm, struct trace_file *files,
    uint32_t nfiles);

/* Write events to path. */
void events_write(const char *path, enum trace_form form,
    const struct trace_meta *tm, const struct trace_event *ev, size_t n);

/* A trace of the generator: "name=value" pairs, NULL-ended. */
void generate(const char *path, ...) __attribute__((sentinel));
struct trace_gen *trace_gen_make(const char *const *settings);

#endif
