/*
 * rawtest: what a parser of text makes of lines.
 */
#ifndef TESTS_TRACES_RAWTEST_H
#define TESTS_TRACES_RAWTEST_H

#include "tests/test.h"
#include "traces/import_raw.h"

struct rt {
	const struct text_format *rt_format;
	void *rt_parser;
	struct raw_out rt_out; /* appends to rt_new */
	char *rt_new;	       /* what came since the last rt_text() */
	char *rt_old;
	size_t rt_len;
	bool rt_times; /* lines begin with the time */
	size_t rt_records;
	struct at *rt_at;
};

void rt_begin(struct rt *rt, const struct text_format *tf, bool code);

/* Lines, each ended by a newline, that have to be understood. */
void rt_lines(struct rt *rt, const char *lines);

/* One that must not be: its message has to have this text in it. */
void rt_refused(struct rt *rt, const char *line, const char *text);

/*
 * Records since the last call, each a line "PID/TID KIND ARGUMENTS TEXTS",
 * arguments in hex up to the last one that is not 0:
 *
 *	100/101 write 1000 8
 *	100/100 call mmap 0 2000 3 1 3 "path"
 *	100/100 return mmap 7000
 *
 * Valid until the next call.
 */
const char *rt_text(struct rt *rt);

/* No more lines: records may still come. */
void rt_finish(struct rt *rt);
void rt_end(struct rt *rt);

/* All records of these lines. */
#define RT_IS(tf, lines, records)                                              \
	do {                                                                   \
		struct rt rt_;                                                 \
		rt_begin(&rt_, tf, false);                                     \
		rt_lines(&rt_, lines);                                         \
		rt_finish(&rt_);                                               \
		assert_string_equal(rt_text(&rt_), records);                   \
		rt_end(&rt_);                                                  \
	} while (0)

/*
 * The events that the assembler makes of a sample, as at_end() has them; NUL-
 * ended, the caller's to free.
 */
char *rt_events(const struct text_format *tf, const char *sample);

/*
 * A sample, by its path in tests/traces/data, unpacked if it is compressed; the
 * caller's to free.
 */
char *rt_sample(const char *name, size_t *lenp);

/*
 * A sample with random damage, line after line: the parser has to survive that
 * and to say what is wrong, and what the assembler makes of it is a trace.
 * Prints its seed; UVN_SEED repeats it.
 */
void rt_damage(const struct text_format *tf, const char *sample,
    unsigned rounds);

#endif
