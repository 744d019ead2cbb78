/*
 * gen_config.c: the machine a random trace runs on.
 */
#include "tests/model/gen_i.h"

static void
memory(struct genstate *gs, struct model_config *c)
{
	static const uint64_t share[][2] = { { 0, 1 }, { 1, 10 }, { 1, 2 },
		{ 2, 3 }, { 1, 1 } };
	size_t i;

	c->memory = gen_chance(gs, 15) ? 1500 : gen_between(gs, 100, 400);
	if (gen_chance(gs, 20))
		c->reserve = gen_below(gs, 6);
	if (gen_chance(gs, 30)) {
		c->freemin = gen_between(gs, 5, 40);
		if (gen_chance(gs, 70))
			c->freetarg = c->freemin + gen_between(gs, 1, 25);
	}
	if (gen_chance(gs, 25)) {
		i = gen_below(gs, nitems(share));
		c->inactive_num = share[i][0];
		c->inactive_den = share[i][1];
	}
	if (gen_chance(gs, 5))
		c->daemon_limit = gen_between(gs, 1, 3);
	if (gen_chance(gs, 30))
		c->rule = gen_between(gs, MODEL_AT_IO, MODEL_AT_WAIT);
}

static void
transfers(struct genstate *gs, struct model_config *c)
{
	static const uint64_t penalty[][2] = { { 0, 1 }, { 1, 8 }, { 1, 2 },
		{ 1, 1 }, { 16, 1 }, { 1, 0 }, { 3, 7 } };
	size_t i;

	if (gen_chance(gs, 15))
		c->page_size = 512ULL << gen_below(gs, 6);
	if (gen_chance(gs, 60)) {
		i = gen_below(gs, nitems(penalty));
		c->penalty_num = penalty[i][0];
		c->penalty_den = penalty[i][1];
	}
	if (gen_chance(gs, 60))
		c->cluster = 4096ULL << gen_below(gs, 9);
	if (c->cluster < c->page_size)
		c->cluster = c->page_size;
	if (gen_chance(gs, 50))
		c->policy = gen_between(gs, MODEL_ALIGNED, MODEL_AROUND);
}

static void
windows(struct genstate *gs, struct model_config *c)
{

	if (gen_chance(gs, 40))
		c->advice = gen_between(gs, MODEL_RANDOM, MODEL_SEQUENTIAL);
	if (gen_chance(gs, 30)) {
		c->fault_back = gen_below(gs, 20);
		/* Windows of 64 pages and more are searched another way. */
		c->fault_forward =
		    gen_below(gs, gen_below(gs, 8) == 0 ? 120 : 20);
	}
	if (gen_chance(gs, 30)) {
		c->seq_back = gen_below(gs, 20);
		c->seq_forward = gen_below(gs, 20);
	}
}

static void
files(struct genstate *gs, struct gen *g)
{
	size_t i;

	gs->nfiles = gen_between(gs, 1, GEN_MAX_FILES);
	for (i = 0; i < gs->nfiles; i++) {
		gs->files[i].id = (uint32_t)i + 1;
		if (!gen_chance(gs, 5))
			gs->files[i].size =
			    gen_below(gs, GEN_FILE_PAGES) * gs->page +
			    (gen_chance(gs, 70) ? gen_below(gs, gs->page) : 0);
		g->files[i].id = gs->files[i].id;
		g->files[i].size = gs->files[i].size;
	}
}

/* Pages that cannot be written: none, a few, all. */
static void
damage(struct genstate *gs, struct gen *g)
{
	const bool all = gen_chance(gs, 8);
	struct model_bad *bad;

	if (!all && gen_chance(gs, 75))
		return;
	g->trace.nbad = all ? gs->nfiles : gen_between(gs, 1, 3);
	for (bad = g->bad; bad < g->bad + g->trace.nbad; bad++) {
		bad->file = (uint32_t)gen_between(gs, 1, gs->nfiles);
		bad->page = gen_below(gs, GEN_FILE_PAGES);
		bad->npages =
		    gen_chance(gs, 80) ? 1 : gen_between(gs, 1, GEN_FILE_PAGES);
		if (all)
			*bad = (struct model_bad){ (uint32_t)(bad - g->bad) + 1,
				0, GEN_PAGES };
	}
}

void
gen_config(struct genstate *gs, struct gen *g)
{
	struct model_config *const c = &g->trace.config;

	model_config_init(c, 0);
	memory(gs, c);
	transfers(gs, c);
	windows(gs, c);
	if (gen_chance(gs, 40))
		c->max_vnodes = gen_between(gs, 1, 6);
	if (gen_chance(gs, 30))
		c->sync_interval = gen_below(gs, 3) * 1000000000;
	if (gen_chance(gs, 40))
		c->fixed = gen_below(gs, MODEL_FIX_Q16 * 2);
	gs->page = c->page_size;
	gs->max = gen_between(gs, 50, gen_chance(gs, 30) ? 4000 : 1200);
	gs->gaps = gen_chance(gs, 50) ? (unsigned)gen_below(gs, 20) : 0;
	gs->writes = (unsigned)gen_below(gs, 101);
	gs->burst = gen_between(gs, 1, 80);
	gs->maxmaps = gen_between(gs, 1, GEN_MAX_MAPS);
	files(gs, g);
	damage(gs, g);
}
