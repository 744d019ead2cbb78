/*
 * What plot.c and plot_draw.c share.
 */
#ifndef REPLAY_PLOT_I_H
#define REPLAY_PLOT_I_H

#include "replay/cmd_trace.h"
#include "replay/plot.h"

#define NOT_SHOWN UINT32_MAX

/* What is known of a declared file. */
struct plot_extent {
	bool px_wanted;
	uint64_t px_low, px_end; /* pages touched */
	uint64_t px_size;	 /* the largest size within the range, bytes */
	bool px_resized;	 /* within the range */
	uint64_t px_accesses;
	uint32_t px_place; /* in pr_files, or NOT_SHOWN */
	/* Sizes within the column being drawn, pages. */
	uint32_t px_column;
	bool px_stepped;
	uint64_t px_first, px_least, px_most, px_last;
};

struct plot {
	const struct trace_meta *pl_meta;
	const struct plot_param *pl_param;
	unsigned pl_shift; /* of a page */
	struct trace_places pl_places;
	struct trace_state *pl_state;
	struct plot_extent *pl_extents; /* in the order of the meta */
	uint64_t pl_seq;		/* of the next event */
	uint64_t pl_x;			/* of the event at hand */
	uint64_t pl_first, pl_last;	/* events or ns within the range */
	bool pl_any;			/* there was one */
	int32_t *pl_edges; /* where maps begin and end: see plot_draw.c */
	size_t pl_room;	   /* of pr_steps */
	struct plot_result pl_result;
};

/*
 * Is the next event within the range?  Counts it, and sets pl_x.
 *
 * => *endp: it lies behind it, and all others do
 */
bool plot_within(struct plot *pl, const struct trace_event *te, bool *endp);

/* Does it count as an access to pages? */
bool plot_is_access(const struct plot *pl, const struct trace_event *te,
    bool *writep);

/* Pages of its range: *firstp, and before *endp. */
void plot_pages(const struct plot *pl, const struct trace_event *te,
    uint64_t *firstp, uint64_t *endp);

/* Does it change the size of its file? */
bool plot_resizes(const struct trace_event *te);

/* plot_draw.c: a part of a map goes. */
void plot_gone(void *arg, const struct trace_event *te, uint64_t from,
    uint64_t to);

#endif
