/*
 * engine_events.c: perf events over the run, its phases and its flushes.
 */
#include "replay/engine_impl.h"

int
engine_events_open(struct engine *en)
{

	(void)en;
	return 0;
}

void
engine_events_observe(struct engine *en, struct uvm_observer *uo)
{

	(void)en;
	(void)uo;
}

void
engine_events_begin(struct engine *en)
{

	(void)en;
}

void
engine_events_mark(struct engine *en)
{

	(void)en;
}

void
engine_events_end(struct engine *en)
{

	(void)en;
}

void
engine_events_result(struct engine *en, struct db_result *rs)
{

	(void)en;
	(void)rs;
}

void
engine_events_fini(struct engine *en)
{

	(void)en;
}
