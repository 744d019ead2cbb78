/*
 * calibrate.c: samples of list steps and lookups.
 *
 * A sample is the mean over one walk or many; what is reported is the median of
 * the samples.  List and lookup take turns, in random order, so that what
 * disturbs the host disturbs both.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/calibrate.h"
#include "replay/clock.h"

/* Of the last-level cache, where sysconf(3) knows of none. */
#define CACHE_BYTES (32U << 20)
#define LINE	    64

const char *const cal_frames_name[CAL_NFRAMES] = { "fresh", "aged",
	"shuffled" };
const char *const cal_present_name[CAL_NPRESENT] = { "present", "absent",
	"quarter" };

/* What is timed. */
enum subject { SUBJECT_LIST, SUBJECT_LOOKUP };

/* One machine, and the range whose lookups are timed. */
struct bench {
	struct uvm *be_uvm;
	uint64_t be_first, be_n; /* lookups: pages */
	uint64_t be_resident;
	uint8_t *be_evict; /* NULL: warm */
	size_t be_evictlen;
	uint64_t be_sample_ns;
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

/* Fill the caches with something else. */
static void
evict(struct bench *be)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < be->be_evictlen; i += LINE)
		sum += be->be_evict[i];
	sink += sum;
}

static void
walk(struct bench *be, enum subject what)
{
	if (what == SUBJECT_LIST)
		sink +=
		    uvm_dry_list(be->be_uvm, LAB_FILE, be->be_first, be->be_n);
	else
		sink +=
		    uvm_dry_hash(be->be_uvm, LAB_FILE, be->be_first, be->be_n);
}

/* ns a step or lookup. */
static double
sample(struct bench *be, enum subject what)
{
	const double steps =
	    (double)(what == SUBJECT_LIST ? be->be_resident : be->be_n);
	uint64_t ticks = 0, walks = 0, began;

	/* The first fills the caches, and is not timed. */
	if (be->be_evict == NULL)
		walk(be, what);
	do {
		if (be->be_evict != NULL)
			evict(be);
		began = clock_ticks();
		walk(be, what);
		ticks += clock_ticks() - began;
		walks++;
	} while (be->be_evict == NULL && clock_ns(ticks) < be->be_sample_ns);
	return (double)clock_ns(ticks) / ((double)walks * steps);
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

/* Measure one row. */
static int
measure(struct bench *be, struct cal_row *cr, uint64_t *state)
{
	const size_t n = (size_t)cr->cr_repeats;
	double *value = calloc(3 * n, sizeof(*value));
	double *const list = value;

	if (value == NULL)
		return ENOMEM;
	double *const lookup = value + n, *const ratio = value + 2 * n;
	for (size_t i = 0; i < n; i++) {
		const enum subject first =
		    (enum subject)(lab_random(state) % 2);

		for (unsigned k = 0; k < 2; k++) {
			const enum subject what =
			    (enum subject)((unsigned)first ^ k);

			(what == SUBJECT_LIST ? list : lookup)[i] =
			    sample(be, what);
		}
		ratio[i] = lookup[i] / list[i];
	}
	cr->cr_list = cal_median(list, n);
	cr->cr_lookup = cal_median(lookup, n);
	cr->cr_break_even = cal_median(ratio, n);
	free(value);
	return 0;
}

static struct cal_row *
add_row(struct calibration *ca)
{
	struct cal_row *const row =
	    reallocarray(ca->ca_row, ca->ca_n + 1, sizeof(*row));

	if (row == NULL)
		return NULL;
	ca->ca_row = row;
	return &row[ca->ca_n];
}

/* All rows of one machine. */
static int
measure_machine(struct calibration *ca, struct bench *be, uint64_t pages,
    enum cal_frames frames, bool sparse, uint64_t *state)
{
	const enum cal_present from = sparse ? CAL_QUARTER : CAL_PRESENT;
	const enum cal_present to = sparse ? CAL_QUARTER : CAL_ABSENT;
	uint8_t *const buffer = be->be_evict;
	int error = 0;

	for (enum cal_present p = from; p <= to && error == 0; p++) {
		for (unsigned cold = 0; cold <= ca->ca_cold; cold++) {
			struct cal_row *const cr = add_row(ca);

			if (cr == NULL)
				return ENOMEM;
			*cr = (struct cal_row){
				.cr_pages = pages,
				.cr_frames = frames,
				.cr_present = p,
				.cr_cold = cold != 0,
				.cr_repeats = ca->ca_repeats,
			};
			be->be_first = p == CAL_ABSENT ? 2 * pages : 0;
			be->be_n = p == CAL_QUARTER ? 4 * pages : pages;
			be->be_evict = cold != 0 ? buffer : NULL;
			error = measure(be, cr, state);
			be->be_evict = buffer;
			if (error != 0 || stopped)
				return error;
			ca->ca_n++;
		}
	}
	return error;
}

/* Both fillings of one machine. */
static int
measure_fills(struct calibration *ca, struct bench *be, uint64_t pages,
    enum cal_frames frames, uint64_t *state)
{
	int error = 0;

	for (unsigned sparse = 0; sparse < 2 && error == 0 && !stopped;
	     sparse++) {
		error =
		    lab_fill(be->be_uvm, pages, sparse != 0, lab_random(state));
		be->be_resident = uvm_resident(be->be_uvm, LAB_FILE);
		if (error == 0)
			error = measure_machine(ca, be, pages, frames,
			    sparse != 0, state);
	}
	return error;
}

static int
measure_size(struct calibration *ca, struct bench *be, uint64_t pages,
    uint64_t *state, struct errmsg *em)
{
	int error = 0;

	for (enum cal_frames frames = CAL_FRESH;
	     frames < CAL_NFRAMES && error == 0 && !stopped; frames++) {
		if (ca->ca_progress) {
			(void)fprintf(stderr, "\r%" PRIu64 " pages, %s\033[K",
			    pages, cal_frames_name[frames]);
			(void)fflush(stderr);
		}
		error = lab_create(pages, frames, lab_random(state),
		    &be->be_uvm, em);
		if (error != 0)
			return error;
		error = measure_fills(ca, be, pages, frames, state);
		uvm_destroy(be->be_uvm);
		if (error != 0)
			return ERRMSG(em, error, "no memory for the samples");
	}
	return error;
}

int
calibrate(struct calibration *ca, struct errmsg *em)
{
	const long llc = sysconf(_SC_LEVEL3_CACHE_SIZE);
	struct sigaction sa = { .sa_handler = on_signal }, old[2];
	struct bench be = { .be_sample_ns = ca->ca_sample_ns };
	uint64_t state = ca->ca_seed;
	int error = 0;

	be.be_evictlen = (llc > 0 ? (size_t)llc : CACHE_BYTES) * 5 / 4;
	if (ca->ca_cold && (be.be_evict = malloc(be.be_evictlen)) == NULL)
		return ERRMSG(em, ENOMEM, "no memory to fill the caches with");
	/* Pages of its own: one page of zeroes would fill nothing. */
	if (be.be_evict != NULL)
		(void)memset(be.be_evict, 1, be.be_evictlen);
	stopped = 0;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, &old[0]);
	(void)sigaction(SIGTERM, &sa, &old[1]);
	for (uint64_t pages = ca->ca_min;
	     pages <= ca->ca_max && error == 0 && !stopped;
	     pages *= ca->ca_step)
		error = measure_size(ca, &be, pages, &state, em);
	(void)sigaction(SIGINT, &old[0], NULL);
	(void)sigaction(SIGTERM, &old[1], NULL);
	if (ca->ca_progress)
		(void)fprintf(stderr, "\r\033[K");
	ca->ca_interrupted = stopped != 0;
	free(be.be_evict);
	return error;
}

/* The fraction nearest to x with numerator or denominator up to 16. */
static void
fraction(double x, char *text, size_t len)
{
	unsigned best_n = 1, best_d = 1;
	double best = HUGE_VAL;

	for (unsigned n = 1; n <= 16; n++)
		for (unsigned d = 1; d <= 64; d++) {
			const double off = fabs(log((double)n / d / x)) +
			    /* Of two that are near, the plainer one. */
			    0.004 * (n + d);

			if (off < best) {
				best = off;
				best_n = n;
				best_d = d;
			}
		}
	if (best_d == 1)
		(void)snprintf(text, len, "%u", best_n);
	else
		(void)snprintf(text, len, "%u/%u", best_n, best_d);
}

/* Of aged frames, with warm caches. */
static const struct cal_row *
find(const struct calibration *ca, uint64_t pages, enum cal_present present)
{
	for (size_t i = 0; i < ca->ca_n; i++) {
		const struct cal_row *const cr = &ca->ca_row[i];

		if (cr->cr_pages == pages && cr->cr_frames == CAL_AGED &&
		    cr->cr_present == present && !cr->cr_cold)
			return cr;
	}
	return NULL;
}

/*
 * Frames are aged, as those of a machine that has run for a while, and caches
 * warm: a flush passes twice, over descriptors that the faults before it used.
 * Below 1, a flush that stands at the break-even has a range longer than its
 * object has pages: most of its lookups find nothing, and which is not to be
 * foreseen.  At 1 and above the range may be all there.  docs/calibration.md
 * says more.
 */
const struct cal_row *
cal_recommend(const struct calibration *ca, uint64_t pages, char *text,
    size_t len)
{
	const struct cal_row *cr = find(ca, pages, CAL_QUARTER);
	const struct cal_row *const present = find(ca, pages, CAL_PRESENT);

	if (cr != NULL && present != NULL &&
	    present->cr_break_even.cv_median > 1)
		cr = present;
	if (cr == NULL)
		return NULL;
	fraction(cr->cr_break_even.cv_median, text, len);
	return cr;
}
