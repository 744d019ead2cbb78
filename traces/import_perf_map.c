#include <errno.h>
#include <sys/mman.h>

#include "traces/import_perf_i.h"

/* "fe:00 10977393 326982667" or "<BUILD ID>" */
static bool
map_file(struct scan *sc, struct raw *rw)
{
	uint64_t major, minor, generation;
	struct scan id;

	if (scan_text(sc, "<"))
		return scan_until(sc, ">", &id);
	if (!scan_hex(sc, &major) || !scan_text(sc, ":") ||
	    !scan_hex(sc, &minor) || !scan_text(sc, " ") ||
	    !scan_dec(sc, &rw->rw_arg[4]) || !scan_text(sc, " ") ||
	    !scan_dec(sc, &generation))
		return false;
	rw->rw_arg[3] = major << 32 | (minor & UINT32_MAX);
	return true;
}

/* "rw-s" */
static bool
map_prot(struct scan *sc, struct raw *rw)
{
	static const char letters[] = "rwx";
	static const uint64_t bits[] = { PROT_READ, PROT_WRITE, PROT_EXEC };

	if (scan_left(sc) < 4)
		return false;
	for (unsigned i = 0; i < 3; i++)
		if (sc->sc_p[i] == letters[i])
			rw->rw_arg[5] |= bits[i];
		else if (sc->sc_p[i] != '-')
			return false;
	rw->rw_arg[6] = sc->sc_p[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	sc->sc_p += 4;
	return true;
}

/* "PID/TID: [ADDRESS(BYTES) @ OFFSET FILE]: PROT PATH" */
static bool
map_read(struct scan *sc, struct raw *rw, char *path, size_t size)
{
	size_t n;

	rw->rw_kind = RAW_MAP;
	rw->rw_nargs = 7;
	if (!scan_dec32(sc, &rw->rw_pid) || !scan_text(sc, "/") ||
	    !scan_dec32(sc, &rw->rw_tid) || !scan_text(sc, ": [") ||
	    !scan_number(sc, &rw->rw_arg[0]) || !scan_text(sc, "(") ||
	    !scan_number(sc, &rw->rw_arg[1]) || !scan_text(sc, ") @ ") ||
	    !scan_number(sc, &rw->rw_arg[2]) || !scan_text(sc, " ") ||
	    !map_file(sc, rw) || !scan_text(sc, "]: ") || !map_prot(sc, rw) ||
	    !scan_text(sc, " "))
		return false;
	scan_copy(sc, path, size);
	n = strlen(path);
	if (n > 10 && strcmp(path + n - 10, " (deleted)") == 0)
		path[n - 10] = '\0';
	rw->rw_text = path;
	return true;
}

/* A call that made the map, or changed it, and was not recorded. */
static int
map_unrecorded(struct perf *pf, const struct raw *map)
{
	struct raw rw = { .rw_time = map->rw_time,
		.rw_pid = map->rw_pid,
		.rw_tid = map->rw_tid,
		.rw_kind = RAW_CALL,
		.rw_sys = pf->pf_calls ? RAW_SYS_MPROTECT : RAW_SYS_MMAP };
	int error;

	rw.rw_arg[0] = map->rw_arg[0];
	rw.rw_arg[1] = map->rw_arg[1];
	rw.rw_arg[2] = map->rw_arg[5];
	if (!pf->pf_calls) {
		rw.rw_arg[3] = map->rw_arg[6];
		rw.rw_arg[4] = RAW_UNKNOWN;
		rw.rw_arg[5] = map->rw_arg[2];
	}
	rw.rw_nargs = raw_sys[rw.rw_sys].rs_nargs;
	error = perf_put(pf, &rw);
	if (error == 0 && !pf->pf_calls)
		error = perf_put(pf, map);
	if (error != 0)
		return error;
	memset(rw.rw_arg, 0, sizeof(rw.rw_arg));
	rw.rw_kind = RAW_RETURN;
	rw.rw_arg[0] = pf->pf_calls ? 0 : map->rw_arg[0];
	rw.rw_nargs = 1;
	return perf_put(pf, &rw);
}

static int
exec_put(struct perf *pf, struct perf_thread *pt, const struct raw *of)
{
	const struct raw rw = { .rw_time = of->rw_time,
		.rw_pid = of->rw_pid,
		.rw_tid = of->rw_tid,
		.rw_kind = RAW_EXEC };

	pt->pt_where = AT_EXEC;
	return perf_put(pf, &rw);
}

int
perf_map(struct perf *pf, struct perf_line *pl)
{
	struct raw *rw = &pl->pl_raw;
	char path[RAW_TEXT_MAX];
	struct perf_thread *pt;
	int error = 0;

	if (!map_read(&pl->pl_rest, rw, path, sizeof(path)))
		return perf_bad(pf, pl, "no map");
	pf->pf_maps = true;
	pt = tids_get(&pf->pf_threads, rw->rw_tid);
	if (pt == NULL)
		return ERRMSG(pf->pf_em, ENOMEM, "no memory to read it");
	if (pt->pt_where == AT_USER)
		return map_unrecorded(pf, rw);
	/* The task's record of this was not asked for. */
	if (pt->pt_where == AT_CALL &&
	    (pt->pt_sys == RAW_SYS_EXECVE || pt->pt_sys == RAW_SYS_EXECVEAT))
		error = exec_put(pf, pt, rw);
	/* Other calls than mmap(2) say it all by themselves. */
	if (error != 0 ||
	    (pt->pt_where == AT_CALL && pt->pt_sys != RAW_SYS_MMAP))
		return error;
	return perf_put(pf, rw);
}

/* tasks */

int
perf_exec(struct perf *pf, struct perf_line *pl)
{
	return exec_put(pf, pl->pl_thread, &pl->pl_raw);
}

/* "PID:TID):(PARENT:THREAD)" */
static bool
task_read(struct scan *sc, struct raw *rw)
{
	uint32_t parent, thread;

	if (!scan_dec32(sc, &rw->rw_pid) || !scan_text(sc, ":") ||
	    !scan_dec32(sc, &rw->rw_tid) || !scan_text(sc, "):(") ||
	    !scan_dec32(sc, &parent) || !scan_text(sc, ":") ||
	    !scan_dec32(sc, &thread) || !scan_text(sc, ")"))
		return false;
	rw->rw_arg[0] = parent;
	rw->rw_arg[1] = thread;
	rw->rw_arg[2] = RAW_UNKNOWN;
	return true;
}

static int
task(struct perf *pf, struct perf_line *pl, enum raw_kind kind)
{
	struct raw *rw = &pl->pl_raw;
	struct perf_thread *pt;

	if (!task_read(&pl->pl_rest, rw))
		return perf_bad(pf, pl, "no task");
	rw->rw_kind = (uint8_t)kind;
	rw->rw_nargs = kind == RAW_FORK ? 3 : 0;
	if (kind == RAW_EXIT)
		memset(rw->rw_arg, 0, sizeof(rw->rw_arg));
	/* The number may have been another's. */
	pt = tids_find(&pf->pf_threads, rw->rw_tid);
	if (pt != NULL)
		*pt = (struct perf_thread){ .pt_where = AT_USER };
	return perf_put(pf, rw);
}

int
perf_fork(struct perf *pf, struct perf_line *pl)
{
	return task(pf, pl, RAW_FORK);
}

int
perf_exit(struct perf *pf, struct perf_line *pl)
{
	return task(pf, pl, RAW_EXIT);
}
