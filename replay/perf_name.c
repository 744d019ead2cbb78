/*
 * perf_name.c: names of events, by libpfm4.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Brings its own linux/perf_event.h; the system's clashes with it. */
#include <perfmon/pfmlib_perf_event.h>

#include "base/tunable.h"
#include "replay/perf_impl.h"

#define NAME_LEN  96
#define TEXT_LEN  256
#define KNOWN_MAX 8192 /* names to find the nearest among */

/* libpfm4 looks at the processor once in the life of a process. */
static bool
pfm_ready(void)
{
	static int ready = -1;

	if (ready == -1)
		ready = pfm_initialize() == PFM_SUCCESS;
	return ready == 1;
}

static bool
pmu_info(int i, pfm_pmu_info_t *pi)
{

	(void)memset(pi, 0, sizeof(*pi));
	pi->size = sizeof(*pi);
	return pfm_get_pmu_info((pfm_pmu_t)i, pi) == PFM_SUCCESS &&
	    pi->nevents != 0;
}

static bool
event_info(int idx, pfm_event_info_t *ei)
{

	(void)memset(ei, 0, sizeof(*ei));
	ei->size = sizeof(*ei);
	return pfm_get_event_info(idx, PFM_OS_PERF_EVENT_EXT, ei) ==
	    PFM_SUCCESS;
}

/* PMU::EVENT:MODIFIER..., taken apart; PMU may be empty. */
struct parts {
	char pa_pmu[NAME_LEN];
	char pa_event[NAME_LEN];
};

/* The first len letters of text, or as many as buf has room for. */
static void
copy_part(char buf[NAME_LEN], const char *text, size_t len)
{

	if (len > NAME_LEN - 1)
		len = NAME_LEN - 1;
	(void)memcpy(buf, text, len);
	buf[len] = '\0';
}

static void
take_apart(const char *name, struct parts *pa)
{
	const char *const colons = strstr(name, "::");
	const char *const event = colons != NULL ? colons + 2 : name;

	copy_part(pa->pa_pmu, name,
	    colons != NULL ? (size_t)(colons - name) : 0);
	copy_part(pa->pa_event, event, strcspn(event, ":"));
}

/*
 * The index of the event in the PMU, by whichever of its names; -1: it has
 * none of that name.
 */
static int
find_in(const pfm_pmu_info_t *pi, const struct parts *pa)
{
	pfm_event_info_t ei;
	int idx;

	if (*pa->pa_pmu != '\0' && strcasecmp(pa->pa_pmu, pi->name) != 0)
		return -1;
	for (idx = pi->first_event; idx != -1; idx = pfm_get_event_next(idx))
		if (event_info(idx, &ei) &&
		    strcasecmp(ei.name, pa->pa_event) == 0)
			return idx;
	return -1;
}

/* The event, of a PMU that is here or one that is not; -1: there is none. */
static int
find(const struct parts *pa, bool present, pfm_pmu_info_t *pi)
{
	int i, idx;

	for (i = 0; i < PFM_PMU_MAX; i++)
		if (pmu_info(i, pi) && (pi->is_present != 0) == present &&
		    (idx = find_in(pi, pa)) != -1)
			return idx;
	return -1;
}

/* A name as people write it: perf(1) has its own in small letters. */
static void
written(const pfm_pmu_info_t *pi, const char *name, char buf[NAME_LEN])
{
	size_t i;

	(void)snprintf(buf, NAME_LEN, "%s", name);
	if (pi->pmu != PFM_PMU_PERF_EVENT || strchr(buf, '_') != NULL)
		return;
	for (i = 0; buf[i] != '\0'; i++)
		buf[i] = (char)tolower((unsigned char)buf[i]);
	if (strncmp(buf, "llc", 3) == 0)
		(void)memcpy(buf, "LLC", 3);
	else if (strncmp(buf, "l1", 2) == 0)
		buf[0] = 'L';
	else if (strncmp(buf + 1, "tlb", 3) == 0)
		(void)memcpy(buf + 1, "TLB", 3);
}

static bool
attr_info(int idx, int i, pfm_event_attr_info_t *ai)
{

	(void)memset(ai, 0, sizeof(*ai));
	ai->size = sizeof(*ai);
	return pfm_get_event_attr_info(idx, i, PFM_OS_PERF_EVENT_EXT, ai) ==
	    PFM_SUCCESS;
}

/* Whom perf_each() calls. */
struct caller {
	void (*ca_each)(void *arg, const struct perf_known *pk);
	void *ca_arg;
};

/* An event, or each of its unit masks where it has some. */
static void
each_event(const struct caller *ca, const pfm_pmu_info_t *pi, int idx)
{
	char name[NAME_LEN * 2], event[NAME_LEN];
	struct perf_known pk = { .pk_name = name, .pk_pmu = pi->name };
	pfm_event_attr_info_t ai;
	pfm_event_info_t ei;
	bool masks = false;
	int i;

	if (!event_info(idx, &ei))
		return;
	written(pi, ei.name, event);
	for (i = 0; i < ei.nattrs; i++) {
		if (!attr_info(idx, i, &ai) || ai.type != PFM_ATTR_UMASK)
			continue;
		(void)snprintf(name, sizeof(name), "%s:%s", event, ai.name);
		pk.pk_text = ai.desc;
		ca->ca_each(ca->ca_arg, &pk);
		masks = true;
	}
	if (masks)
		return;
	(void)snprintf(name, sizeof(name), "%s", event);
	pk.pk_text = ei.desc;
	ca->ca_each(ca->ca_arg, &pk);
}

bool
perf_each(void (*each)(void *arg, const struct perf_known *pk), void *arg)
{
	const struct caller ca = { .ca_each = each, .ca_arg = arg };
	pfm_pmu_info_t pi;
	int i, idx;

	if (!pfm_ready())
		return false;
	for (i = 0; i < PFM_PMU_MAX; i++) {
		if (!pmu_info(i, &pi) || pi.is_present == 0 ||
		    pi.pmu == PFM_PMU_PERF_EVENT_RAW)
			continue;
		for (idx = pi.first_event; idx != -1;
		     idx = pfm_get_event_next(idx))
			each_event(&ca, &pi, idx);
	}
	return true;
}

void
perf_model(struct perf_model *pm)
{
	pfm_pmu_info_t pi;
	int i;

	(void)memset(pm, 0, sizeof(*pm));
	if (!pfm_ready())
		return;
	for (i = 0; i < PFM_PMU_MAX; i++)
		if (pmu_info(i, &pi) && pi.is_present != 0 &&
		    pi.type == PFM_PMU_TYPE_CORE) {
			(void)snprintf(pm->pm_name, sizeof(pm->pm_name), "%s",
			    pi.name);
			(void)snprintf(pm->pm_text, sizeof(pm->pm_text), "%s",
			    pi.desc);
			pm->pm_events = pi.nevents;
			return;
		}
}

/* Names to choose the nearest from. */
struct names {
	char **nm_name;
	size_t nm_n;
};

static void
names_add(void *arg, const struct perf_known *pk)
{
	struct names *const nm = arg;

	if (nm->nm_n < KNOWN_MAX &&
	    (nm->nm_name[nm->nm_n] =
		    strndup(pk->pk_name, strcspn(pk->pk_name, ":"))) != NULL)
		nm->nm_n++;
}

/* "; did you mean 'X'?", or "". */
static void
suggest(const char *event, char *buf, size_t size)
{
	struct names nm = { .nm_name = calloc(KNOWN_MAX, sizeof(char *)) };
	const char *near = NULL;
	size_t i;

	*buf = '\0';
	if (nm.nm_name == NULL)
		return;
	if (perf_each(names_add, &nm))
		near = nearest_word(event, (const char *const *)nm.nm_name,
		    nm.nm_n);
	if (near != NULL)
		(void)snprintf(buf, size, "; did you mean '%s'?", near);
	for (i = 0; i < nm.nm_n; i++)
		free(nm.nm_name[i]);
	free(nm.nm_name);
}

/* Modifiers that only sampling knows, or that uvn has its own idea of. */
static bool
not_taken(const char *modifier)
{

	return strcmp(modifier, "cpu") == 0 ||
	    strcmp(modifier, "period") == 0 || strcmp(modifier, "freq") == 0 ||
	    strcmp(modifier, "precise") == 0;
}

/* The modifiers that an event takes, "u k ...", as far as buf has room. */
static void
modifiers(int idx, char *buf, size_t size)
{
	pfm_event_attr_info_t ai;
	pfm_event_info_t ei;
	size_t len = 0;
	int i;

	*buf = '\0';
	if (!event_info(idx, &ei))
		return;
	for (i = 0; i < ei.nattrs; i++) {
		if (!attr_info(idx, i, &ai) || not_taken(ai.name) ||
		    len + strlen(ai.name) + 2 > size)
			continue;
		if (len != 0)
			buf[len++] = ' ';
		(void)memcpy(&buf[len], ai.name, strlen(ai.name) + 1);
		len += strlen(ai.name);
	}
}

/* What a name means that libpfm4 does not take. */
static int
refused(const char *name, int pfm, char why[PERF_REASON], struct errmsg *em)
{
	char text[TEXT_LEN];
	pfm_pmu_info_t pi;
	struct parts pa;
	int idx;

	take_apart(name, &pa);
	if (pfm == PFM_ERR_NOTFOUND) {
		if (find(&pa, false, &pi) != -1) {
			(void)snprintf(why, PERF_REASON,
			    "an event of %.100s, which this host is not; "
			    "uvn doctor --events lists this host's",
			    pi.desc);
			return ENOTSUP;
		}
		suggest(pa.pa_event, text, sizeof(text));
		return ERRMSG(em, EINVAL,
		    "--events: libpfm4 knows no event '%.80s'%s (uvn doctor "
		    "--events lists them)",
		    name, text);
	}
	idx = find(&pa, true, &pi);
	if (pfm == PFM_ERR_NOTSUPP || pfm == PFM_ERR_NOMEM || idx == -1) {
		(void)snprintf(why, PERF_REASON,
		    "%.100s is not among the PMUs of this kernel (libpfm4: %s)",
		    idx != -1 ? pi.desc : "its PMU", pfm_strerror(pfm));
		return ENOTSUP;
	}
	modifiers(idx, text, sizeof(text));
	return ERRMSG(em, EINVAL, "--events: '%.80s': %s; %.60s takes %s", name,
	    pfm_strerror(pfm), pa.pa_event, text);
}

/* Does it happen in the kernel's own code, so that user mode has none? */
static bool
of_kernel(const struct perf_event_attr *attr)
{

	return attr->type == PERF_TYPE_SOFTWARE &&
	    (attr->config == PERF_COUNT_SW_CONTEXT_SWITCHES ||
		attr->config == PERF_COUNT_SW_CPU_MIGRATIONS ||
		attr->config == PERF_COUNT_SW_CGROUP_SWITCHES);
}

static int
encode(const char *name, int levels, struct perf_event_attr *attr, int *cpup)
{
	pfm_perf_encode_arg_t arg = {
		.attr = attr,
		.size = sizeof(arg),
		.cpu = -1,
	};
	int pfm;

	(void)memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	pfm = pfm_get_os_event_encoding(name, levels, PFM_OS_PERF_EVENT_EXT,
	    &arg);
	*cpup = arg.cpu;
	return pfm;
}

int
perf_encode(const char *name, struct perf_event_attr *attr,
    char why[PERF_REASON], struct errmsg *em)
{
	int cpu, pfm;

	if (!pfm_ready()) {
		(void)snprintf(why, PERF_REASON,
		    "libpfm4 knows no PMU of this host");
		return ENOTSUP;
	}
	pfm = encode(name, PFM_PLM3, attr, &cpu);
	/* Names with :u or :k stay as they are. */
	if (pfm == PFM_SUCCESS && of_kernel(attr))
		pfm = encode(name, PFM_PLM3 | PFM_PLM0, attr, &cpu);
	if (pfm != PFM_SUCCESS)
		return refused(name, pfm, why, em);
	if (attr->sample_period != 0 || attr->freq != 0 ||
	    attr->precise_ip != 0 || cpu != -1)
		return ERRMSG(em, EINVAL,
		    "--events: '%.80s': events are counted on every CPU and "
		    "not sampled; leave out cpu, period, freq and precise",
		    name);
	attr->disabled = 1;
	attr->inherit = 0;
	attr->read_format =
	    PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	return 0;
}
