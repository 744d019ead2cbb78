/*
 * sink: a trace whose files become known as it is made.
 *
 * A preamble declares all files before the first event, with the size each had
 * then.  A sink keeps events in a nameless temporary file beside the output
 * until all is known, then writes the trace: files that are wanted, numbered in
 * the order of their first event, and the events of these.
 *
 *	if ((error = sink_create("out.uvt", &sk, em)) != 0)
 *		return error;
 *	error = sink_file(sk, &file, em);
 *	sink_info(sk, file)->si_path = strdup("/data/x");
 *	...
 *	error = sink_put(sk, &ev, em);
 *	...
 *	error = sink_finish(sk, &sp, em);
 *	sink_destroy(sk);
 *
 * Private to traces/.
 */
#ifndef TRACES_SINK_H
#define TRACES_SINK_H

#include "traces/trace.h"

/* What is known of a file; the maker's to change until sink_finish(). */
struct sink_info {
	char *si_path;	   /* from malloc(3); the sink frees it */
	uint64_t si_size;  /* before its first event */
	bool si_wanted;	   /* declare it, and keep its events */
	uint32_t si_map;   /* attached whole before the first event; 0: not */
	uint64_t si_count; /* of its events; the sink's */
};

struct sink_param {
	enum trace_form sp_form;
	uint32_t sp_page;
	uint64_t sp_window; /* this and the next three as in trace_meta */
	const char *sp_mode;
	enum trace_clock sp_clock;
	uint64_t sp_lost;
	const char *sp_notes; /* lines of provenance, each "#...\n"; "" */
	bool sp_base_names;   /* keep the last part of each path only */
	bool sp_rebase;	      /* let the first event kept be at time 0 */
};

struct sink;

/*
 * Begin a trace that will be written to path.
 *
 * => the temporary file is in the folder of path, or /tmp for "-"
 * => *skp is the caller's until sink_destroy(), which leaves no file behind
 */
int sink_create(const char *path, struct sink **skp, struct errmsg *em)
    mustcheck;

/* A new file; *idp is its number in events put.  ENOMEM. */
int sink_file(struct sink *sk, uint32_t *idp, struct errmsg *em) mustcheck;

/* Valid until the next sink_file(). */
struct sink_info *sink_info(struct sink *sk, uint32_t id);

/* Files so far: 1 to this. */
uint32_t sink_files(const struct sink *sk);

/*
 * Append an event: well formed but for its time, which may go back; it is then
 * moved to that of the event before.
 */
int sink_put(struct sink *sk, const struct trace_event *te, struct errmsg *em)
    mustcheck;

/*
 * Write the trace.  Processes that have no event but fork and exit are left
 * out, and so are events of files not wanted.
 *
 * => *eventsp: events written
 */
int sink_finish(struct sink *sk, const struct sink_param *sp, uint64_t *eventsp,
    struct errmsg *em) mustcheck;
void sink_destroy(struct sink *sk);

#endif
