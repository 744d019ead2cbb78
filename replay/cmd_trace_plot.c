#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "analysis/analysis.h"
#include "replay/cmd_trace.h"
#include "replay/json_out.h"
#include "replay/plot.h"

/* What was typed. */
struct plot_job {
	struct plot_param pj_param;
	uint32_t *pj_files; /* pj_param's */
	size_t pj_room;
	const char *pj_trace, *pj_by;
	const char *pj_out;
	bool pj_salvage;
	char *pj_copy; /* of a trace that can be read once only; or NULL */
};

/* --file ID */
static int
add_file(void *dest, const char *value, struct errmsg *em)
{
	struct plot_job *const pj = dest;
	uint64_t id;

	if (parse_uint(value, &id) != 0 || id == 0 || id > UINT32_MAX)
		return ERRMSG(em, EINVAL,
		    "'%.40s' is no number of a file; uvn trace info --json "
		    "lists them",
		    value);
	if (pj->pj_param.pp_nfiles == pj->pj_room) {
		const size_t room = pj->pj_room * 2 + 16;
		uint32_t *const files =
		    reallocarray(pj->pj_files, room, sizeof(*files));

		if (files == NULL)
			return ERRMSG(em, ENOMEM, "out of memory");
		pj->pj_files = files;
		pj->pj_room = room;
	}
	pj->pj_files[pj->pj_param.pp_nfiles++] = (uint32_t)id;
	return 0;
}

/* A folder for what is needed only now; the caller's to remove and free(). */
static char *
folder(void)
{
	const char *const tmp = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/uvn-plot-XXXXXX",
		tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp") < 0)
		return NULL;
	if (mkdtemp(path) == NULL) {
		free(path);
		return NULL;
	}
	return path;
}

/* A trace that can be read once only is copied. */
static int
copy(struct plot_job *pj)
{
	struct trace_reader *tr;
	struct stat st;
	char *dir;
	int status;

	if (strcmp(pj->pj_trace, "-") != 0 &&
	    (stat(pj->pj_trace, &st) != 0 || S_ISREG(st.st_mode) ||
		S_ISDIR(st.st_mode)))
		return UVN_OK;
	status =
	    input_open(pj->pj_trace, pj->pj_salvage ? TRACE_SALVAGE : 0, &tr);
	if (status != UVN_OK)
		return status;
	dir = folder();
	if (dir == NULL || asprintf(&pj->pj_copy, "%s/trace.uvt", dir) < 0) {
		pj->pj_copy = NULL;
		status = complain(UVN_ENVIRONMENT,
		    "%s: cannot be kept to read it twice: %s; TMPDIR names the "
		    "folder",
		    pj->pj_trace, errno_text(errno));
	} else {
		status = copy_all(tr, pj->pj_copy, TRACE_UVT);
	}
	if (status == UVN_OK)
		input_salvaged(tr, pj->pj_trace);
	trace_close(tr);
	free(dir);
	return status;
}

static void
copy_remove(struct plot_job *pj)
{
	if (pj->pj_copy == NULL)
		return;
	(void)unlink(pj->pj_copy);
	*strrchr(pj->pj_copy, '/') = '\0';
	(void)rmdir(pj->pj_copy);
	free(pj->pj_copy);
	pj->pj_copy = NULL;
}

/* The trace's first or second reading. */
static int
reading(const struct plot_job *pj, struct trace_reader **trp)
{
	return input_open(pj->pj_copy != NULL ? pj->pj_copy : pj->pj_trace,
	    pj->pj_salvage ? TRACE_SALVAGE : 0, trp);
}

static int
survey(struct trace_reader *tr, struct plot *pl, struct errmsg *em)
{
	const struct trace_event *ev;
	bool more = true;
	size_t n;
	int error, status;

	do {
		status = input_next(tr, &ev, &n);
		if (status == UVN_OK)
			more = plot_survey(pl, ev, n);
	} while (status == UVN_OK && n > 0 && more);
	if (status != UVN_OK)
		return status;
	error = plot_layout(pl, em);
	if (error != 0)
		return complain((int)exit_status(error), "%s", em->em_text);
	return UVN_OK;
}

static int
draw(const struct plot_job *pj, struct plot *pl, struct errmsg *em)
{
	struct trace_reader *tr;
	const struct trace_event *ev;
	bool more = true;
	size_t n;
	int error = 0, status = reading(pj, &tr);

	if (status != UVN_OK)
		return status;
	do {
		status = input_next(tr, &ev, &n);
		if (status == UVN_OK)
			error = plot_draw(pl, ev, n, &more, em);
	} while (status == UVN_OK && error == 0 && n > 0 && more);
	if (status == UVN_OK && error != 0)
		status = complain((int)exit_status(error), "%s", em->em_text);
	if (status == UVN_OK && pj->pj_copy == NULL)
		input_salvaged(tr, pj->pj_trace);
	trace_close(tr);
	return status;
}

/* The picture's name: as asked for, or the trace's; malloc'd. */
static char *
picture(const struct plot_job *pj)
{
	static const char *const ends[] = { ".zst", ".csv", ".uvt" };
	char *path;

	if (pj->pj_out != NULL)
		return strdup(pj->pj_out);
	if (asprintf(&path, "%s.png", pj->pj_trace) < 0)
		return NULL;
	for (size_t i = 0; i < nitems(ends); i++) {
		const size_t len = strlen(path) - strlen(".png");
		const size_t n = strlen(ends[i]);

		if (len > n && path[len - n - 1] != '/' &&
		    strncmp(path + len - n, ends[i], n) == 0)
			memcpy(path + len - n, ".png", sizeof(".png"));
	}
	return path;
}

/* Say which files there are now. */
static int
report(const struct plot_job *pj, const struct plot_result *pr,
    const char *path, bool json)
{
	static const char *const ends[] = { "dat", "gp" };
	const size_t stem = (size_t)(strrchr(path, '.') - path);
	json_t *files;

	if (!json) {
		for (size_t i = 0; i < nitems(ends); i++)
			(void)printf("%.*s.%s\n", (int)stem, path, ends[i]);
		(void)printf("%s\n", path);
		return UVN_OK;
	}
	files = json_array();
	for (size_t i = 0; i < pr->pr_nfiles; i++)
		(void)json_array_append_new(files,
		    json_integer(pr->pr_files[i].pf_file->tf_id));
	return json_emit(json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", "trace",
	    json_text(pj->pj_trace), "picture", json_text(path), "accesses",
	    (json_int_t)pr->pr_accesses, "columns", (json_int_t)pr->pr_columns,
	    "rows", (json_int_t)pr->pr_rows, "files", files));
}

/* All is read: the picture. */
static int
finish(const struct plot_job *pj, const struct plot_result *pr,
    const char *path, bool json)
{
	struct errmsg em = { .em_text = "" };
	struct plot_shades sh;
	const struct plot_drawing pd = { pr, &sh };
	const struct access_map am = {
		.am_path = path,
		.am_title = pj->pj_trace,
		.am_data = plot_write_data,
		.am_facts = plot_write_facts,
		.am_arg = &pd,
	};
	int error;

	if (!plot_shade(pr, &sh))
		return complain(UVN_ENVIRONMENT, "out of memory");
	error = analysis_access_map(&am, &em);
	free(sh.sh_map);
	if (error != 0)
		return complain(error == EEXIST ? UVN_USAGE : UVN_ENVIRONMENT,
		    "%s", em.em_text);
	return report(pj, pr, path, json);
}

/* Both readings, and the picture. */
static int
plot_all(const struct plot_job *pj, const char *path, bool json)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	struct plot *pl = NULL;
	int error, status = reading(pj, &tr);

	if (status != UVN_OK)
		return status;
	error = plot_create(trace_meta(tr), &pj->pj_param, &pl, &em);
	if (error != 0)
		status = complain(error == EINVAL ? UVN_USAGE : UVN_ENVIRONMENT,
		    "%s: %s", pj->pj_trace, em.em_text);
	if (status == UVN_OK)
		status = survey(tr, pl, &em);
	if (status == UVN_OK)
		status = draw(pj, pl, &em);
	if (status == UVN_OK)
		status = finish(pj, plot_finish(pl), path, json);
	plot_destroy(pl);
	trace_close(tr);
	return status;
}

/* All that was typed fits together: draw. */
static int
plot(struct plot_job *pj, bool json)
{
	char *path;
	int status;

	if (pj->pj_param.pp_from > pj->pj_param.pp_to ||
	    pj->pj_param.pp_from_time > pj->pj_param.pp_to_time)
		return complain(UVN_USAGE, "the range ends before it begins");
	if (strcmp(pj->pj_by, "event") != 0 && strcmp(pj->pj_by, "time") != 0)
		return complain(UVN_USAGE,
		    "--by: '%.40s' is neither time nor event", pj->pj_by);
	pj->pj_param.pp_by_event = strcmp(pj->pj_by, "event") == 0;
	pj->pj_param.pp_files = pj->pj_files;
	if (pj->pj_out == NULL && strcmp(pj->pj_trace, "-") == 0)
		return complain(UVN_USAGE, "say -o FILE.png");
	if ((path = picture(pj)) == NULL)
		return complain(UVN_ENVIRONMENT, "out of memory");
	if (!analysis_picture_name(path))
		status = complain(UVN_USAGE,
		    "%s: which format? name the picture .png, .svg or .pdf",
		    path);
	else
		status = copy(pj);
	if (status == UVN_OK)
		status = plot_all(pj, path, json);
	copy_remove(pj);
	free(path);
	return status;
}

int
trace_cmd_plot(int argc, char **argv)
{
	struct plot_job pj = {
		.pj_param = { .pp_to = UINT64_MAX, .pp_to_time = UINT64_MAX },
		.pj_by = "time",
	};
	struct plot_param *const pp = &pj.pj_param;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "the picture; .png, .svg or .pdf says the format (the "
		    "trace's name, .png)",
		    &pj.pj_out, NULL },
		{ "by", '\0', OPTION_TEXT, "AXIS",
		    "what goes from left to right: time, or event, which is "
		    "their number (time)",
		    &pj.pj_by, NULL },
		{ "file", '\0', OPTION_CALL, "ID",
		    "draw only this file of the trace; may be given more than "
		    "once",
		    &pj, add_file },
		{ "from", '\0', OPTION_COUNT, "N", "the first event to draw",
		    &pp->pp_from, NULL },
		{ "to", '\0', OPTION_COUNT, "N",
		    "the first event not to draw any more", &pp->pp_to, NULL },
		{ "from-time", '\0', OPTION_TIME, "TIME",
		    "draw events from this time of the trace on",
		    &pp->pp_from_time, NULL },
		{ "to-time", '\0', OPTION_TIME, "TIME",
		    "draw events before this time of the trace",
		    &pp->pp_to_time, NULL },
		{ "calls", '\0', OPTION_FLAG, NULL,
		    "draw pread and pwrite as if they were accesses",
		    &pp->pp_calls, NULL },
		SALVAGE_ROW(&pj.pj_salvage),
	};
	const struct command_line cl = {
		.cl_command = "trace plot",
		.cl_operands = "TRACE",
		.cl_help = "Draw an access map: which pages of its files a "
			   "trace reads and writes when.  Beside the picture "
			   "lie its data and the gnuplot script that draws it.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status)) {
		free(pj.pj_files);
		return status;
	}
	pj.pj_trace = op.op_operands[0];
	status = plot(&pj, op.op_json);
	free(pj.pj_files);
	options_fini(&op);
	return status;
}
