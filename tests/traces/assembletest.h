/*
 * assembletest: raw records in, lines of CSV out.
 */
#ifndef TESTS_TRACES_ASSEMBLETEST_H
#define TESTS_TRACES_ASSEMBLETEST_H

#include "tests/test.h"
#include "traces/assemble.h"

#define PG 4096UL

struct at {
	char at_path[64];
	struct sink *at_sink;
	struct assembler *at_as;
	uint64_t at_time; /* of the next record; 10 more each time */
	char *at_text;	  /* at_end()'s */
};

/* A source as mode kernel is, but for what the test sets otherwise. */
struct assemble_param at_kernel(void);
void at_begin(struct at *at, const struct assemble_param *ap);

/* Records of thread tid of process pid. */
void at_put(struct at *at, const struct raw *rw);
void at_access(struct at *at, uint32_t pid, uint32_t tid, uint64_t addr,
    unsigned flags);
void at_call(struct at *at, uint32_t pid, uint32_t tid, enum raw_sysno sys,
    const uint64_t arg[6]);
void at_return(struct at *at, uint32_t pid, uint32_t tid, enum raw_sysno sys,
    int64_t ret);

/* A descriptor of pid is inode ino, named path, of that size. */
void at_file(struct at *at, uint32_t pid, int64_t fd, uint64_t ino,
    uint64_t size, const char *path);
void at_fork(struct at *at, uint32_t parent, uint32_t child, uint64_t flags);

/* A call from begin to end, of the only thread of pid. */
#define AT_CALL(at, pid, NAME, ret, ...)                                       \
	do {                                                                   \
		const uint64_t at_arg_[6] = { __VA_ARGS__ };                   \
		at_call(at, pid, pid, RAW_SYS_##NAME, at_arg_);                \
		at_return(at, pid, pid, RAW_SYS_##NAME, (int64_t)(ret));       \
	} while (0)

/* Read and write, shared, of a descriptor of inode 7 and its size in pages. */
void at_map(struct at *at, uint32_t pid, uint64_t addr, uint64_t pages);

/*
 * Nothing more comes: the events, a line "tid op file map offset length flags"
 * each, and what the preamble declares before them, "file size path".  Ends
 * with at_free().
 */
const char *at_end(struct at *at);
uint64_t at_count(const struct at *at, enum record_count count);
void at_free(struct at *at);

#endif
