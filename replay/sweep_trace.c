/*
 * sweep_trace.c: the traces of a sweep, decoded once for all cells.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/host.h"
#include "replay/replay.h"
#include "replay/sweep.h"
#include "traces/trace.h"

/* Read the trace for its digest and number of events alone. */
static int
scan(struct sweep_trace *st, unsigned flags, struct errmsg *em)
{
	const struct trace_event *ev;
	struct trace_reader *tr;
	size_t n = 0;
	int error;

	if ((error = trace_open(st->st_path, flags, &tr, em)) != 0)
		return error;
	st->st_events = trace_count(tr);
	if (st->st_events == 0 || trace_digest(tr, st->st_digest) != 0) {
		st->st_events = 0;
		while ((error = trace_next(tr, &ev, &n, em)) == 0 && n > 0)
			st->st_events += n;
		if (error == 0)
			error = trace_digest(tr, st->st_digest);
	}
	trace_close(tr);
	return error;
}

static int
load(const struct sweep *sw, struct sweep_trace *st, uint64_t *roomp)
{
	const unsigned flags = sw->sw_salvage ? TRACE_SALVAGE : 0;
	const uint64_t page = sw->sw_fixed.cf_uvm.page_size;
	struct errmsg em = { .em_text = "" };
	uint64_t bytes;
	int error;

	if (strcmp(st->st_path, "-") == 0)
		return complain(UVN_USAGE,
		    "a sweep reads its traces more than once; give a file, not "
		    "standard input");
	if (access(st->st_path, R_OK) != 0)
		return complain(UVN_INPUT, "%s: %s", st->st_path,
		    errno_text(errno));
	error = trace_image_load(st->st_path, flags,
	    (unsigned)__builtin_ctzll(page), *roomp, &st->st_image, &em);
	if (error == 0) {
		st->st_events = trace_image_count(st->st_image);
		(void)memcpy(st->st_digest, trace_image_digest(st->st_image),
		    sizeof(st->st_digest));
		bytes = trace_image_bytes(st->st_image);
		*roomp -= bytes < *roomp ? bytes : *roomp;
		return UVN_OK;
	}
	if (error == EFBIG || error == ENOMEM) {
		if (*roomp > 0 && !sw->sw_quiet)
			(void)complain(UVN_OK, "%s; each cell reads the file",
			    em.em_text);
		em.em_text[0] = '\0';
		error = scan(st, flags, &em);
	}
	if (error != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	return UVN_OK;
}

int
sweep_load(struct sweep *sw, uint64_t share)
{
	uint64_t room = share != UINT64_MAX ? share : host_free_memory() / 2;
	int status;

	for (size_t i = 0; i < sw->sw_ntraces; i++) {
		struct sweep_trace *st = &sw->sw_trace[i];

		if ((status = load(sw, st, &room)) != UVN_OK)
			return status;
		for (size_t k = 0; k < i; k++)
			if (strcmp(st->st_digest, sw->sw_trace[k].st_digest) ==
			    0)
				return complain(UVN_USAGE,
				    "%s and %s are the same trace; name it "
				    "once, and use --repeat",
				    sw->sw_trace[k].st_path, st->st_path);
	}
	return UVN_OK;
}
