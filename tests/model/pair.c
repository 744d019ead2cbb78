/*
 * pair.c: the model and the pager side by side.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/pager.h"
#include "tests/model/pair.h"

#define CHECK_EVERY 32 /* events between two uvm_check() */

static const struct {
	const char *name;
	size_t model, pager;
} counters[] = {
#define X(name)                                                                \
	{ #name, offsetof(struct model_counters, name),                        \
		offsetof(struct uvmexp, name) },
	MODEL_COUNTERS(X)
#undef X
};

static uint64_t
at(const void *base, size_t offset)
{
	uint64_t v;

	(void)memcpy(&v, (const char *)base + offset, sizeof(v));
	return v;
}

static bool
same_counters(struct model *m, const struct pager *p, struct verdict *v)
{
	const struct model_counters *const mine = model_counters(m);
	const struct uvmexp *const its = uvm_stat(p->uvm);
	size_t i, len = 0;

	v->counters = *mine;
	for (i = 0; i < nitems(counters) && len + 80 < sizeof(v->what); i++) {
		if (at(mine, counters[i].model) != at(its, counters[i].pager))
			len += (size_t)snprintf(v->what + len,
			    sizeof(v->what) - len,
			    "%s %" PRIu64 ", %" PRIu64 "; ", counters[i].name,
			    at(mine, counters[i].model),
			    at(its, counters[i].pager));
	}
	return len == 0;
}

static bool
same_ios(const struct model *m, const struct pager *p, struct verdict *v)
{
	const struct model_io *mine, *its;
	size_t n, i;

	mine = model_ios(m, &n);
	for (i = (size_t)v->ios; i < n && i < p->nio; i++) {
		its = &p->io[i];
		if (mine[i].write == its->write &&
		    mine[i].failed == its->failed &&
		    mine[i].file == its->file && mine[i].page == its->page &&
		    mine[i].npages == its->npages &&
		    mine[i].bytes == its->bytes)
			continue;
		(void)snprintf(v->what, sizeof(v->what),
		    "I/O %zu: %c file %u page %" PRIu64 " pages %" PRIu64
		    " bytes %" PRIu64 ", %c file %u page %" PRIu64
		    " pages %" PRIu64 " bytes %" PRIu64,
		    i, mine[i].write ? 'W' : 'R', mine[i].file, mine[i].page,
		    mine[i].npages, mine[i].bytes, its->write ? 'W' : 'R',
		    its->file, its->page, its->npages, its->bytes);
		return false;
	}
	v->ios = n < p->nio ? n : p->nio;
	/* One too many shows in the counters. */
	return true;
}

static bool
same_sizes(struct model *m, const struct pager *p, struct verdict *v)
{
	uint64_t mine, its;
	uint32_t id;
	size_t i;

	for (i = 0; i < p->trace->nfiles; i++) {
		id = p->trace->files[i].id;
		mine = model_file_size(m, id);
		its = uvm_file_size(p->uvm, id);
		if (mine == its)
			continue;
		(void)snprintf(v->what, sizeof(v->what),
		    "size of file %u %" PRIu64 ", %" PRIu64, id, mine, its);
		return false;
	}
	return true;
}

/* One event on both.  False: the run ends, in agreement or not. */
static bool
step(struct model *m, struct pager *p, const struct model_event *ev,
    struct verdict *v)
{
	struct errmsg em = { .em_text = "" };
	int mine, its;
	const bool on = model_step(m, ev, &mine);

	v->agree = false;
	if (pager_step(p, ev, &its) != on) {
		(void)snprintf(v->what, sizeof(v->what),
		    "the run goes on: %d, %d (%s; error %d)", on, !on,
		    model_why(m), its);
		return false;
	}
	if (on && mine != its) {
		(void)snprintf(v->what, sizeof(v->what), "error %d, %d", mine,
		    its);
		return false;
	}
	if (!same_ios(m, p, v) || !same_counters(m, p, v) ||
	    !same_sizes(m, p, v))
		return false;
	if (v->events % CHECK_EVERY == 0 && uvm_check(p->uvm, &em) != 0) {
		(void)snprintf(v->what, sizeof(v->what), "uvm_check: %.200s",
		    em.em_text);
		return false;
	}
	v->agree = true;
	(void)snprintf(v->why, sizeof(v->why), "%s", model_why(m));
	return on;
}

void
pair_run(const struct model_trace *tr, struct verdict *v)
{
	struct errmsg em = { .em_text = "" };
	struct model *const m = model_create(tr);
	struct pager p;
	size_t i;

	*v = (struct verdict){ .agree = true };
	if (!pager_create(&p, tr, &em)) {
		v->agree = false;
		(void)snprintf(v->what, sizeof(v->what), "refused: %.200s",
		    em.em_text);
	}
	for (i = 0; i < tr->nevents && v->agree; i++) {
		v->events = i + 1;
		if (!step(m, &p, &tr->events[i], v))
			break;
	}
	if (v->agree && uvm_check(p.uvm, &em) != 0) {
		v->agree = false;
		(void)snprintf(v->what, sizeof(v->what), "uvm_check: %.200s",
		    em.em_text);
	}
	pager_destroy(&p);
	model_destroy(m);
}

/* Does it still differ without [from, from + n)?  Then leave that out. */
static bool
leave_out(struct model_trace *tr, struct model_event *events, size_t from,
    size_t n)
{
	const size_t rest = tr->nevents - from - n;
	struct model_event *const kept = malloc((n + 1) * sizeof(*kept));
	struct verdict v;

	if (kept == NULL)
		abort();
	(void)memcpy(kept, events + from, n * sizeof(*kept));
	(void)memmove(events + from, events + from + n, rest * sizeof(*kept));
	tr->nevents -= n;
	pair_run(tr, &v);
	if (v.agree) {
		(void)memmove(events + from + n, events + from,
		    rest * sizeof(*kept));
		(void)memcpy(events + from, kept, n * sizeof(*kept));
		tr->nevents += n;
	} else {
		tr->nevents = v.events;
	}
	free(kept);
	return !v.agree;
}

void
pair_shrink(struct model_trace *tr, struct model_event **eventsp)
{
	struct model_event *const events =
	    malloc((tr->nevents + 1) * sizeof(*events));
	struct verdict v;
	size_t chunk, from;

	if (events == NULL)
		abort();
	pair_run(tr, &v);
	if (!v.agree)
		tr->nevents = v.events;
	(void)memcpy(events, tr->events, tr->nevents * sizeof(*events));
	tr->events = *eventsp = events;
	if (v.agree)
		return;
	for (chunk = tr->nevents / 2; chunk > 0; chunk /= 2) {
		for (from = 0; from + chunk <= tr->nevents;) {
			if (!leave_out(tr, events, from, chunk))
				from += chunk;
		}
	}
	/* Once more one by one: what fell later may have held earlier ones. */
	for (from = tr->nevents; from-- > 0;) {
		if (from < tr->nevents)
			(void)leave_out(tr, events, from, 1);
	}
}

static void
print_event(FILE *fp, size_t seq, const struct model_event *ev)
{
	const char *bar = "";
	int bit;

	(void)fprintf(fp,
	    "%zu,%" PRIu64 ",%u,%u,%s,%u,%u,%" PRIu64 ",%" PRIu64 ",", seq,
	    ev->time, ev->pid, ev->pid, model_op_name[ev->op], ev->file,
	    ev->map, ev->offset, ev->length);
	for (bit = 0; bit < MODEL_NFLAGS; bit++) {
		if (ev->flags & 1U << bit) {
			(void)fprintf(fp, "%s%s", bar, model_flag_name[bit]);
			bar = "|";
		}
	}
	(void)fputc('\n', fp);
}

void
pair_print(FILE *fp, const struct model_trace *tr)
{
	size_t i;

	(void)fprintf(fp, "# ");
#define X(name) (void)fprintf(fp, "%s=%" PRIu64 " ", #name, tr->config.name);
	MODEL_CONFIG(X)
#undef X
	(void)fputc('\n', fp);
	for (i = 0; i < tr->nbad; i++)
		(void)fprintf(fp,
		    "# bad: file %u page %" PRIu64 "+%" PRIu64 "\n",
		    tr->bad[i].file, tr->bad[i].page, tr->bad[i].npages);
	(void)fprintf(fp, "#uvn-trace 1\n#page %" PRIu64 "\n",
	    tr->config.page_size);
	for (i = 0; i < tr->nfiles; i++)
		(void)fprintf(fp, "#file %u size=%" PRIu64 " path=/file-%u\n",
		    tr->files[i].id, tr->files[i].size, tr->files[i].id);
	(void)fprintf(fp,
	    "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n");
	for (i = 0; i < tr->nevents; i++)
		print_event(fp, i, &tr->events[i]);
}
