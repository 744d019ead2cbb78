#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "replay/cmd_trace.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"
#include "traces/record.h"

#define WINDOW_DEFAULT 256
#define WINDOW_MOST    (1U << 20)
#define PATTERNS_MAX   64

/* The command line, read. */
struct record_args {
	struct options ra_op;
	struct record_param ra_param;
	const char *ra_salvage;
	const char *ra_only[PATTERNS_MAX], *ra_except[PATTERNS_MAX];
	char *ra_name; /* the output's, if not given */
};

static volatile sig_atomic_t signals, signal_last;

/*
 * What a terminal sends, it sends to the program, too; what a process sends to
 * us is to be passed on.
 */
static void
on_signal(int sig, siginfo_t *si, void *context)
{
	(void)context;
	if (signals < 2)
		signals = signals + 1;
	if (si->si_code != SI_KERNEL)
		signal_last = sig;
}

static int
take_mode(void *dest, const char *value, struct errmsg *em)
{
	enum record_mode *mode = dest;
	const char *names[RECORD_NMODES + 1];
	const char *near;

	for (unsigned i = 0; i < RECORD_NMODES; i++) {
		names[i] = record_mode_name[i];
		if (strcmp(value, names[i]) == 0) {
			*mode = (enum record_mode)i;
			return 0;
		}
	}
	names[RECORD_NMODES] = "auto";
	*mode = RECORD_AUTO;
	if (strcmp(value, "auto") == 0)
		return 0;
	near = nearest_word(value, names, nitems(names));
	if (near != NULL)
		return ERRMSG(em, EINVAL,
		    "unknown mode '%.40s'; did you mean '%s'?", value, near);
	return ERRMSG(em, EINVAL,
	    "unknown mode '%.40s'; it is auto, kernel, preload or valgrind",
	    value);
}

static int
take_window(void *dest, const char *value, struct errmsg *em)
{
	uint64_t *window = dest;

	if (strcmp(value, "inf") == 0) {
		*window = RECORD_INF;
		return 0;
	}
	if (parse_uint(value, window) != 0 || *window == 0 ||
	    *window > WINDOW_MOST)
		return ERRMSG(em, EINVAL,
		    "'%.40s' is no window: pages from 1 to %u, or inf", value,
		    WINDOW_MOST);
	return 0;
}

static int
add_pattern(const char **patterns, size_t *np, const char *value,
    struct errmsg *em)
{
	if (*np == PATTERNS_MAX)
		return ERRMSG(em, EINVAL, "more than %d patterns",
		    PATTERNS_MAX);
	patterns[(*np)++] = value;
	return 0;
}

static int
take_only(void *dest, const char *value, struct errmsg *em)
{
	struct record_args *ra = dest;

	return add_pattern(ra->ra_only, &ra->ra_param.rp_select.rs_nonly, value,
	    em);
}

static int
take_except(void *dest, const char *value, struct errmsg *em)
{
	struct record_args *ra = dest;

	return add_pattern(ra->ra_except, &ra->ra_param.rp_select.rs_nexcept,
	    value, em);
}

static bool
read_args(struct record_args *ra, int argc, char **argv, int *statusp)
{
	struct record_param *rp = &ra->ra_param;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "the trace: .uvt, .csv or .csv.zst (NAME.uvt, after the "
		    "program)",
		    &rp->rp_to, NULL },
		{ "mode", '\0', OPTION_CALL, "MODE",
		    "auto, kernel, preload or valgrind (auto: the first that "
		    "the host allows)",
		    &rp->rp_mode, take_mode },
		{ "window", '\0', OPTION_CALL, "PAGES",
		    "re-references within so many pages are not seen; inf: "
		    "first touches only (256)",
		    &rp->rp_window, take_window },
		{ "only", '\0', OPTION_CALL, "PATTERN",
		    "record files whose path or name matches; repeatable", ra,
		    take_only },
		{ "except", '\0', OPTION_CALL, "PATTERN",
		    "leave out files whose path or name matches; repeatable",
		    ra, take_except },
		{ "code", '\0', OPTION_FLAG, NULL,
		    "record programs, libraries, and what the C library maps "
		    "for itself, too",
		    &rp->rp_select.rs_code, NULL },
		{ "unmapped", '\0', OPTION_FLAG, NULL,
		    "record files that were read and written, but never "
		    "mapped, too",
		    &rp->rp_select.rs_unmapped, NULL },
		{ "base-names", '\0', OPTION_FLAG, NULL,
		    "keep the last part of each path only", &rp->rp_base_names,
		    NULL },
		{ "salvage", '\0', OPTION_TEXT, "FILE",
		    "record nothing: make a trace of what a killed recorder "
		    "left",
		    &ra->ra_salvage, NULL },
	};
	const struct command_line cl = {
		.cl_command = "record",
		.cl_operands = "-- COMMAND [ARGUMENT ...]",
		.cl_help = "Run a program and record what it does with mapped "
			   "files: accesses to their pages, msync, fsync, "
			   "truncate, mmap, munmap and their kin, of all its "
			   "processes and threads.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 0,
		.cl_max = SIZE_MAX,
		.cl_program = true,
	};

	return options_parse(&cl, argc, argv, &ra->ra_op, statusp);
}

/* NAME.uvt for /usr/bin/NAME. */
static int
output_name(struct record_args *ra)
{
	const char *program =
	    ra->ra_salvage != NULL ? ra->ra_salvage : ra->ra_op.op_operands[0];
	const char *slash = strrchr(program, '/');

	if (asprintf(&ra->ra_name, "%s.uvt",
		slash != NULL ? slash + 1 : program) == -1) {
		ra->ra_name = NULL;
		return complain(UVN_ENVIRONMENT, "out of memory");
	}
	ra->ra_param.rp_to = ra->ra_name;
	return UVN_OK;
}

static int
check_args(struct record_args *ra)
{
	struct record_param *rp = &ra->ra_param;
	int status = UVN_OK;

	if (ra->ra_salvage == NULL && ra->ra_op.op_noperands == 0)
		return complain(UVN_USAGE,
		    "what is to be recorded? uvn record -o FILE.uvt -- "
		    "COMMAND");
	if (ra->ra_salvage != NULL && ra->ra_op.op_noperands > 0)
		return complain(UVN_USAGE,
		    "--salvage runs no program: leave out '%.60s'",
		    ra->ra_op.op_operands[0]);
	if (rp->rp_to == NULL)
		status = output_name(ra);
	if (status == UVN_OK)
		status = output_form(rp->rp_to, &rp->rp_form);
	return status;
}

static void
print_end(int status)
{
	if (WIFSIGNALED(status))
		(void)fprintf(stderr, "program      killed by signal %d (%s)\n",
		    WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
	else
		(void)fprintf(stderr, "program      exit status %d\n",
		    WEXITSTATUS(status));
}

/* To standard error: standard output is the program's. */
static void
print_text(const struct record_args *ra, const struct record_done *rd)
{
	(void)fprintf(stderr, "trace        %s\n", ra->ra_param.rp_to);
	(void)fprintf(stderr, "mode         %s\n",
	    record_mode_name[rd->rd_mode]);
	if (ra->ra_salvage == NULL) {
		print_end(rd->rd_status);
		(void)fprintf(stderr, "time         %.6f s\n",
		    (double)rd->rd_ns * 1e-9);
	}
	(void)fprintf(stderr, "records      %" PRIu64 "\n", rd->rd_records);
	(void)fprintf(stderr, "events       %" PRIu64 " of %" PRIu64 " files\n",
	    rd->rd_report.rr_events, rd->rd_report.rr_files);
	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		if (rd->rd_report.rr_count[i] != 0)
			(void)fprintf(stderr, "%-12s %" PRIu64 " %s\n",
			    record_count_name[i], rd->rd_report.rr_count[i],
			    record_count_help[i]);
}

static int
print_json(const struct record_args *ra, const struct record_done *rd)
{
	json_t *counts = json_object();
	json_t *top = json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:o}", "trace",
	    json_text(ra->ra_param.rp_to), "mode",
	    record_mode_name[rd->rd_mode], "duration_ns", (json_int_t)rd->rd_ns,
	    "records", (json_int_t)rd->rd_records, "events",
	    (json_int_t)rd->rd_report.rr_events, "files",
	    (json_int_t)rd->rd_report.rr_files, "unseen", counts);

	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		(void)json_object_set_new(counts, record_count_name[i],
		    json_integer((json_int_t)rd->rd_report.rr_count[i]));
	if (ra->ra_salvage == NULL)
		(void)json_object_set_new(top,
		    WIFSIGNALED(rd->rd_status) ? "signal" : "exit",
		    json_integer(WIFSIGNALED(rd->rd_status) ?
			    WTERMSIG(rd->rd_status) :
			    WEXITSTATUS(rd->rd_status)));
	return json_emit(top);
}

static int
report(const struct record_args *ra, const struct record_done *rd)
{
	const struct record_report *rr = &rd->rd_report;

	if (rd->rd_killed) {
		char *spool = record_spool_name(ra->ra_param.rp_to);
		const int status = complain(UVN_FAILED,
		    "stopped by a second signal: no trace yet; uvn record "
		    "--salvage %s makes one",
		    spool != NULL ? spool : "FILE");

		free(spool);
		return status;
	}
	if (rd->rd_why.em_text[0] != '\0' && !ra->ra_op.op_quiet)
		(void)complain(UVN_OK, "mode %s, since %s",
		    record_mode_name[rd->rd_mode], rd->rd_why.em_text);
	if (rr->rr_count[RECORD_LOST] != 0)
		(void)complain(UVN_OK,
		    "%" PRIu64 " records were lost: the trace has gaps",
		    rr->rr_count[RECORD_LOST]);
	if (rr->rr_events == 0)
		(void)complain(UVN_OK,
		    "no file was mapped that could be recorded: see --code, "
		    "--unmapped, --only and --except");
	if (ra->ra_op.op_json)
		return print_json(ra, rd);
	if (!ra->ra_op.op_quiet)
		print_text(ra, rd);
	return UVN_OK;
}

/* Bad input is the spool; all else is a matter of the host. */
static int
failed(const struct record_args *ra, int error, const struct errmsg *em)
{
	const bool input = ra->ra_salvage != NULL &&
	    (error == EINVAL || error == EILSEQ || error == ENOENT);

	return complain(input ? UVN_INPUT : UVN_ENVIRONMENT, "%s", em->em_text);
}

static int
record(struct record_args *ra)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART };
	struct record_done rd = { .rd_status = 0 };
	struct errmsg em = { .em_text = "" };
	int error = trace_may_replace(ra->ra_param.rp_to, &em);

	if (error != 0)
		return complain(output_status(error), "%s", em.em_text);
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	if (ra->ra_salvage != NULL)
		error = record_salvage(ra->ra_salvage, &ra->ra_param, &rd, &em);
	else
		error = record_run(&ra->ra_param, &rd, &em);
	return error != 0 ? failed(ra, error, &em) : report(ra, &rd);
}

int
cmd_record(int argc, char **argv)
{
	struct record_args ra = {
		.ra_param = {
			.rp_mode = RECORD_AUTO,
			.rp_window = WINDOW_DEFAULT,
			.rp_form = TRACE_UVT,
			.rp_version = UVN_VERSION,
			.rp_signals = &signals,
			.rp_signal = &signal_last,
		},
	};
	int status;

	ra.ra_param.rp_select.rs_only = ra.ra_only;
	ra.ra_param.rp_select.rs_except = ra.ra_except;
	if (!read_args(&ra, argc, argv, &status))
		return status;
	/* Operands are argv's last, and NULL-ended there. */
	ra.ra_param.rp_argv = argv + (argc - (int)ra.ra_op.op_noperands);
	status = check_args(&ra);
	/* Standard output is for one of the two. */
	ra.ra_param.rp_to_stderr = ra.ra_op.op_json ||
	    (ra.ra_param.rp_to != NULL && strcmp(ra.ra_param.rp_to, "-") == 0);
	if (status == UVN_OK)
		status = record(&ra);
	free(ra.ra_name);
	options_fini(&ra.ra_op);
	return status;
}
