/*
 * calibrate_advice.c: which penalty follows from what was measured.
 */
#include <math.h>
#include <stdio.h>

#include "replay/calibrate.h"

/* The fraction nearest to x, with numerator up to 16, denominator up to 64. */
static void
fraction(double x, char *text, size_t len)
{
	unsigned best_n = 1, best_d = 1;
	double best = HUGE_VAL;

	for (unsigned n = 1; n <= 16; n++)
		for (unsigned d = 1; d <= 64; d++) {
			const double off = fabs(log((double)n / d / x)) +
			    /* Of two that are near, the plainer one. */
			    0.01 * (n + d);

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

bool
cal_overall(const struct calibration *ca, char *text, size_t len, double *meanp,
    double *offp)
{
	double low = HUGE_VAL, high = 0, sum = 0;
	unsigned n = 0;

	for (uint64_t pages = ca->ca_min; pages <= ca->ca_max;
	     pages *= ca->ca_step) {
		const struct cal_row *const cr =
		    cal_recommend(ca, pages, text, len);

		if (cr == NULL)
			continue;
		low = fmin(low, cr->cr_break_even.cv_median);
		high = fmax(high, cr->cr_break_even.cv_median);
		sum += log(cr->cr_break_even.cv_median);
		n++;
	}
	if (n == 0)
		return false;
	*meanp = exp(sum / n);
	*offp = fmax(high / *meanp, *meanp / low);
	fraction(*meanp, text, len);
	return true;
}

bool
cal_unsteady(const struct cal_row *cr)
{
	const struct cal_value *const cv = &cr->cr_break_even;

	return cv->cv_high - cv->cv_low > cv->cv_median / 2;
}
