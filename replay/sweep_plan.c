/*
 * sweep_plan.c: what there is to do, and in which order.
 *
 * Repeats are whole blocks: each has every point and trace once, in an order of
 * its own, so that what drifts while a sweep goes on (caches of the device, a
 * neighbour on the host) falls on all of them alike.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xxhash.h>

#include "replay/host.h"
#include "replay/json_out.h"
#include "replay/replay.h"
#include "replay/sweep.h"

/* splitmix64: the same numbers for a seed on every machine. */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/* A number below n, each as likely: what would favour some is drawn again. */
static uint64_t
draw_below(uint64_t *state, uint64_t n)
{
	const uint64_t low = -n % n;
	uint128_t wide;

	do
		wide = (uint128_t)draw(state) * n;
	while ((uint64_t)wide < low);
	return (uint64_t)(wide >> 64);
}

/* ---- points ---- */

/*
 * How many points the axes make.
 *
 * => EINVAL: axes of different lengths in pairs; EFBIG: too many
 */
static int
count_points(const struct sweep *sw, size_t *np, struct errmsg *em)
{
	const struct sweep_axes *xs = &sw->sw_axes;
	size_t n = 1;

	if (sw->sw_pairs && xs->xs_n < 2)
		return ERRMSG(em, EINVAL,
		    "--pairs takes the values of two axes or more together");
	for (size_t i = 0; i < xs->xs_n; i++) {
		const struct sweep_axis *ax = &xs->xs_axis[i],
					*a0 = xs->xs_axis;

		if (sw->sw_pairs && ax->ax_n != a0->ax_n)
			return ERRMSG(em, EINVAL,
			    "--pairs: %s has %zu values and %s has %zu; give "
			    "all axes as many",
			    config_tunable(a0->ax_tunable)->tn_name, a0->ax_n,
			    config_tunable(ax->ax_tunable)->tn_name, ax->ax_n);
		n = sw->sw_pairs ? ax->ax_n : n * ax->ax_n;
		if (n > SWEEP_CELL_MAX)
			break;
	}
	*np = n;
	return 0;
}

/* The i-th point: the first axis changes slowest. */
static int
point_make(const struct sweep *sw, size_t i, struct sweep_point *pt)
{
	struct errmsg em = { .em_text = "" };

	pt->pt_asked = sw->sw_fixed;
	for (size_t k = sw->sw_axes.xs_n; k-- > 0;) {
		const struct sweep_axis *ax = &sw->sw_axes.xs_axis[k];

		config_set(&pt->pt_asked, ax->ax_tunable,
		    ax->ax_value[i % ax->ax_n]);
		if (!sw->sw_pairs)
			i /= ax->ax_n;
	}
	pt->pt_config = pt->pt_asked;
	if (config_resolve(&pt->pt_config, &em) != 0) {
		pt->pt_config = pt->pt_asked;
		if ((pt->pt_why = strdup(em.em_text)) == NULL)
			return ENOMEM;
	}
	pt->pt_tunables = db_tunables_text(&pt->pt_config);
	return pt->pt_tunables != NULL ? 0 : ENOMEM;
}

static void
point_fini(struct sweep_point *pt)
{
	free(pt->pt_tunables);
	free(pt->pt_why);
}

static int
by_config(const void *a, const void *b)
{
	const struct sweep_point *const *pa = a, *const *pb = b;
	const int order = memcmp(&(*pa)->pt_config, &(*pb)->pt_config,
	    sizeof((*pa)->pt_config));

	if (order != 0)
		return order;
	return (*pa > *pb) - (*pa < *pb);
}

/*
 * Leave out points that are the same as an earlier one once they are settled,
 * such as freemin=0 beside the number that it stands for.
 */
static int
drop_same(struct sweep *sw)
{
	struct sweep_point **sorted =
	    calloc(sw->sw_npoints, sizeof(struct sweep_point *));
	bool *drop = calloc(sw->sw_npoints, sizeof(*drop));
	size_t n = 0;

	if (sorted == NULL || drop == NULL) {
		free(sorted);
		free(drop);
		return ENOMEM;
	}
	for (size_t i = 0; i < sw->sw_npoints; i++)
		sorted[i] = &sw->sw_point[i];
	qsort(sorted, sw->sw_npoints, sizeof(struct sweep_point *), by_config);
	for (size_t i = 1; i < sw->sw_npoints; i++)
		drop[sorted[i] - sw->sw_point] =
		    memcmp(&sorted[i]->pt_config, &sorted[i - 1]->pt_config,
			sizeof(sorted[i]->pt_config)) == 0;
	for (size_t i = 0; i < sw->sw_npoints; i++)
		if (drop[i])
			point_fini(&sw->sw_point[i]);
		else
			sw->sw_point[n++] = sw->sw_point[i];
	sw->sw_same = sw->sw_npoints - n;
	sw->sw_npoints = n;
	free(sorted);
	free(drop);
	return 0;
}

static int
plan_points(struct sweep *sw, struct errmsg *em)
{
	size_t n = 0;
	int error;

	if ((error = count_points(sw, &n, em)) != 0)
		return error;
	if (n > SWEEP_CELL_MAX ||
	    sw->sw_repeats > SWEEP_CELL_MAX / (n * sw->sw_ntraces))
		return ERRMSG(em, EFBIG,
		    "more than %d cells; take fewer values or repeats",
		    SWEEP_CELL_MAX);
	if ((sw->sw_point = calloc(n, sizeof(*sw->sw_point))) == NULL)
		return ENOMEM;
	for (size_t i = 0; i < n; i++) {
		sw->sw_npoints = i + 1;
		if ((error = point_make(sw, i, &sw->sw_point[i])) != 0)
			return error;
	}
	return drop_same(sw);
}

/* ---- keys ---- */

static void hash_text(XXH3_state_t *hash, const char *fmt, ...)
    printflike(2, 3);

/* Hash a text and its end. */
static void
hash_text(XXH3_state_t *hash, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		(void)XXH3_128bits_update(hash, text,
		    ((size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1) +
			1);
}

static void
hash_end(XXH3_state_t *hash, char hex[33])
{
	XXH128_canonical_t bytes;

	XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(hash));
	for (size_t i = 0; i < sizeof(bytes.digest); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", bytes.digest[i]);
}

/* What makes a cell what it is: two of the same key would measure the same. */
static void
cell_key(const struct sweep *sw, const struct host_facts *hf,
    XXH3_state_t *hash, struct sweep_cell *sc)
{
	const char *tunables = sc->sc_point->pt_tunables;

	(void)XXH3_128bits_reset(hash);
	(void)XXH3_128bits_update(hash, tunables, strlen(tunables) + 1);
	hash_text(hash, "%s", sc->sc_trace->st_digest);
	hash_text(hash, "%" PRIu64, sc->sc_row.dc_repeat);
	hash_text(hash, "verify=%d paranoid=%d salvage=%d flush_both=%d",
	    sw->sw_verify, sw->sw_paranoid, sw->sw_salvage, sw->sw_flush_both);
	if (sw->sw_events != NULL)
		(void)XXH3_128bits_update(hash, sw->sw_events,
		    strlen(sw->sw_events));
	hash_text(hash, "@");
	hash_text(hash, "%s", hf->hf_host);
	hash_text(hash, "%s %s", UVN_VERSION, host_revision());
	hash_end(hash, sc->sc_row.dc_key);
}

/* Of the whole: what is swept, and each of its cells in order. */
static int
definition(struct sweep *sw, XXH3_state_t *hash)
{
	char *axes = sweep_axes_text(&sw->sw_axes);

	if (axes == NULL)
		return ENOMEM;
	(void)XXH3_128bits_reset(hash);
	(void)XXH3_128bits_update(hash, axes, strlen(axes) + 1);
	hash_text(hash, "pairs=%d repeats=%" PRIu64 " seed=%" PRIu64,
	    sw->sw_pairs, sw->sw_repeats, sw->sw_seed);
	for (size_t i = 0; i < sw->sw_ntraces; i++)
		hash_text(hash, "%s", sw->sw_trace[i].st_digest);
	for (size_t i = 0; i < sw->sw_ncells; i++)
		hash_text(hash, "%s", sw->sw_cell[i].sc_row.dc_key);
	hash_end(hash, sw->sw_definition);
	free(axes);
	return 0;
}

/* ---- cells ---- */

static int
cell_make(const struct sweep *sw, size_t repeat, size_t i,
    struct sweep_cell *sc)
{
	sc->sc_point = &sw->sw_point[i % sw->sw_npoints];
	sc->sc_trace = &sw->sw_trace[i / sw->sw_npoints];
	sc->sc_row = (struct db_cell){
		.dc_trace = sc->sc_trace->st_path,
		.dc_digest = sc->sc_trace->st_digest,
		.dc_repeat = repeat,
		.dc_tunables = sc->sc_point->pt_tunables,
		.dc_status = CELL_PLANNED,
	};
	if (sc->sc_point->pt_why == NULL)
		return 0;
	sc->sc_row.dc_status = CELL_FAILED;
	sc->sc_row.dc_reason = strdup(sc->sc_point->pt_why);
	return sc->sc_row.dc_reason != NULL ? 0 : ENOMEM;
}

static void
shuffle(struct sweep_cell *cells, size_t n, uint64_t *state)
{
	for (size_t i = n; i > 1; i--) {
		const size_t k = (size_t)draw_below(state, i);
		const struct sweep_cell held = cells[k];

		cells[k] = cells[i - 1];
		cells[i - 1] = held;
	}
}

static int
plan_cells(struct sweep *sw)
{
	const size_t block = sw->sw_npoints * sw->sw_ntraces;
	uint64_t state = sw->sw_seed;
	XXH3_state_t *hash = XXH3_createState();
	struct host_facts hf;
	int error = ENOMEM;

	sw->sw_cell = calloc(block * sw->sw_repeats, sizeof(*sw->sw_cell));
	if (sw->sw_cell == NULL || hash == NULL)
		goto out;
	host_facts(&hf);
	for (size_t r = 0; r < sw->sw_repeats; r++) {
		struct sweep_cell *first = &sw->sw_cell[r * block];

		for (size_t i = 0; i < block; i++) {
			sw->sw_ncells++;
			if ((error = cell_make(sw, r, i, &first[i])) != 0)
				goto out;
			cell_key(sw, &hf, hash, &first[i]);
		}
		shuffle(first, block, &state);
	}
	error = definition(sw, hash);
out:
	(void)XXH3_freeState(hash);
	return error;
}

int
sweep_plan(struct sweep *sw, struct errmsg *em)
{
	int error;

	if ((error = plan_points(sw, em)) == 0)
		error = plan_cells(sw);
	if (error == ENOMEM)
		errmsg_put(em, "no memory for the plan; take fewer values");
	return error;
}

void
sweep_plan_fini(struct sweep *sw)
{
	for (size_t i = 0; i < sw->sw_npoints; i++)
		point_fini(&sw->sw_point[i]);
	for (size_t i = 0; i < sw->sw_ncells; i++)
		free(sw->sw_cell[i].sc_row.dc_reason);
	free(sw->sw_point);
	free(sw->sw_cell);
	sw->sw_point = NULL;
	sw->sw_cell = NULL;
	sw->sw_npoints = sw->sw_ncells = 0;
}

size_t
sweep_count(const struct sweep *sw, enum db_cell_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < sw->sw_ncells; i++)
		n += sw->sw_cell[i].sc_row.dc_status == status;
	return n;
}

/* ---- JSON of the database ---- */

char *
sweep_axes_text(const struct sweep_axes *xs)
{
	json_t *axes = json_array();
	char text[TUNABLE_TEXT_MAX], *out = NULL;
	bool ok = axes != NULL;

	for (size_t i = 0; ok && i < xs->xs_n; i++) {
		const struct sweep_axis *ax = &xs->xs_axis[i];
		const struct tunable *tn = config_tunable(ax->ax_tunable);
		json_t *values = json_array();

		for (size_t k = 0; ok && k < ax->ax_n; k++) {
			tunable_format(tn, ax->ax_value[k], text, sizeof(text));
			ok = json_array_append_new(values, json_string(text)) ==
			    0;
		}
		/* Takes values, also when it fails. */
		ok = json_array_append_new(axes,
			 json_pack("{s:s, s:o}", "name", tn->tn_name, "values",
			     values)) == 0 &&
		    ok;
	}
	if (ok)
		out = json_dumps(axes, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(axes);
	return out;
}

char *
sweep_traces_text(const struct sweep *sw)
{
	json_t *traces = json_array();
	char *out = NULL;
	bool ok = traces != NULL;

	for (size_t i = 0; ok && i < sw->sw_ntraces; i++)
		ok = json_array_append_new(traces,
			 json_pack("{s:o, s:s}", "path",
			     json_text(sw->sw_trace[i].st_path), "digest",
			     sw->sw_trace[i].st_digest)) == 0;
	if (ok)
		out = json_dumps(traces, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(traces);
	return out;
}
