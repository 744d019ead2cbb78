/*
 * model.c: a run of the model: boot, events, counters.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/model/model_i.h"

const char *const model_op_name[MODEL_NOPS] = {
#define X(NAME, name) name,
	MODEL_OPS(X)
#undef X
};

const char *const model_flag_name[MODEL_NFLAGS] = {
#define X(NAME, name) name,
	MODEL_FLAGS(X)
#undef X
};

void
model_config_init(struct model_config *mc, uint64_t memory)
{

	*mc = (struct model_config){
		.memory = memory,
		.page_size = 4096,
		.penalty_num = 4,
		.penalty_den = 1,
		.cluster = 65536,
		.fault_back = 3,
		.fault_forward = 4,
		.seq_back = 8,
		.seq_forward = 7,
		.inactive_num = 1,
		.inactive_den = 3,
		.reserve = 5,
		.max_vnodes = 778,
		.sync_interval = 30000000000,
		.daemon_limit = 1000,
	};
}

void
m_stop(struct model *m, const char *fmt, ...)
{
	va_list ap;

	if (m->why[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(m->why, sizeof(m->why), fmt, ap);
	va_end(ap);
}

void *
m_alloc(size_t n, size_t size)
{
	void *const p = calloc(n + 1, size);

	if (p == NULL)
		abort();
	return p;
}

uint64_t
m_up(const struct model *m, uint64_t bytes)
{

	return (bytes + m->c.page_size - 1) / m->c.page_size;
}

static uint64_t
clamp(uint64_t v, uint64_t min, uint64_t max)
{

	if (v < min)
		return min;
	return v > max ? max : v;
}

static void
tune(struct model *m)
{

	m->freemin = m->c.freemin;
	if (m->freemin == 0)
		m->freemin = clamp(m->c.memory / 20,
		    m_up(m, (uint64_t)16 << 10), m_up(m, (uint64_t)256 << 10));
	m->freetarg = m->c.freetarg;
	if (m->freetarg == 0) {
		m->freetarg = m->freemin * 4 / 3;
		if (m->freetarg <= m->freemin)
			m->freetarg = m->freemin + 1;
	}
}

struct model *
model_create(const struct model_trace *tr)
{
	struct model *const m = m_alloc(1, sizeof(*m));
	size_t i;

	m->c = tr->config;
	m->trace = tr;
	tune(m);
	m_page_boot(m);
	TAILQ_INIT(&m->vfree);
	TAILQ_INIT(&m->wlist);
	TAILQ_INIT(&m->maps);
	m->next_sync =
	    m->c.sync_interval == 0 ? UINT64_MAX : m->c.sync_interval;
	m->nfiles = tr->nfiles;
	m->files = m_alloc(tr->nfiles, sizeof(*m->files));
	for (i = 0; i < tr->nfiles; i++) {
		m->files[i].id = tr->files[i].id;
		m->files[i].size = tr->files[i].size;
		TAILQ_INIT(&m->files[i].memq);
	}
	return m;
}

void
model_destroy(struct model *m)
{
	size_t i;

	while (!TAILQ_EMPTY(&m->maps))
		m_map_destroy(m, TAILQ_FIRST(&m->maps));
	for (i = 0; i < m->nfiles; i++)
		free(m->files[i].at);
	free(m->files);
	free(m->pages);
	free(m->io);
	free(m);
}

static int
dispatch(struct model *m, const struct model_event *ev)
{

	switch (ev->op) {
	case MODEL_ATTACH:
		return m_do_attach(m, ev);
	case MODEL_DETACH:
		return m_do_detach(m, ev);
	case MODEL_PROTECT:
		return m_do_protect(m, ev);
	case MODEL_READ:
	case MODEL_WRITE:
		m_do_access(m, ev);
		return 0;
	case MODEL_MSYNC:
		return m_do_msync(m, ev);
	case MODEL_MADVISE:
		return m_do_madvise(m, ev);
	case MODEL_SYNC:
		m_object_sync_all(m);
		return 0;
	case MODEL_EXIT:
		return m_do_exit(m, ev);
	case MODEL_TRUNCATE:
	case MODEL_FALLOCATE:
	case MODEL_FSYNC:
	case MODEL_PREAD:
	case MODEL_PWRITE:
	case MODEL_OPEN:
	case MODEL_CLOSE:
	case MODEL_UNLINK:
		return m_do_file(m, ev);
	case MODEL_NOPS:
		break;
	}
	m_stop(m, "unknown op");
	return 0;
}

bool
model_step(struct model *m, const struct model_event *ev, int *errorp)
{

	*errorp = 0;
	while (m->why[0] == '\0' && ev->time >= m->next_sync) {
		m_object_sync_all(m);
		m->next_sync += m->c.sync_interval;
	}
	if (m->why[0] == '\0')
		*errorp = dispatch(m, ev);
	if (m->why[0] == '\0' && m->woken && m->c.rule != MODEL_AT_WAIT)
		m_daemon_turn(m);
	return m->why[0] == '\0';
}

const struct model_counters *
model_counters(struct model *m)
{
	uint64_t i;

	m->n.dirty = 0;
	for (i = 0; i < m->c.memory; i++) {
		if (m->pages[i].file != NULL &&
		    (!m->pages[i].clean || m->pages[i].modified))
			m->n.dirty++;
	}
	return &m->n;
}

const char *
model_why(const struct model *m)
{

	return m->why;
}

const struct model_io *
model_ios(const struct model *m, size_t *np)
{

	*np = m->nio;
	return m->io;
}

int
model_run(const struct model_trace *tr, struct model_counters *counters,
    char *err, size_t errlen)
{
	struct model *const m = model_create(tr);
	int seen, error = 0;
	size_t i;

	for (i = 0; i < tr->nevents && error == 0; i++) {
		if (!model_step(m, &tr->events[i], &seen)) {
			(void)snprintf(err, errlen, "event %zu: %s", i, m->why);
			error = EINVAL;
		}
	}
	*counters = *model_counters(m);
	model_destroy(m);
	return error;
}
