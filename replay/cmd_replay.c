#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/clock.h"
#include "replay/command_text.h"
#include "replay/engine.h"
#include "replay/inject.h"
#include "replay/options.h"
#include "replay/perf.h"
#include "replay/replay.h"
#include "replay/report.h"

struct files {
	struct engine_file *fs_file; /* room for as many as argc */
	size_t fs_n;
};

struct injects {
	struct engine_inject *is_rule; /* room for as many as argc */
	size_t is_n;
};

/* The command line of uvn replay, read. */
struct replay_args {
	struct options ra_op;
	struct files ra_files;
	struct injects ra_inject;
	const char *ra_dir;
	uint64_t ra_like; /* UINT64_MAX if not given */
	uint64_t ra_history;
	bool ra_overwrite, ra_verify, ra_paranoid, ra_salvage, ra_no_db;
	bool ra_progress, ra_no_progress;
	bool ra_flush_both;
	const char *ra_events; /* NULL: none */
};

/* Read ID=PATH of --file. */
static int
add_file(void *dest, const char *value, struct errmsg *em)
{
	struct files *fs = dest;
	const char *equals = strchr(value, '=');
	char id[16];
	uint64_t file = 0;

	if (equals != NULL && (size_t)(equals - value) < sizeof(id)) {
		memcpy(id, value, (size_t)(equals - value));
		id[equals - value] = '\0';
		if (parse_uint(id, &file) != 0)
			file = 0;
	}
	if (equals == NULL || equals[1] == '\0' || file == 0 ||
	    file > UINT32_MAX)
		return ERRMSG(em, EINVAL,
		    "'%.60s' is not ID=PATH with the number of a file of the "
		    "trace",
		    value);
	for (size_t i = 0; i < fs->fs_n; i++)
		if (fs->fs_file[i].ef_file == file)
			return ERRMSG(em, EINVAL,
			    "file %" PRIu64 " is given twice", file);
	fs->fs_file[fs->fs_n++] = (struct engine_file){
		.ef_file = (uint32_t)file,
		.ef_path = equals + 1,
	};
	return 0;
}

static int
add_inject(void *dest, const char *value, struct errmsg *em)
{
	struct injects *is = dest;
	struct engine_inject *ei = &is->is_rule[is->is_n];

	ei->ei_text = value;
	is->is_n++;
	return inject_parse(value, &ei->ei_rule, em);
}

static bool
read_args(struct replay_args *ra, int argc, char **argv, int *statusp)
{
	const struct option_row rows[] = {
		{ "dir", '\0', OPTION_TEXT, "DIR",
		    "folder of the backing files (uvn-data)", &ra->ra_dir,
		    NULL },
		{ "file", '\0', OPTION_CALL, "ID=PATH",
		    "replay file ID of the trace on PATH, which is "
		    "overwritten; may be repeated",
		    &ra->ra_files, add_file },
		{ "overwrite", '\0', OPTION_FLAG, NULL,
		    "destroy what PATH of --file holds, and files of DIR "
		    "that are not of a replay",
		    &ra->ra_overwrite, NULL },
		{ "inject", '\0', OPTION_CALL, "RULE",
		    "have I/O fail, end short or take longer: "
		    "WHAT:FAULT[@CONDITION...], such as write:eio@every=100; "
		    "may be repeated",
		    &ra->ra_inject, add_inject },
		{ "verify", '\0', OPTION_FLAG, NULL,
		    "check every byte read and written, and all at the end",
		    &ra->ra_verify, NULL },
		{ "paranoid", '\0', OPTION_FLAG, NULL,
		    "check the pager's structures after every event",
		    &ra->ra_paranoid, NULL },
		{ "flush-both", '\0', OPTION_FLAG, NULL,
		    "at each flush that may choose, measure what the other "
		    "method would have cost, too",
		    &ra->ra_flush_both, NULL },
		{ "events", '\0', OPTION_TEXT, "NAMES",
		    "count these events of processor and kernel: names of "
		    "libpfm4 with commas between",
		    &ra->ra_events, NULL },
		{ "salvage", '\0', OPTION_FLAG, NULL,
		    "leave out damaged blocks of a .uvt instead of stopping",
		    &ra->ra_salvage, NULL },
		{ "history", '\0', OPTION_COUNT, "N",
		    "print the last N steps of the pager to standard error",
		    &ra->ra_history, NULL },
		{ "like", '\0', OPTION_COUNT, "RUN",
		    "begin with the tunables of run RUN of the database",
		    &ra->ra_like, NULL },
		{ "no-db", '\0', OPTION_FLAG, NULL, "store nothing",
		    &ra->ra_no_db, NULL },
		{ "progress", '\0', OPTION_FLAG, NULL,
		    "show progress on standard error (if it is a terminal)",
		    &ra->ra_progress, NULL },
		{ "no-progress", '\0', OPTION_FLAG, NULL, "show no progress",
		    &ra->ra_no_progress, NULL },
	};
	const struct command_line cl = {
		.cl_command = "replay",
		.cl_operands = "TRACE",
		.cl_help = "Run a trace through the pager of 1998 over real "
			   "files, store what was measured, print a summary.  "
			   "TRACE is a .uvt, or CSV plain or compressed by "
			   "zstd; - is standard input.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
		.cl_common = OPTIONS_DB | OPTIONS_SEED,
		.cl_tunable = config_tunable,
		.cl_ntunables = config_count(),
	};

	return options_parse(&cl, argc, argv, &ra->ra_op, statusp);
}

/* A file of the user's is taken only on his word, and never a device. */
static int
check_files(const struct replay_args *ra)
{
	struct stat st;

	for (size_t i = 0; i < ra->ra_files.fs_n; i++) {
		const char *path = ra->ra_files.fs_file[i].ef_path;

		if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
			return complain(UVN_USAGE,
			    "%s is a block device and is not touched; name a "
			    "regular file",
			    path);
	}
	if (ra->ra_files.fs_n > 0 && !ra->ra_overwrite)
		return complain(UVN_USAGE,
		    "--file destroys what %s holds; add --overwrite if that is "
		    "meant",
		    ra->ra_files.fs_file[0].ef_path);
	return UVN_OK;
}

/* A mistyped name shall not leave an empty database behind. */
static int
check_trace(const char *path)
{
	if (strcmp(path, "-") == 0 || access(path, R_OK) == 0)
		return UVN_OK;
	return complain(UVN_INPUT, "%s: %s", path, errno_text(errno));
}

/* Say what is not counted, for each reason once. */
static void
say_uncounted(const struct perf_set *ps)
{
	const size_t n = perf_count(ps);

	for (size_t i = 0; i < n; i++) {
		const char *const reason = perf_reason(ps, i);
		char *text = NULL;
		size_t len = 0, k;
		FILE *out;

		for (k = 0; reason != NULL && k < i; k++)
			if (perf_reason(ps, k) != NULL &&
			    strcmp(perf_reason(ps, k), reason) == 0)
				break;
		if (reason == NULL || k < i ||
		    (out = open_memstream(&text, &len)) == NULL)
			continue;
		for (k = i; k < n; k++)
			if (perf_reason(ps, k) != NULL &&
			    strcmp(perf_reason(ps, k), reason) == 0)
				(void)fprintf(out, "%s%s", k > i ? ", " : "",
				    perf_name(ps, k));
		if (fclose(out) == 0)
			(void)complain(UVN_OK, "--events: not counted: %s: %s",
			    text, reason);
		free(text);
	}
}

/*
 * Names of events are judged before a database is made, and what this host
 * cannot count is said before the run rather than after.
 */
static int
check_events(const struct replay_args *ra)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps = NULL;
	int error;

	if (ra->ra_events == NULL)
		return UVN_OK;
	if ((error = perf_open(ra->ra_events, &ps, &em)) != 0)
		return complain(error == EINVAL ? UVN_USAGE : UVN_ENVIRONMENT,
		    "%s", em.em_text);
	if (!ra->ra_op.op_quiet)
		say_uncounted(ps);
	perf_close(ps);
	return UVN_OK;
}

/*
 * A run's row has what was settled for it: freemin by memory, quirks by the
 * profile.  Put back to its default whatever would be settled the same again,
 * so that it follows what --like is changed to.
 */
static void
unsettle(struct config *cf)
{
	const struct config settled = *cf;

	for (size_t i = 0; i < config_count(); i++) {
		struct config attempt = *cf, resolved;

		config_set(&attempt, i, config_tunable(i)->tn_def);
		resolved = attempt;
		if (config_resolve(&resolved, NULL) == 0 &&
		    memcmp(&resolved, &settled, sizeof(settled)) == 0)
			*cf = attempt;
	}
}

/* The tunables: defaults, then those of --like, then what was typed. */
static int
configure(const struct replay_args *ra, struct db *db, struct config *cf)
{
	struct errmsg em = { .em_text = "" };
	int error;

	config_init(cf);
	if (ra->ra_like != UINT64_MAX) {
		error = db_run_config(db, (int64_t)ra->ra_like, cf, &em);
		if (error != 0)
			return complain((int)exit_status(error), "%s",
			    em.em_text);
		unsettle(cf);
	}
	for (size_t i = 0; i < ra->ra_op.op_nsettings; i++) {
		const struct setting *st = &ra->ra_op.op_settings[i];

		if (config_assign(cf, st->st_name, st->st_value, &em) != 0)
			return complain(UVN_USAGE, "%s", em.em_text);
	}
	return UVN_OK;
}

/*
 * The command line that repeats the run, whatever the defaults of --like or a
 * later uvn are: every tunable that is not at its default is named.
 *
 * => malloc'd; NULL without memory
 */
static char *
repeating_command(const struct replay_args *ra, const struct config *cf)
{
	char *text = NULL;
	const struct options *op = &ra->ra_op;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	(void)fputs("uvn replay ", out);
	command_word(out, op->op_operands[0]);
	command_tunables(out, cf);
	command_option(out, "--dir", ra->ra_dir);
	for (size_t i = 0; i < ra->ra_files.fs_n; i++) {
		(void)fprintf(out, " --file %" PRIu32 "=",
		    ra->ra_files.fs_file[i].ef_file);
		command_word(out, ra->ra_files.fs_file[i].ef_path);
	}
	if (ra->ra_overwrite)
		(void)fputs(" --overwrite", out);
	for (size_t i = 0; i < ra->ra_inject.is_n; i++)
		command_option(out, "--inject",
		    ra->ra_inject.is_rule[i].ei_text);
	if (ra->ra_verify)
		(void)fputs(" --verify", out);
	if (ra->ra_paranoid)
		(void)fputs(" --paranoid", out);
	if (ra->ra_salvage)
		(void)fputs(" --salvage", out);
	if (ra->ra_flush_both)
		(void)fputs(" --flush-both", out);
	if (ra->ra_events != NULL)
		command_option(out, "--events", ra->ra_events);
	(void)fprintf(out, " --seed %" PRIu64, op->op_seed);
	if (!ra->ra_no_db)
		command_option(out, "--db", op->op_db);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Do the run and tell of it. */
static int
run(const struct replay_args *ra, struct config *cf, struct db *db,
    const char *command)
{
	const struct options *op = &ra->ra_op;
	const struct engine_job job = {
		.ej_config = cf,
		.ej_trace = op->op_operands[0],
		.ej_dir = ra->ra_dir,
		.ej_files = ra->ra_files.fs_file,
		.ej_nfiles = ra->ra_files.fs_n,
		.ej_inject = ra->ra_inject.is_rule,
		.ej_ninject = ra->ra_inject.is_n,
		.ej_overwrite = ra->ra_overwrite,
		.ej_verify = ra->ra_verify,
		.ej_paranoid = ra->ra_paranoid,
		.ej_salvage = ra->ra_salvage,
		.ej_progress = ra->ra_progress ||
		    (!ra->ra_no_progress && !op->op_quiet &&
			isatty(STDERR_FILENO) == 1),
		.ej_history = ra->ra_history,
		.ej_db = db,
		.ej_command = command,
		.ej_seed = op->op_seed,
		.ej_flush_both = ra->ra_flush_both,
		.ej_events = ra->ra_events,
	};
	struct engine_report er;
	const char *path = db != NULL ? op->op_db : NULL;
	int status;

	status = engine_run(&job, &er);
	/* A run that never began has nothing to tell but why. */
	if (er.er_wall_ns != 0) {
		if (op->op_json) {
			const int printed = report_json(&job, &er, path);

			if (printed != UVN_OK)
				status = printed;
		} else if (!op->op_quiet)
			report_text(stdout, &job, &er, path);
	}
	if (er.er_bad_blocks > 0)
		(void)complain(UVN_OK,
		    "%s: left out %" PRIu64 " damaged blocks with %" PRIu64
		    " events",
		    job.ej_trace, er.er_bad_blocks, er.er_bad_events);
	if (!op->op_quiet) {
		report_window(job.ej_trace, er.er_window_pages);
		report_lost(job.ej_trace, er.er_lost);
		report_folded(job.ej_trace, er.er_folded);
	}
	if (er.er_phases_lost > 0 && !op->op_quiet)
		(void)complain(UVN_OK,
		    "--events: the first %zu phases have counts of their own; "
		    "%" PRIu64 " more are in those of the run alone",
		    er.er_phases, er.er_phases_lost);
	if (er.er_exit != UVN_OK)
		(void)complain(er.er_exit, "%s",
		    er.er_em.em_text[0] != '\0' ? er.er_em.em_text :
						  "the run failed");
	engine_report_fini(&er);
	return status;
}

static int
replay(const struct replay_args *ra)
{
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;
	char *command = NULL;
	struct config cf;
	int error, status;

	if ((status = check_files(ra)) != UVN_OK ||
	    (status = check_trace(ra->ra_op.op_operands[0])) != UVN_OK ||
	    (status = check_events(ra)) != UVN_OK)
		return status;
	/* Without --like the command line is judged before a file is made. */
	if (ra->ra_like == UINT64_MAX) {
		if ((status = configure(ra, NULL, &cf)) != UVN_OK)
			return status;
	} else if ((error = db_open(ra->ra_op.op_db, &db, &em)) != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	else if ((status = configure(ra, db, &cf)) != UVN_OK)
		goto out;

	status = UVN_ENVIRONMENT;
	if ((command = repeating_command(ra, &cf)) == NULL) {
		(void)complain(status, "out of memory");
		goto out;
	}
	if (config_resolve(&cf, &em) != 0) {
		status = complain(UVN_USAGE, "%s", em.em_text);
		goto out;
	}
	if (db == NULL && !ra->ra_no_db &&
	    (error = db_open(ra->ra_op.op_db, &db, &em)) != 0) {
		status = complain((int)exit_status(error), "%s", em.em_text);
		goto out;
	}
	status = run(ra, &cf, ra->ra_no_db ? NULL : db, command);
out:
	db_close(db);
	free(command);
	return status;
}

int
cmd_replay(int argc, char **argv)
{
	struct replay_args ra = { .ra_dir = "uvn-data", .ra_like = UINT64_MAX };
	const char *clock = getenv("UVN_CLOCK");
	int status = UVN_OK;

	ra.ra_files.fs_file =
	    calloc((size_t)argc + 1, sizeof(*ra.ra_files.fs_file));
	ra.ra_inject.is_rule =
	    calloc((size_t)argc + 1, sizeof(*ra.ra_inject.is_rule));
	if (ra.ra_files.fs_file == NULL || ra.ra_inject.is_rule == NULL) {
		free(ra.ra_files.fs_file);
		free(ra.ra_inject.is_rule);
		return complain(UVN_ENVIRONMENT, "out of memory");
	}
	if (read_args(&ra, argc, argv, &status)) {
		clock_init(clock != NULL && strcmp(clock, "monotonic") == 0);
		status = replay(&ra);
		options_fini(&ra.ra_op);
	}
	free(ra.ra_files.fs_file);
	free(ra.ra_inject.is_rule);
	return status;
}
