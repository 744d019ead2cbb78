/*
 * calibrate: what a list step and a hash lookup cost in the pager's own
 * structures, on this host.
 *
 *	calibrate_lab.c	machines with pages in a known order
 *	calibrate.c	samples and their medians
 *	calibrate_advice.c  the recommended penalty
 *	db_calibration.c  table calibration
 *	cmd_calibrate.c	the command
 */
#ifndef REPLAY_CALIBRATE_H
#define REPLAY_CALIBRATE_H

#include "pager/uvm.h"
#include "replay/db.h"

/* How the frames of an object's pages lie in memory, along its list. */
enum cal_frames {
	CAL_FRESH,    /* never used before: in order */
	CAL_AGED,     /* as a life of faults and page-outs left them */
	CAL_SHUFFLED, /* in random order */
	CAL_NFRAMES,
};
extern const char *const cal_frames_name[CAL_NFRAMES];

/* What the lookups of a range find. */
enum cal_present {
	CAL_PRESENT, /* every page */
	CAL_ABSENT,  /* none */
	CAL_QUARTER, /* every fourth, at random */
	CAL_NPRESENT,
};
extern const char *const cal_present_name[CAL_NPRESENT];

/* Medians over the repeats, with their 95 % intervals. */
struct cal_value {
	double cv_median, cv_low, cv_high;
};

/* A row of table calibration. */
struct cal_row {
	uint64_t cr_pages; /* resident in the object */
	enum cal_frames cr_frames;
	enum cal_present cr_present;
	bool cr_cold;
	uint64_t cr_repeats;
	struct cal_value cr_list, cr_lookup; /* ns a step, ns a lookup */
	struct cal_value cr_break_even;	     /* lookup / list */
};

/* Samples that make a 95 % interval, with one to spare. */
#define CAL_LEAST 7

struct calibration {
	/* asked for */
	uint64_t ca_min, ca_max; /* pages, powers of two */
	uint64_t ca_step;	 /* factor from one size to the next */
	uint64_t ca_repeats;	 /* samples of each cost */
	uint64_t ca_patience_ns; /* for those of one filling of a machine: no
				  * more after that, if there are CAL_LEAST */
	uint64_t ca_seed;
	uint64_t ca_sample_ns; /* least time of a warm sample */
	uint64_t ca_cache;     /* bytes of the largest cache */
	bool ca_cold;	       /* measure cold caches, too */
	bool ca_progress;

	/* found */
	int ca_core; /* pinned to; -1: not */
	struct cal_row *ca_row;
	size_t ca_n;
	uint64_t ca_disturbed; /* samples that were taken again */
	bool ca_interrupted;
};

/* ---- calibrate_lab.c ---- */

/* The file that lookups and walks are of; has 4 * pages pages. */
#define LAB_FILE 1

/*
 * A machine with room for so many pages of LAB_FILE, and frames in that order.
 * Backend null.
 *
 * => the caller ends *uvmp with uvm_destroy()
 * => ENOMEM; EINTR if calibrate_stopped()
 */
int lab_create(uint64_t pages, enum cal_frames frames, uint64_t seed,
    struct uvm **uvmp, struct errmsg *em) mustcheck;

/*
 * Have pages of LAB_FILE resident and no others: the first ones, or with sparse
 * a random quarter of all 4 * pages.
 *
 * => as lab_create()
 */
int lab_fill(struct uvm *uvm, uint64_t pages, bool sparse, uint64_t seed)
    mustcheck;

/* splitmix64. */
uint64_t lab_random(uint64_t *state);

/* ---- calibrate.c ---- */

/*
 * Measure everything asked for.
 *
 * => ca_row is the caller's to free(), also after a failure
 * => ENOMEM
 */
int calibrate(struct calibration *ca, struct errmsg *em) mustcheck;

/* Has a signal asked to end? */
bool calibrate_stopped(void);

/* The median of n values and its 95 % interval by order statistics: the range
 * if there are fewer than six.  Sorts them.  n > 0. */
struct cal_value cal_median(double *value, size_t n);

/* ---- calibrate_advice.c ---- */

/*
 * The penalty recommended for objects of so many pages: as text that
 * --hash_penalty takes, with the row it comes from.
 *
 * => NULL: there is no such row
 */
const struct cal_row *cal_recommend(const struct calibration *ca,
    uint64_t pages, char *text, size_t len);

/*
 * One penalty for all sizes: the geometric mean of those recommended, as text
 * that --hash_penalty takes.  *offp is by which factor the farthest of them
 * differs from it.
 *
 * => false: there is none
 */
bool cal_overall(const struct calibration *ca, char *text, size_t len,
    double *meanp, double *offp);

/* Is the interval of the break-even wider than half its median? */
bool cal_unsteady(const struct cal_row *cr);

/* ---- db_calibration.c ---- */

/* Store the rows; *sessionp tells them from those of other calls. */
int db_calibration_put(struct db *db, const struct calibration *ca,
    const char *command, int64_t *sessionp, struct errmsg *em) mustcheck;

#endif
