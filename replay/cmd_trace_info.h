/*
 * What the files of `uvn trace info` share.
 *
 *	cmd_trace_info.c	the command
 *	info_text.c		the result for people,
 *	info_tables.c		and its tables
 *	info_json.c		the result for programs
 *
 * Private to them.
 */
#ifndef REPLAY_CMD_TRACE_INFO_H
#define REPLAY_CMD_TRACE_INFO_H

#include "replay/cmd_trace.h"
#include "traces/stats.h"

/* Memory of fewer windows says nothing of the program that was recorded. */
#define INFO_WINDOWS 4

struct info {
	const char *in_path;
	const struct trace_reader *in_trace; /* read to its end */
	const struct stats_result *in_result;
	uint64_t in_top; /* files to list in text */
};

/* Accesses that an LRU memory of 2^(k-1) pages misses, k > 0. */
uint64_t info_misses(const struct stats_result *sr, unsigned k);

/* Is memory of so many pages large enough for the trace's window? */
bool info_meaningful(const struct info *in, uint64_t pages);

int info_text(const struct info *in);
void info_tables(const struct info *in);

/* In per cent; 0 of nothing. */
double info_share(uint64_t part, uint64_t whole);

/* => an exit status, having complained */
int info_json(const struct info *in);

#endif
