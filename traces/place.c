/*
 * place.c: where in a preamble a file is declared, by its number.
 */
#include <errno.h>
#include <stdlib.h>

#include "traces/trace.h"

struct trace_place {
	uint32_t pl_id, pl_place;
};

static int
by_id(const void *a, const void *b)
{
	const struct trace_place *const x = a, *const y = b;

	return (x->pl_id > y->pl_id) - (x->pl_id < y->pl_id);
}

int
trace_places_init(struct trace_places *tp, const struct trace_meta *tm)
{
	tp->tp_meta = tm;
	tp->tp_places = calloc(tm->tm_nfiles + 1, sizeof(*tp->tp_places));
	if (tp->tp_places == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < tm->tm_nfiles; i++)
		tp->tp_places[i] =
		    (struct trace_place){ tm->tm_files[i].tf_id, i };
	qsort(tp->tp_places, tm->tm_nfiles, sizeof(*tp->tp_places), by_id);
	return 0;
}

uint32_t
trace_place_slow(const struct trace_places *tp, uint32_t id)
{
	const struct trace_place key = { .pl_id = id };
	const struct trace_place *const pl = bsearch(&key, tp->tp_places,
	    tp->tp_meta->tm_nfiles, sizeof(key), by_id);

	return pl != NULL ? pl->pl_place : UINT32_MAX;
}

void
trace_places_fini(struct trace_places *tp)
{
	free(tp->tp_places);
}
