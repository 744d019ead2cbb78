/*
 * sweep_estimate.c: how long a sweep will take: by earlier runs of the same
 * trace and backend, and where there are none by trying a cell for a moment.
 */
#include <sys/stat.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/sweep_child.h"

/* All cells tried together, ms. */
#define PROBE_MS 2000

/* Backends are few; a guess for one beyond is that of the last. */
#define BACKENDS 8

/* What a cell of one trace takes on each backend. */
struct guess {
	bool gu_wanted;
	double gu_seconds;		  /* < 0: not known */
	const struct sweep_cell *gu_cell; /* the first of them */
};

static size_t
backend_of(const struct sweep_cell *sc)
{
	const uint64_t be = sc->sc_point->pt_config.cf_replay.backend;

	return be < BACKENDS ? (size_t)be : BACKENDS - 1;
}

static struct guess *
guess_of(const struct sweep *sw, struct guess *gu, const struct sweep_cell *sc)
{
	return &gu[(size_t)(sc->sc_trace - sw->sw_trace) * BACKENDS +
	    backend_of(sc)];
}

/* The backend's name, as the run's column has it. */
static void
backend_name(const struct sweep_cell *sc, char *buf, size_t len)
{
	for (size_t i = 0; i < replay_param_count; i++)
		if (strcmp(replay_param_table[i].tn_name, "backend") == 0)
			tunable_format(&replay_param_table[i],
			    sc->sc_point->pt_config.cf_replay.backend, buf,
			    len);
}

static void
by_runs(const struct sweep *sw, struct db *db, struct guess *gu,
    struct sweep_estimate *es)
{
	char backend[TUNABLE_TEXT_MAX] = "";
	uint64_t wall = 0, runs = 0;

	if (db == NULL)
		return;
	for (size_t i = 0; i < sw->sw_ntraces * BACKENDS; i++) {
		if (!gu[i].gu_wanted)
			continue;
		backend_name(gu[i].gu_cell, backend, sizeof(backend));
		if (db_median_wall(db, gu[i].gu_cell->sc_row.dc_digest, backend,
			&wall, &runs, NULL) != 0 ||
		    runs == 0)
			continue;
		gu[i].gu_seconds = (double)wall / 1e9;
		es->es_runs += runs;
	}
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* How fast the cell goes: so many events in ns.  => false: a signal came */
static bool
try_cell(const struct sweep *sw, const struct sweep_cell *sc, const char *dir,
    int ms, struct sweep_message *sm)
{
	struct pollfd pf = { .events = POLLIN };
	struct sweep_signals ss;
	int status;
	bool stopped;
	pid_t pid;

	sweep_signals_catch(&ss);
	pid = sweep_child_start(sw, sc, dir, false, &pf.fd);
	if (pid > 0) {
		if (sweep_wait(&pf, 1, ms, false) <= 0)
			(void)kill(pid, SIGTERM);
		/* One that is still setting up has nothing to say. */
		(void)sweep_child_end(pid, pf.fd, sm, &status);
	}
	stopped = sweep_stopped();
	sweep_signals_release(&ss);
	return !stopped;
}

/* Try the cell, with backing files in a folder beside --dir. */
static bool
probe(const struct sweep *sw, struct guess *gu, int ms)
{
	struct sweep_message sm = { .sm_events = 0 };
	char *dir = NULL;
	bool going = true;

	if (asprintf(&dir, "%s.probe-XXXXXX", sw->sw_dir) < 0)
		return true;
	if (backend_of(gu->gu_cell) == BACKEND_NULL)
		going = try_cell(sw, gu->gu_cell, dir, ms, &sm);
	else if (mkdtemp(dir) != NULL) {
		going = try_cell(sw, gu->gu_cell, dir, ms, &sm);
		(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	if (sm.sm_events > 0)
		gu->gu_seconds = (double)sm.sm_result.cr_wall_ns / 1e9 *
		    (double)gu->gu_cell->sc_trace->st_events /
		    (double)sm.sm_events;
	free(dir);
	return going;
}

static bool
by_probes(const struct sweep *sw, struct guess *gu, struct sweep_estimate *es)
{
	int n = 0;

	for (size_t i = 0; i < sw->sw_ntraces * BACKENDS; i++)
		n += gu[i].gu_wanted && gu[i].gu_seconds < 0;
	for (size_t i = 0; i < sw->sw_ntraces * BACKENDS; i++) {
		if (!gu[i].gu_wanted || gu[i].gu_seconds >= 0)
			continue;
		es->es_probes++;
		if (!probe(sw, &gu[i], PROBE_MS / n))
			return false;
	}
	return true;
}

/* Seconds for all that is left; < 0: not known. */
static double
total(const struct sweep *sw, struct guess *gu)
{
	double sum = 0;

	for (size_t i = 0; i < sw->sw_ncells; i++) {
		const struct sweep_cell *sc = &sw->sw_cell[i];
		const struct guess *of = guess_of(sw, gu, sc);

		if (sc->sc_row.dc_status != CELL_PLANNED)
			continue;
		if (of->gu_seconds < 0)
			return -1;
		sum += of->gu_seconds / (double)sw->sw_jobs;
	}
	return sum;
}

bool
sweep_estimate(const struct sweep *sw, struct sweep_estimate *es)
{
	struct guess *gu = calloc(sw->sw_ntraces * BACKENDS, sizeof(*gu));
	struct db *db = NULL;
	bool going;

	*es = (struct sweep_estimate){ .es_seconds = -1 };
	if (gu == NULL)
		return true;
	for (size_t i = 0; i < sw->sw_ncells; i++) {
		const struct sweep_cell *sc = &sw->sw_cell[i];
		struct guess *of = guess_of(sw, gu, sc);

		if (sc->sc_row.dc_status != CELL_PLANNED || of->gu_wanted)
			continue;
		*of = (struct guess){ .gu_wanted = true,
			.gu_seconds = -1,
			.gu_cell = sc };
	}
	if (db_peek(sw->sw_db, &db, NULL) == 0)
		by_runs(sw, db, gu, es);
	db_close(db);
	if ((going = by_probes(sw, gu, es)))
		es->es_seconds = total(sw, gu);
	free(gu);
	return going;
}
