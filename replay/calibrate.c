/*
 * calibrate.c: samples of list steps and lookups.
 *
 * A sample is the mean over one walk or many; what is reported is the median of
 * the samples.  All rows of a machine take turns, in random order, and within a
 * row list and lookup do, one right after the other: what disturbs the host
 * disturbs them alike.
 */
#include <sys/resource.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/calibrate.h"
#include "replay/clock.h"

#define LINE 64

/* A sample during which another process took the processor is taken again, but
 * not for ever; one that lasts longer than a time slice would fare no better. */
#define TRIES	5
#define LONG_NS 4000000

/* Which lookups of a larger range find something, no processor remembers. */
#define LEARNED_PAGES 16384

/* Of one filling of one machine: two of what is present, warm and cold. */
#define ROWS_MAX 4

const char *const cal_frames_name[CAL_NFRAMES] = { "fresh", "aged",
	"shuffled" };
const char *const cal_present_name[CAL_NPRESENT] = { "present", "absent",
	"quarter" };

/* What is timed. */
enum subject { SUBJECT_LIST, SUBJECT_LOOKUP };

/* One machine. */
struct bench {
	struct uvm *be_uvm;
	uint64_t be_pages;
	uint64_t be_resident; /* in LAB_FILE */
	uint8_t *be_evict;    /* to fill the caches with */
	size_t be_evictlen;
	uint64_t be_sample_ns;
	uint64_t be_state; /* of lab_random() */
	uint64_t be_disturbed;
	int be_error; /* 0, or why the samples are worth nothing */
};

/* A row, and its samples so far. */
struct series {
	struct cal_row se_row;
	uint64_t se_first, se_n; /* the range: pages */
	double *se_list, *se_lookup, *se_ratio;
};

/* Keeps walks whose result nobody else wants. */
static volatile uint64_t sink;

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{

	stopped = 1;
	(void)signal(sig, SIG_DFL);
}

bool
calibrate_stopped(void)
{

	return stopped != 0;
}

/* Fill the caches with something else. */
static void
evict(const struct bench *be)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < be->be_evictlen; i += LINE)
		sum += be->be_evict[i];
	sink += sum;
}

/* => returns the ticks it took */
static uint64_t
walk(const struct bench *be, const struct series *se, enum subject what)
{
	const uint64_t began = clock_ticks();

	if (what == SUBJECT_LIST)
		sink +=
		    uvm_dry_list(be->be_uvm, LAB_FILE, se->se_first, se->se_n);
	else
		sink +=
		    uvm_dry_hash(be->be_uvm, LAB_FILE, se->se_first, se->se_n);
	return clock_ticks() - began;
}

/* How often others took the processor from us so far. */
static long
preempted(void)
{
	struct rusage ru;

	return getrusage(RUSAGE_THREAD, &ru) == 0 ? ru.ru_nivcsw : 0;
}

/*
 * Lookups of which some find a page and some do not cost most where the
 * processor cannot foresee which: so it must not see the same range often.
 */
static void
refill(struct bench *be)
{
	const int error =
	    lab_fill(be->be_uvm, be->be_pages, true, lab_random(&be->be_state));

	if (error != 0)
		be->be_error = error;
	be->be_resident = uvm_resident(be->be_uvm, LAB_FILE);
}

/* ns a step or lookup; was it disturbed, where that can be helped? */
static double
sample_once(const struct bench *be, const struct series *se, enum subject what,
    bool *disturbedp)
{
	const uint64_t steps =
	    what == SUBJECT_LIST ? be->be_resident : se->se_n;
	const uint64_t least = se->se_row.cr_cold ? 0 : be->be_sample_ns;
	uint64_t ticks = 0, walks = 0;
	long before;

	if (se->se_row.cr_cold)
		evict(be);
	else
		/* These fill the caches, and do not count. */
		do
			ticks += walk(be, se, what);
		while (clock_ns(ticks) < least / 4);
	before = preempted();
	ticks = 0;
	do {
		ticks += walk(be, se, what);
		walks++;
	} while (clock_ns(ticks) < least);
	*disturbedp = preempted() != before && clock_ns(ticks) < LONG_NS;
	return (double)clock_ns(ticks) / ((double)walks * (double)steps);
}

/* The same for lookups, with other pages resident at each walk. */
static double
sample_anew(struct bench *be, const struct series *se, bool *disturbedp)
{
	const uint64_t least = se->se_row.cr_cold ? 0 : be->be_sample_ns;
	uint64_t ticks = 0, walks = 0;

	*disturbedp = false;
	do {
		refill(be);
		if (se->se_row.cr_cold)
			evict(be);
		else
			(void)walk(be, se, SUBJECT_LIST);
		const long before = preempted();
		ticks += walk(be, se, SUBJECT_LOOKUP);
		*disturbedp |= preempted() != before;
		walks++;
	} while (clock_ns(ticks) < least && be->be_error == 0);
	return (double)clock_ns(ticks) / ((double)walks * (double)se->se_n);
}

static double
sample(struct bench *be, const struct series *se, enum subject what)
{
	const bool anew = se->se_row.cr_present == CAL_QUARTER &&
	    what == SUBJECT_LOOKUP && be->be_pages <= LEARNED_PAGES;

	for (unsigned tries = 1;; tries++) {
		bool disturbed;
		const double ns = anew ? sample_anew(be, se, &disturbed) :
					 sample_once(be, se, what, &disturbed);

		if (!disturbed || tries == TRIES || stopped)
			return ns;
		be->be_disturbed++;
	}
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct cal_value
cal_median(double *value, size_t n)
{
	const double half = ((double)n - 1 - 1.96 * sqrt((double)n)) / 2;
	const size_t rank = half > 0 ? (size_t)half : 0;

	qsort(value, n, sizeof(*value), compare);
	return (struct cal_value){
		.cv_median = n % 2 != 0 ? value[n / 2] :
					  (value[n / 2 - 1] + value[n / 2]) / 2,
		.cv_low = value[rank],
		.cv_high = value[n - 1 - rank],
	};
}

/* Sample i of a row. */
static void
sample_row(struct bench *be, struct series *se, size_t i)
{
	const enum subject first =
	    (enum subject)(lab_random(&be->be_state) % 2);

	for (unsigned k = 0; k < 2; k++) {
		const enum subject what = (enum subject)((unsigned)first ^ k);

		(what == SUBJECT_LIST ? se->se_list : se->se_lookup)[i] =
		    sample(be, se, what);
	}
	se->se_ratio[i] = se->se_lookup[i] / se->se_list[i];
}

/* => returns how many samples of each row there are: fewer if stopped, or if
 *    it takes too long */
static size_t
sample_rows(const struct calibration *ca, struct bench *be, struct series *se,
    size_t rows)
{
	const uint64_t began = clock_ticks();
	size_t order[ROWS_MAX] = { 0 };

	for (size_t i = 0; i < ca->ca_repeats; i++) {
		if (i >= CAL_LEAST &&
		    clock_ns(clock_ticks() - began) > ca->ca_patience_ns)
			return i;
		for (size_t k = 0; k < rows; k++) {
			const size_t at =
			    (size_t)(lab_random(&be->be_state) % (k + 1));

			order[k] = order[at];
			order[at] = k;
		}
		for (size_t k = 0; k < rows && !stopped; k++)
			sample_row(be, &se[order[k]], i);
		if (stopped || be->be_error != 0)
			return i;
	}
	return (size_t)ca->ca_repeats;
}

static int
keep_row(struct calibration *ca, struct series *se, size_t samples)
{
	struct cal_row *const row =
	    reallocarray(ca->ca_row, ca->ca_n + 1, sizeof(*row));

	if (row == NULL)
		return ENOMEM;
	ca->ca_row = row;
	se->se_row.cr_repeats = samples;
	se->se_row.cr_list = cal_median(se->se_list, samples);
	se->se_row.cr_lookup = cal_median(se->se_lookup, samples);
	se->se_row.cr_break_even = cal_median(se->se_ratio, samples);
	row[ca->ca_n++] = se->se_row;
	return 0;
}

/* All rows of one filling of one machine. */
static int
measure_fill(struct calibration *ca, struct bench *be, enum cal_frames frames,
    bool sparse)
{
	const size_t n = (size_t)ca->ca_repeats;
	const size_t caches = ca->ca_cold ? 2 : 1;
	const size_t rows = (sparse ? 1 : 2) * caches;
	struct series se[ROWS_MAX];
	double *value = calloc(3 * n * rows, sizeof(*value));
	size_t samples;
	int error = 0;

	if (value == NULL)
		return ENOMEM;
	for (size_t k = 0; k < rows; k++) {
		const enum cal_present present = sparse ? CAL_QUARTER :
		    k < caches				? CAL_PRESENT :
							  CAL_ABSENT;

		se[k] = (struct series){
			.se_row = {
			    .cr_pages = be->be_pages,
			    .cr_frames = frames,
			    .cr_present = present,
			    .cr_cold = k % caches != 0,
			},
			.se_first = present == CAL_ABSENT ? 2 * be->be_pages : 0,
			.se_n = (sparse ? 4 : 1) * be->be_pages,
			.se_list = &value[3 * n * k],
			.se_lookup = &value[3 * n * k + n],
			.se_ratio = &value[3 * n * k + 2 * n],
		};
	}
	samples = sample_rows(ca, be, se, rows);
	/* What a failure left is nothing; what a signal left is something. */
	if (be->be_error != 0 && !stopped)
		samples = 0;
	for (size_t k = 0; k < rows && samples != 0 && error == 0; k++)
		error = keep_row(ca, &se[k], samples);
	free(value);
	return error != 0 ? error : be->be_error;
}

/* Both fillings of one machine. */
static int
measure_fills(struct calibration *ca, struct bench *be, enum cal_frames frames)
{
	int error = 0;

	for (unsigned sparse = 0; sparse < 2 && error == 0; sparse++) {
		error = lab_fill(be->be_uvm, be->be_pages, sparse != 0,
		    lab_random(&be->be_state));
		be->be_resident = uvm_resident(be->be_uvm, LAB_FILE);
		if (error == 0)
			error = measure_fill(ca, be, frames, sparse != 0);
	}
	return error;
}

/* => EINTR if stopped */
static int
measure_size(struct calibration *ca, struct bench *be, struct errmsg *em)
{
	int error = 0;

	for (enum cal_frames frames = CAL_FRESH;
	     frames < CAL_NFRAMES && error == 0; frames++) {
		if (ca->ca_progress) {
			(void)fprintf(stderr, "\r%" PRIu64 " pages, %s\033[K",
			    be->be_pages, cal_frames_name[frames]);
			(void)fflush(stderr);
		}
		error = lab_create(be->be_pages, frames,
		    lab_random(&be->be_state), &be->be_uvm, em);
		if (error != 0)
			return error;
		error = measure_fills(ca, be, frames);
		uvm_destroy(be->be_uvm);
		if (error == ENOMEM)
			return ERRMSG(em, error, "no memory for the samples");
		if (stopped)
			error = EINTR;
	}
	return error;
}

static int
measure_sizes(struct calibration *ca, struct bench *be, struct errmsg *em)
{
	int error = 0;

	for (be->be_pages = ca->ca_min;
	     be->be_pages <= ca->ca_max && error == 0;
	     be->be_pages *= ca->ca_step)
		error = measure_size(ca, be, em);
	return error == EINTR && stopped ? 0 : error;
}

int
calibrate(struct calibration *ca, struct errmsg *em)
{
	struct sigaction sa = { .sa_handler = on_signal }, old[2];
	struct bench be = {
		.be_sample_ns = ca->ca_sample_ns,
		.be_state = ca->ca_seed,
		.be_evictlen = 2 * ca->ca_cache,
	};
	int error;

	if (ca->ca_cold && (be.be_evict = malloc(be.be_evictlen)) == NULL)
		return ERRMSG(em, ENOMEM, "no memory to fill the caches with");
	/* Pages of its own: one page of zeroes would fill nothing. */
	if (be.be_evict != NULL)
		(void)memset(be.be_evict, 1, be.be_evictlen);
	stopped = 0;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, &old[0]);
	(void)sigaction(SIGTERM, &sa, &old[1]);
	error = measure_sizes(ca, &be, em);
	(void)sigaction(SIGINT, &old[0], NULL);
	(void)sigaction(SIGTERM, &old[1], NULL);
	if (ca->ca_progress)
		(void)fprintf(stderr, "\r\033[K");
	ca->ca_interrupted = stopped != 0;
	ca->ca_disturbed = be.be_disturbed;
	free(be.be_evict);
	return error;
}
