/*
 * engine_pace.c: when each event happens.
 *
 * An event is due at a time counted from the first, whatever those before it
 * took: so nothing adds up.  What is late happens at once, and nothing is left
 * out.  The kernel wakes us up too late by some microseconds, more if others
 * run: the last of the way is spent reading the clock.
 */
#include <sys/prctl.h>

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "replay/engine_impl.h"
#include "replay/replay.h"

#define SPIN_NS	  55000	  /* before an event is due, no more sleep: the least */
#define SPIN_MOST 1000000 /* and the most, on a host that wakes up late */
#define SPIN_STEP 500	  /* down after a sleep in time */
#define SPIN_LATE 9500	  /* up after one that was not: 19 times that */
#define NAP_NS	  100000000U /* the longest sleep: there is a line to show */

int
engine_pace_init(struct engine *en)
{
	struct pacer *const pc = &en->en_pace;

	pc->pc_spin = SPIN_NS;
	pc->pc_factor = en->en_cf->cf_replay.pace;
	pc->pc_on = RATIO_DEN(pc->pc_factor) != 0;
	if (!pc->pc_on)
		return 0;
	return engine_hist_make(&pc->pc_lateness) ? 0 : UVN_ENVIRONMENT;
}

void
engine_pace_begin(struct engine *en, uint64_t first)
{
	struct pacer *const pc = &en->en_pace;

	pc->pc_first = first;
	if (pc->pc_on) {
		pc->pc_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
		/* Threads made from here on have it, too. */
		(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	}
	en->en_began = clock_ticks();
}

void
engine_pace_end(struct engine *en)
{
	const struct pacer *const pc = &en->en_pace;

	if (pc->pc_on && pc->pc_slack > 0)
		(void)prctl(PR_SET_TIMERSLACK, (unsigned long)pc->pc_slack, 0,
		    0, 0);
}

/* When trace time te is, in ns since the first event. */
static uint64_t
due_at(const struct pacer *pc, uint64_t te)
{
	const clock_wide since = te > pc->pc_first ? te - pc->pc_first : 0;
	const clock_wide due =
	    since * RATIO_DEN(pc->pc_factor) / RATIO_NUM(pc->pc_factor);

	return due < INT64_MAX ? (uint64_t)due : INT64_MAX;
}

/*
 * The margin so that 19 of 20 sleeps are over in time, as far as SPIN_MOST
 * allows: a quantile, followed one sleep at a time.
 */
uint64_t
engine_pace_margin(uint64_t spin, uint64_t over)
{

	if (over > spin) {
		spin += SPIN_LATE;
		return spin < SPIN_MOST ? spin : SPIN_MOST;
	}
	return spin > SPIN_NS + SPIN_STEP ? spin - SPIN_STEP : SPIN_NS;
}

/* => by how much it was too long; ns */
static uint64_t
nap(uint64_t ns)
{
	const uint64_t until = clock_monotonic() + (ns < NAP_NS ? ns : NAP_NS);
	const struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000000U),
		.tv_nsec = (long)(until % 1000000000U),
	};
	uint64_t now;

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	now = clock_monotonic();
	return now > until ? now - until : 0;
}

/*
 * Wait until so many ns have passed; returns how many have.  With I/O under way
 * there is no sleep: what is over is finished at once.
 */
static uint64_t
wait_for(struct engine *en, uint64_t due)
{
	uint64_t *const spin = &en->en_pace.pc_spin;
	uint64_t now, over;

	while ((now = engine_elapsed(en)) < due && !engine_ends(en)) {
		if (uvm_poll(en->en_uvm))
			continue;
		if (due - now > *spin) {
			over = nap(due - now - *spin);
			/* 0: who waits does not spin at all. */
			if (*spin != 0)
				*spin = engine_pace_margin(*spin, over);
			engine_progress(en);
		} else {
			clock_relax();
		}
	}
	return now;
}

uint64_t
engine_pace_until(struct engine *en, uint64_t te)
{
	struct pacer *const pc = &en->en_pace;

	pc->pc_scheduled = due_at(pc, te);
	return wait_for(en, pc->pc_scheduled);
}

int
engine_pace_event(struct engine *en)
{
	struct pacer *const pc = &en->en_pace;
	const uint64_t now = engine_pace_until(en, en->en_ev->te_time);

	if (now < pc->pc_scheduled)
		return UVN_FAILED;
	hist_add(pc->pc_lateness, now - pc->pc_scheduled);
	return 0;
}
