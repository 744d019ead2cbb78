#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "traces/record_child.h"
#include "traces/record_i.h"

#define POLL_MS                                                                \
	2 /* what a program without the library opens is asked of /proc */
#define FLUSH_NS 1000000000U /* a killed recorder loses no more than this */

const char *const record_mode_name[RECORD_NMODES] = {
#define RECORD_MODE(NAME, name, help) name,
	RECORD_MODES(RECORD_MODE)
#undef RECORD_MODE
};

const char *const record_mode_help[RECORD_NMODES] = {
#define RECORD_MODE(NAME, name, help) help,
	RECORD_MODES(RECORD_MODE)
#undef RECORD_MODE
};

/* What modes have to offer; record_check.c says whether they work here. */
static const struct recorder *const recorders[RECORD_NMODES] = {
	[RECORD_KERNEL] = &recorder_kernel,
	[RECORD_PRELOAD] = &recorder_preload,
	[RECORD_VALGRIND] = &recorder_valgrind,
};

uint64_t
record_clock(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

char *
record_spool_name(const char *to)
{
	char *name;

	if (asprintf(&name, "%s.recording",
		strcmp(to, "-") == 0 ? "uvn" : to) == -1)
		return NULL;
	return name;
}

/* The first mode that the host allows, or why the one asked for is not. */
static int
choose(const struct record_param *rp, struct record_done *rd, struct errmsg *em)
{
	char *why = rd->rd_why.em_text;

	if (rp->rp_mode != RECORD_AUTO) {
		rd->rd_mode = rp->rp_mode;
		return record_check(rp->rp_mode, NULL, em);
	}
	for (enum record_mode mode = 0; mode < RECORD_NMODES; mode++) {
		struct errmsg one = { .em_text = "" };

		rd->rd_mode = mode;
		if (record_check(mode, NULL, &one) == 0)
			return 0;
		for (const char *part[] = { *why != '\0' ? "; " : "",
			 record_mode_name[mode], ": ", one.em_text, NULL },
				**p = part;
		     *p != NULL; p++)
			(void)strncat(why, *p,
			    sizeof(rd->rd_why.em_text) - strlen(why) - 1);
	}
	return ERRMSG(em, EPERM, "no mode works here: %.400s", why);
}

/* A line of the preamble: what came before it has no newline in it. */
static void
put_line(FILE *fp, const char *name, const char *value)
{
	(void)fprintf(fp, "#%s ", name);
	for (; *value != '\0'; value++)
		(void)putc(*value == '\n' || *value == '\r' ? ' ' : *value, fp);
	(void)putc('\n', fp);
}

static void
put_command(FILE *fp, char *const *argv)
{
	(void)fputs("#command", fp);
	for (; *argv != NULL; argv++) {
		const bool plain = **argv != '\0' &&
		    strcspn(*argv, " \t\n\r'\"\\$`*?[]{}()<>|&;#~!") ==
			strlen(*argv);

		(void)putc(' ', fp);
		if (!plain)
			(void)putc('\'', fp);
		for (const char *p = *argv; *p != '\0'; p++) {
			if (*p == '\'')
				(void)fputs("'\\''", fp);
			else
				(void)putc(*p == '\n' || *p == '\r' ? ' ' : *p,
				    fp);
		}
		if (!plain)
			(void)putc('\'', fp);
	}
	(void)putc('\n', fp);
}

/* What the spool's head says, and the preamble after it. */
static char *
notes(const struct record_param *rp, const struct record_done *rd)
{
	const struct recorder *rc = recorders[rd->rd_mode];
	const time_t now = time(NULL);
	struct utsname un;
	struct tm tm;
	char date[64] = "", *text = NULL, *system = NULL;
	size_t len;
	FILE *fp = open_memstream(&text, &len);

	if (fp == NULL)
		return NULL;
	(void)fprintf(fp, "#recorder uvn %s\n#mode %s\n#clock %s\n",
	    rp->rp_version, record_mode_name[rd->rd_mode],
	    rc->rc_virtual ? "virtual" : "real");
	if (uname(&un) == 0 &&
	    asprintf(&system, "%s %s %s", un.sysname, un.release, un.machine) !=
		-1) {
		put_line(fp, "host", un.nodename);
		put_line(fp, "kernel", system);
		free(system);
	}
	if (gmtime_r(&now, &tm) != NULL &&
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		put_line(fp, "date", date);
	put_command(fp, rp->rp_argv);
	if (fclose(fp) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* What spool_head() has: mode and window for the assembler, then the notes. */
static char *
spool_text(const struct record_param *rp, const struct record_done *rd)
{
	char *lines = notes(rp, rd), *text = NULL;

	if (lines != NULL &&
	    asprintf(&text, "%s\n%" PRIu64 "\n%s",
		record_mode_name[rd->rd_mode], rp->rp_window, lines) == -1)
		text = NULL;
	free(lines);
	return text;
}

/* A recording under way. */
struct recording {
	const struct record_param *re_rp;
	struct record_done *re_rd;
	const struct recorder *re_rc;
	void *re_state; /* the recorder's */
	struct spool *re_spool;
	bool re_made; /* the spool's file is ours */
	struct child re_child;
	bool re_gone;  /* the program itself has ended */
	bool re_alone; /* all processes have */
	int re_told;   /* signals passed on */
};

/* Which children have ended; orphans of theirs are ours. */
static void
reap(struct recording *re)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		if (pid == re->re_child.ch_pid) {
			re->re_gone = true;
			re->re_rd->rd_status = status;
		}
	re->re_alone = pid == -1 && errno == ECHILD;
}

/* Signals to us go to the program, once; the second time is the last. */
static void
pass_signals(struct recording *re)
{
	const int n = *re->re_rp->rp_signals;

	if (n == 0)
		return;
	if (re->re_told == 0 && *re->re_rp->rp_signal != 0 && !re->re_gone)
		(void)kill(re->re_child.ch_pid, *re->re_rp->rp_signal);
	re->re_told = 1;
	re->re_rd->rd_killed = n > 1;
}

static int
drain_all(struct recording *re, struct errmsg *em)
{
	uint64_t flushed = record_clock();
	int error = 0;

	while (error == 0 && !re->re_alone && !re->re_rd->rd_killed) {
		uint64_t n = 0;

		re->re_rc->rc_wait(re->re_state, POLL_MS);
		reap(re);
		pass_signals(re);
		error = re->re_rc->rc_drain(re->re_state, re->re_spool, &n, em);
		re->re_rd->rd_records += n;
		if (error == 0 && record_clock() - flushed > FLUSH_NS) {
			error = spool_flush(re->re_spool, em);
			flushed = record_clock();
		}
	}
	return error;
}

/* The program runs, and its records go to the spool. */
static int
run(struct recording *re, struct errmsg *em)
{
	uint64_t begin, n = 0;
	int error;

	begin = record_clock();
	error = child_go(&re->re_child, re->re_rp->rp_argv[0], em);
	if (error != 0)
		return error;
	error = drain_all(re, em);
	re->re_rd->rd_ns = record_clock() - begin;
	re->re_rc->rc_stop(re->re_state);
	do {
		if (error == 0)
			error = re->re_rc->rc_drain(re->re_state, re->re_spool,
			    &n, em);
		re->re_rd->rd_records += n;
	} while (error == 0 && n > 0);
	return error != 0 ? error : spool_flush(re->re_spool, em);
}

static int
record_to(struct recording *re, const char *spool, struct errmsg *em)
{
	char *head = spool_text(re->re_rp, re->re_rd);
	int error;

	if (head == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	error = spool_create(spool, head, &re->re_spool, em);
	free(head);
	if (error != 0)
		return error;
	re->re_made = true;
	error = re->re_rc->rc_open(re->re_rp, &re->re_child, &re->re_state, em);
	if (error == 0) {
		error = run(re, em);
		re->re_rc->rc_close(re->re_state);
	}
	spool_close(re->re_spool);
	return error;
}

/* The spool stays: it may be made a trace another day. */
static int
left(const char *spool, int error, const struct errmsg *why, struct errmsg *em)
{
	return ERRMSG(em, error,
	    "%.300s; what was recorded is in %.150s: uvn record --salvage",
	    why->em_text, spool);
}

int
record_salvage(const char *spool, const struct record_param *rp,
    struct record_done *rd, struct errmsg *em)
{
	return record_finish(spool, rp, rd, em);
}

int
record_run(const struct record_param *rp, struct record_done *rd,
    struct errmsg *em)
{
	struct recording re = { .re_rp = rp, .re_rd = rd };
	struct errmsg why = { .em_text = "" };
	char *spool;
	int error = choose(rp, rd, em);

	if (error != 0)
		return error;
	re.re_rc = recorders[rd->rd_mode];
	spool = record_spool_name(rp->rp_to);
	if (spool == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	/* Whoever loses its parent becomes a child of ours, and is waited for. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	error = record_to(&re, spool, &why);
	if (error == 0 && !rd->rd_killed)
		error = record_finish(spool, rp, rd, &why);
	/* Another's spool, found there, is not ours to remove. */
	if (!re.re_made)
		(void)ERRMSG(em, error, "%s", why.em_text);
	else if (error != 0 && rd->rd_records > 0)
		error = left(spool, error, &why, em);
	else if (error != 0 || !rd->rd_killed) {
		(void)unlink(spool);
		(void)ERRMSG(em, error, "%s", why.em_text);
	}
	free(spool);
	return error;
}
