#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "replay/calibrate.h"
#include "replay/clock.h"
#include "replay/command_text.h"
#include "replay/host.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"

#define NO_CORE UINT64_MAX

/* What a page takes in all the machines that are there at one time. */
#define BYTES_PER_PAGE 512

/* Of the largest cache, where the host does not tell. */
#define CACHE_BYTES (32U << 20)

/* Large objects get fewer samples, of which each is the mean of many steps. */
#define PATIENCE_NS 1500000000U

struct calibrate_args {
	struct options ca_op;
	struct calibration ca_cal;
	uint64_t ca_core;
	bool ca_patient; /* --repeat was given */
	bool ca_quick, ca_no_db, ca_progress, ca_no_progress, ca_no_cold;
};

static bool
read_args(struct calibrate_args *ca, int argc, char **argv, int *statusp)
{
	const struct option_row rows[] = {
		{ "min", '\0', OPTION_COUNT, "PAGES",
		    "smallest object, in resident pages (64)",
		    &ca->ca_cal.ca_min, NULL },
		{ "max", '\0', OPTION_COUNT, "PAGES",
		    "largest object (1M, or what memory holds)",
		    &ca->ca_cal.ca_max, NULL },
		{ "step", '\0', OPTION_COUNT, "FACTOR",
		    "from one size to the next (4)", &ca->ca_cal.ca_step,
		    NULL },
		{ "repeat", '\0', OPTION_COUNT, "N",
		    "samples of each cost (15; of large objects 7 or more)",
		    &ca->ca_cal.ca_repeats, NULL },
		{ "core", '\0', OPTION_COUNT, "N",
		    "processor to stay on (the last one)", &ca->ca_core, NULL },
		{ "no-cold", '\0', OPTION_FLAG, NULL,
		    "measure with warm caches only", &ca->ca_no_cold, NULL },
		{ "quick", '\0', OPTION_FLAG, NULL,
		    "a look: up to 64K pages, 5 samples, warm caches",
		    &ca->ca_quick, NULL },
		{ "no-db", '\0', OPTION_FLAG, NULL, "store nothing",
		    &ca->ca_no_db, NULL },
		{ "progress", '\0', OPTION_FLAG, NULL,
		    "show progress on standard error (if it is a terminal)",
		    &ca->ca_progress, NULL },
		{ "no-progress", '\0', OPTION_FLAG, NULL, "show no progress",
		    &ca->ca_no_progress, NULL },
	};
	const struct command_line cl = {
		.cl_command = "calibrate",
		.cl_operands = "",
		.cl_help = "Measure what a step along an object's page list "
			   "and a lookup in the page hash cost on this host, "
			   "in the pager's own structures, and which hash "
			   "penalty follows.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_common = OPTIONS_DB | OPTIONS_SEED,
	};

	return options_parse(&cl, argc, argv, &ca->ca_op, statusp);
}

/* Defaults, and what cannot be. */
static int
settle(struct calibrate_args *ca)
{
	struct calibration *const cal = &ca->ca_cal;
	const uint64_t room = host_free_memory() / BYTES_PER_PAGE;

	cal->ca_seed = ca->ca_op.op_seed;
	cal->ca_cold = !ca->ca_no_cold && !ca->ca_quick;
	cal->ca_sample_ns = ca->ca_quick ? 200000 : 500000;
	if (cal->ca_min == 0)
		cal->ca_min = 64;
	if (cal->ca_step == 0)
		cal->ca_step = 4;
	cal->ca_patience_ns = UINT64_MAX;
	ca->ca_patient = cal->ca_repeats != 0;
	if (!ca->ca_patient) {
		cal->ca_repeats = ca->ca_quick ? 5 : 15;
		cal->ca_patience_ns = PATIENCE_NS;
	}
	if (cal->ca_max == 0) {
		cal->ca_max = ca->ca_quick ? 1 << 16 : 1 << 20;
		if (cal->ca_max > room)
			cal->ca_max = room;
		if (cal->ca_max < cal->ca_min)
			cal->ca_max = cal->ca_min;
	}
	if (cal->ca_min < 16 || cal->ca_max < cal->ca_min)
		return complain(UVN_USAGE,
		    "--min %" PRIu64 " --max %" PRIu64
		    ": sizes are 16 pages or more, and the largest is not "
		    "below the smallest",
		    cal->ca_min, cal->ca_max);
	if (cal->ca_max > room)
		return complain(UVN_ENVIRONMENT,
		    "--max %" PRIu64 ": memory is free for objects of about "
		    "%" PRIu64 " pages",
		    cal->ca_max, room);
	if (cal->ca_step < 2)
		return complain(UVN_USAGE, "--step: at least 2");
	return UVN_OK;
}

/* Stay on one processor. */
static int
pin(struct calibrate_args *ca)
{
	cpu_set_t set;
	int core = -1;

	ca->ca_cal.ca_core = -1;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return UVN_OK;
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) &&
		    (ca->ca_core == NO_CORE || i == ca->ca_core))
			core = (int)i;
	if (core < 0)
		return complain(UVN_USAGE,
		    "--core %" PRIu64 ": this process may not run there",
		    ca->ca_core);
	CPU_ZERO(&set);
	CPU_SET((unsigned)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		ca->ca_cal.ca_core = core;
	else if (!ca->ca_op.op_quiet)
		(void)complain(UVN_OK, "cannot stay on processor %d: %s", core,
		    errno_text(errno));
	return UVN_OK;
}

/* The command line that repeats it; NULL without memory. */
static char *
repeating_command(const struct calibrate_args *ca)
{
	const struct calibration *const cal = &ca->ca_cal;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	(void)fprintf(out,
	    "uvn calibrate --min %" PRIu64 " --max %" PRIu64 " --step %" PRIu64,
	    cal->ca_min, cal->ca_max, cal->ca_step);
	if (ca->ca_patient)
		(void)fprintf(out, " --repeat %" PRIu64, cal->ca_repeats);
	if (cal->ca_core >= 0)
		(void)fprintf(out, " --core %d", cal->ca_core);
	if (ca->ca_quick)
		(void)fputs(" --quick", out);
	else if (!cal->ca_cold)
		(void)fputs(" --no-cold", out);
	(void)fprintf(out, " --seed %" PRIu64, cal->ca_seed);
	command_option(out, "--db", ca->ca_op.op_db);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void
print_advice(const struct calibration *ca)
{
	char text[32];
	double mean, off;

	(void)putchar('\n');
	for (uint64_t pages = ca->ca_min; pages <= ca->ca_max;
	     pages *= ca->ca_step) {
		const struct cal_row *const cr =
		    cal_recommend(ca, pages, text, sizeof(text));

		if (cr != NULL)
			(void)printf("objects of %" PRIu64
				     " pages: --hash_penalty %s  (%.3f, 95 %%: "
				     "%.3f..%.3f; 1998 guessed 4)\n",
			    pages, text, cr->cr_break_even.cv_median,
			    cr->cr_break_even.cv_low,
			    cr->cr_break_even.cv_high);
	}
	if (cal_overall(ca, text, sizeof(text), &mean, &off))
		(void)printf("one for all of these: --hash_penalty %s  (%.3f; "
			     "the farthest differs by a factor of %.2f)\n",
		    text, mean, off);
}

static void
print_table(const struct calibration *ca)
{
	size_t unsteady = 0;

	(void)printf("%9s  %-8s  %-7s  %-6s  %20s  %20s  %22s\n", "pages",
	    "frames", "present", "caches", "list step ns", "lookup ns",
	    "break-even penalty");
	for (size_t i = 0; i < ca->ca_n; i++) {
		const struct cal_row *const cr = &ca->ca_row[i];

		(void)printf("%9" PRIu64 "  %-8s  %-7s  %-6s  "
			     "%6.2f (%.2f..%.2f)  %6.2f (%.2f..%.2f)  "
			     "%6.3f (%.3f..%.3f)%s\n",
		    cr->cr_pages, cal_frames_name[cr->cr_frames],
		    cal_present_name[cr->cr_present],
		    cr->cr_cold ? "cold" : "warm", cr->cr_list.cv_median,
		    cr->cr_list.cv_low, cr->cr_list.cv_high,
		    cr->cr_lookup.cv_median, cr->cr_lookup.cv_low,
		    cr->cr_lookup.cv_high, cr->cr_break_even.cv_median,
		    cr->cr_break_even.cv_low, cr->cr_break_even.cv_high,
		    cal_unsteady(cr) ? " !" : "");
		unsteady += cal_unsteady(cr);
	}
	if (unsteady != 0)
		(void)printf("! the interval is wider than half the "
			     "break-even: %zu of %zu rows; a quieter host or "
			     "a larger --repeat narrows it\n",
		    unsteady, ca->ca_n);
	if (ca->ca_disturbed != 0)
		(void)printf("%" PRIu64 " samples were taken again, as others "
			     "took the processor meanwhile\n",
		    ca->ca_disturbed);
	print_advice(ca);
}

static json_t *
json_value(const struct cal_value *cv)
{
	return json_pack("{s:f, s:f, s:f}", "median", cv->cv_median, "low",
	    cv->cv_low, "high", cv->cv_high);
}

static json_t *
json_rows(const struct calibration *cal)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < cal->ca_n; i++) {
		const struct cal_row *const cr = &cal->ca_row[i];

		(void)json_array_append_new(rows,
		    json_pack("{s:I, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:b}",
			"pages", (json_int_t)cr->cr_pages, "frames",
			cal_frames_name[cr->cr_frames], "present",
			cal_present_name[cr->cr_present], "caches",
			cr->cr_cold ? "cold" : "warm", "repeats",
			(json_int_t)cr->cr_repeats, "list_ns",
			json_value(&cr->cr_list), "lookup_ns",
			json_value(&cr->cr_lookup), "break_even",
			json_value(&cr->cr_break_even), "unsteady",
			(int)cal_unsteady(cr)));
	}
	return rows;
}

static json_t *
json_advice(const struct calibration *cal)
{
	json_t *advice = json_array();

	for (uint64_t pages = cal->ca_min; pages <= cal->ca_max;
	     pages *= cal->ca_step) {
		char text[32];
		const struct cal_row *const cr =
		    cal_recommend(cal, pages, text, sizeof(text));

		if (cr != NULL)
			(void)json_array_append_new(advice,
			    json_pack("{s:I, s:s, s:o}", "pages",
				(json_int_t)pages, "hash_penalty", text,
				"break_even", json_value(&cr->cr_break_even)));
	}
	return advice;
}

static json_t *
json_overall(const struct calibration *cal)
{
	char text[32];
	double mean, off;

	if (!cal_overall(cal, text, sizeof(text), &mean, &off))
		return json_null();
	return json_pack("{s:s, s:f, s:f}", "hash_penalty", text, "break_even",
	    mean, "farthest", off);
}

static int
print_json(const struct calibrate_args *ca, int64_t session,
    const char *command)
{
	const struct calibration *const cal = &ca->ca_cal;
	json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:b, "
				 "s:I, s:o, s:o, s:o}",
	    "version", UVN_VERSION, "session",
	    session != 0 ? json_integer(session) : json_null(), "db",
	    json_text(session != 0 ? ca->ca_op.op_db : NULL), "core",
	    cal->ca_core >= 0 ? json_integer(cal->ca_core) : json_null(),
	    "cache_bytes", (json_int_t)cal->ca_cache, "seed",
	    (json_int_t)cal->ca_seed, "command", json_text(command),
	    "interrupted", (int)cal->ca_interrupted, "disturbed",
	    (json_int_t)cal->ca_disturbed, "rows", json_rows(cal),
	    "recommended", json_advice(cal), "overall", json_overall(cal));

	return json_emit(root);
}

static int
store(const struct calibrate_args *ca, struct db *db, const char *command,
    int64_t *sessionp)
{
	struct errmsg em = { .em_text = "" };
	int error;

	if (db == NULL || ca->ca_cal.ca_n == 0)
		return UVN_OK;
	error = db_calibration_put(db, &ca->ca_cal, command, sessionp, &em);
	if (error != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	return UVN_OK;
}

static int
run(struct calibrate_args *ca)
{
	struct calibration *const cal = &ca->ca_cal;
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;
	char *command = NULL;
	int64_t session = 0;
	int error, status;

	if ((status = settle(ca)) != UVN_OK || (status = pin(ca)) != UVN_OK)
		return status;
	cal->ca_cache =
	    host_cache(cal->ca_core >= 0 ? (unsigned)cal->ca_core : 0);
	if (cal->ca_cache == 0)
		cal->ca_cache = CACHE_BYTES;
	cal->ca_progress = ca->ca_progress ||
	    (!ca->ca_no_progress && !ca->ca_op.op_quiet &&
		isatty(STDERR_FILENO) == 1);
	if ((command = repeating_command(ca)) == NULL)
		return complain(UVN_ENVIRONMENT, "out of memory");
	/* What cannot be stored is better known before than after. */
	if (!ca->ca_no_db && (error = db_open(ca->ca_op.op_db, &db, &em)) != 0)
		status = complain((int)exit_status(error), "%s", em.em_text);
	else if (calibrate(cal, &em) != 0)
		status = complain(UVN_ENVIRONMENT, "%s", em.em_text);
	else if ((status = store(ca, db, command, &session)) == UVN_OK) {
		if (ca->ca_op.op_json)
			status = print_json(ca, session, command);
		else if (!ca->ca_op.op_quiet)
			print_table(cal);
		if (status == UVN_OK && cal->ca_interrupted)
			status = complain(UVN_FAILED,
			    "interrupted after %zu rows", cal->ca_n);
	}
	db_close(db);
	free(command);
	return status;
}

int
cmd_calibrate(int argc, char **argv)
{
	struct calibrate_args ca = { .ca_core = NO_CORE };
	const char *clock = getenv("UVN_CLOCK");
	int status = UVN_OK;

	if (read_args(&ca, argc, argv, &status)) {
		clock_init(clock != NULL && strcmp(clock, "monotonic") == 0);
		status = run(&ca);
		options_fini(&ca.ca_op);
	}
	free(ca.ca_cal.ca_row);
	return status;
}
