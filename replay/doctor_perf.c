/*
 * doctor_perf.c: what of processor and kernel can be counted here.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "replay/doctor.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/perf.h"
#include "replay/replay.h"

/* Of perf's generic events those that most processors have. */
#define GENERIC                                                                \
	"cycles,instructions,cache-references,cache-misses,branches,"          \
	"branch-misses,ref-cycles,LLC-loads,LLC-load-misses,"                  \
	"L1-dcache-load-misses,dTLB-load-misses"

/* Found missing for this reason, whose remedy follows a semicolon. */
static void
lacking(struct finding *fi, const char *what, const char *reason)
{
	const char *const semicolon = strstr(reason, "; ");
	const size_t len =
	    semicolon != NULL ? (size_t)(semicolon - reason) : strlen(reason);

	found(fi, false, semicolon != NULL ? semicolon + 2 : "", "%s%.*s", what,
	    (int)len, reason);
}

/* Does the event count while something is done?  All are enabled. */
static bool
moves(struct perf_set *ps, size_t i)
{
	struct perf_reading before, after;

	if (!perf_read(ps, i, &before))
		return false;
	for (volatile unsigned k = 0; k < 100000; k = k + 1)
		continue;
	return perf_read(ps, i, &after) && after.pr_value > before.pr_value;
}

/* The names of the events that are not counted, as far as buf has room. */
static size_t
lacking_names(const struct perf_set *ps, char *buf, size_t size)
{
	size_t i, len = 0, n = 0;

	*buf = '\0';
	for (i = 0; i < perf_count(ps); i++) {
		const char *const name = perf_name(ps, i);

		if (perf_reason(ps, i) == NULL)
			continue;
		n++;
		if (len + strlen(name) + 2 > size)
			continue;
		if (len != 0)
			buf[len++] = ' ';
		(void)memcpy(&buf[len], name, strlen(name) + 1);
		len += strlen(name);
	}
	return n;
}

void
check_pmu(const char *dir, struct finding *fi)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps;
	char names[160];
	size_t lack;

	(void)dir;
	if (perf_open(GENERIC, &ps, &em) != 0) {
		found(fi, false, "", "%s", em.em_text);
		return;
	}
	perf_enable(ps);
	lack = lacking_names(ps, names, sizeof(names));
	if (perf_reason(ps, 0) != NULL)
		lacking(fi, "", perf_reason(ps, 0));
	else if (!moves(ps, 0))
		found(fi, false,
		    "run on bare metal, or a virtual machine with a PMU",
		    "cycles can be opened, but stand still");
	else
		found(fi, true, "", "%zu of %zu generic events%s%s",
		    perf_count(ps) - lack, perf_count(ps),
		    lack != 0 ? "; without " : "", names);
	perf_close(ps);
}

void
check_perf(const char *dir, struct finding *fi)
{
	struct errmsg em = { .em_text = "" };
	const long paranoid = perf_paranoid();
	struct perf_set *ps;
	char level[64] = "";

	(void)dir;
	if (perf_open("task-clock,page-faults,context-switches", &ps, &em) !=
	    0) {
		found(fi, false, "", "%s", em.em_text);
		return;
	}
	if (paranoid != LONG_MIN)
		(void)snprintf(level, sizeof(level),
		    "; kernel.perf_event_paranoid is %ld", paranoid);
	perf_enable(ps);
	if (perf_reason(ps, 0) != NULL)
		lacking(fi, "software events: ", perf_reason(ps, 0));
	else if (!moves(ps, 0))
		found(fi, false, "",
		    "task-clock can be opened, but stands still");
	else if (perf_reason(ps, 2) != NULL)
		lacking(fi, "in user mode only: ", perf_reason(ps, 2));
	else
		found(fi, true, "",
		    "software events, in user mode and kernel%s", level);
	perf_close(ps);
}

void
check_rdpmc(const char *dir, struct finding *fi)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps;

	(void)dir;
	if (perf_open("cycles", &ps, &em) != 0) {
		found(fi, false, "", "%s", em.em_text);
		return;
	}
	perf_enable(ps);
	if (perf_reason(ps, 0) != NULL)
		found(fi, false, "", "there is no hardware counter to read");
	else if (perf_by_rdpmc(ps, 0))
		found(fi, true, "",
		    "hardware counters are read without a system call");
	else if (perf_rdpmc_setting() == 0)
		found(fi, false,
		    "echo 1 >/sys/bus/event_source/devices/cpu/rdpmc",
		    "not allowed: each reading is a system call");
	else
		found(fi, false, "",
		    "this kernel offers none: each reading is a system call");
	perf_close(ps);
}

void
check_libpfm(const char *dir, struct finding *fi)
{
	struct perf_model pm;

	(void)dir;
	perf_model(&pm);
	if (*pm.pm_name != '\0')
		found(fi, true, "",
		    "this processor is %s to it (%s, %d events)", pm.pm_name,
		    pm.pm_text, pm.pm_events);
	else
		found(fi, false, "a newer libpfm4",
		    "does not know this processor; names of perf alone");
}

/* ---- the list of events ---- */

/* Reasons that were met: few, for they depend on kinds of event. */
#define REASONS 16

struct listing {
	json_t *ls_array; /* NULL: text */
	char ls_reason[REASONS][256];
	size_t ls_n;
	bool ls_tried;	    /* a tracepoint */
	char ls_point[256]; /* why it cannot be counted, or "" */
};

static void
remember(struct listing *ls, const char *reason)
{
	size_t i;

	for (i = 0; i < ls->ls_n; i++)
		if (strcmp(ls->ls_reason[i], reason) == 0)
			return;
	if (ls->ls_n < REASONS)
		(void)snprintf(ls->ls_reason[ls->ls_n++],
		    sizeof(ls->ls_reason[0]), "%s", reason);
}

/* Is it a tracepoint, SYSTEM:EVENT? */
static bool
is_tracepoint(const struct perf_known *pk)
{

	/* A processor's EVENT:MASK has its own pmu. */
	return strcmp(pk->pk_pmu, "perf") == 0 &&
	    strchr(pk->pk_name, ':') != NULL;
}

/*
 * Why an event cannot be counted, NULL if it can.
 *
 * => may point into *em or *psp, which the caller closes
 */
static const char *
try_event(struct listing *ls, const struct perf_known *pk,
    struct perf_set **psp, struct errmsg *em)
{
	const bool point = is_tracepoint(pk);
	const char *reason;

	/*
	 * One stands for all: the kernel takes some 40 ms to open one and
	 * close it again, and has thousands.
	 */
	if (point && ls->ls_tried)
		return ls->ls_point[0] != '\0' ? ls->ls_point : NULL;
	reason = perf_open(pk->pk_name, psp, em) == 0 ? perf_reason(*psp, 0) :
							em->em_text;
	if (point) {
		ls->ls_tried = true;
		(void)snprintf(ls->ls_point, sizeof(ls->ls_point), "%s",
		    reason != NULL ? reason : "");
	}
	return reason;
}

static void
list_event(void *arg, const struct perf_known *pk)
{
	struct listing *const ls = arg;
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps = NULL;
	const char *reason;

	/* The others are what perf(1) calls the same. */
	if (strncmp(pk->pk_name, "PERF_COUNT_", 11) == 0)
		return;
	reason = try_event(ls, pk, &ps, &em);
	if (ls->ls_array != NULL)
		(void)json_array_append_new(ls->ls_array,
		    json_pack("{s:s, s:s, s:s, s:b, s:s?}", "name", pk->pk_name,
			"pmu", pk->pk_pmu, "text", pk->pk_text, "ok",
			(int)(reason == NULL), "reason", reason));
	else {
		const bool generic =
		    strncmp(pk->pk_text, "PERF_COUNT_", 11) == 0;

		(void)printf("%-9s %s%s%s\n", reason == NULL ? "ok" : "missing",
		    pk->pk_name, generic ? "" : ": ",
		    generic ? "" : pk->pk_text);
		if (reason != NULL)
			remember(ls, reason);
	}
	if (ps != NULL)
		perf_close(ps);
}

static int
json_listing(json_t *array)
{
	return json_emit(
	    json_pack("{s:s, s:o}", "version", UVN_VERSION, "events", array));
}

int
doctor_events(bool json)
{
	struct listing ls = { .ls_array = json ? json_array() : NULL };

	if (!perf_each(list_event, &ls)) {
		json_decref(ls.ls_array);
		return complain(UVN_ENVIRONMENT,
		    "libpfm4 knows no event on this host");
	}
	if (json)
		return json_listing(ls.ls_array);
	for (size_t i = 0; i < ls.ls_n; i++) {
		(void)printf("%s%-9s ", i == 0 ? "\n" : "", "missing:");
		print_wrapped(stdout, ls.ls_reason[i], 10);
	}
	return UVN_OK;
}
