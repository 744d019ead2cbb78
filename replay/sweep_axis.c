/*
 * sweep_axis.c: the values of an axis.
 *
 * Ranges are computed with rationals, so that 1/64..64*2 has 13 values on every
 * machine and each is what the same text after --set would be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/sweep.h"

struct rational {
	uint128_t ra_num, ra_den;
};

/* A range, read. */
struct range {
	uint64_t rg_first, rg_last;
	bool rg_times;	  /* * and not + */
	uint64_t rg_step; /* a factor is a ratio, whatever the tunable */
};

static struct rational
reduce(uint128_t num, uint128_t den)
{
	uint128_t a = num, b = den;

	while (b != 0) {
		const uint128_t r = a % b;

		a = b;
		b = r;
	}
	return (struct rational){ num / a, den / a };
}

static struct rational
ratio_of(uint64_t val)
{
	if (RATIO_NUM(val) == 0)
		return (struct rational){ 0, 1 };
	return (struct rational){ RATIO_NUM(val), RATIO_DEN(val) };
}

static struct rational
value_of(const struct tunable *tn, uint64_t val)
{
	if (tn->tn_kind == TUN_RATIO)
		return ratio_of(val);
	return (struct rational){ val, 1 };
}

static bool
is_inf(const struct tunable *tn, uint64_t val)
{
	return tn->tn_kind == TUN_RATIO && RATIO_NUM(val) != 0 &&
	    RATIO_DEN(val) == 0;
}

static bool
is_zero(const struct tunable *tn, uint64_t val)
{
	return value_of(tn, val).ra_num == 0;
}

/*
 * The value after val, if it is not beyond the last.
 *
 * => no product overflows: parts of a ratio have 32 bits, and of two numbers
 *    that are multiplied one is a ratio
 * => *endp: there is none
 */
static int
successor(const struct tunable *tn, const struct range *rg, uint64_t val,
    uint64_t *nextp, bool *endp, struct errmsg *em)
{
	const struct rational a = value_of(tn, val);
	const struct rational last = value_of(tn, rg->rg_last);
	struct rational s =
	    rg->rg_times ? ratio_of(rg->rg_step) : value_of(tn, rg->rg_step);
	char text[TUNABLE_TEXT_MAX], step[TUNABLE_TEXT_MAX];

	if (rg->rg_times)
		s = reduce(a.ra_num * s.ra_num, a.ra_den * s.ra_den);
	else
		s = reduce(a.ra_num * s.ra_den + s.ra_num * a.ra_den,
		    a.ra_den * s.ra_den);
	*endp = s.ra_num * last.ra_den > last.ra_num * s.ra_den;
	if (*endp)
		return 0;
	if (tn->tn_kind == TUN_RATIO && s.ra_num <= UINT32_MAX &&
	    s.ra_den <= UINT32_MAX)
		*nextp = RATIO(s.ra_num, s.ra_den);
	else if (tn->tn_kind != TUN_RATIO && s.ra_den == 1)
		*nextp = (uint64_t)s.ra_num;
	else {
		const struct tunable factor = { .tn_kind = TUN_RATIO };

		tunable_format(tn, val, text, sizeof(text));
		tunable_format(rg->rg_times ? &factor : tn, rg->rg_step, step,
		    sizeof(step));
		return ERRMSG(em, ERANGE,
		    "%s: the value after %s, %c %s, is %s; list the values, or "
		    "choose another step",
		    tn->tn_name, text, rg->rg_times ? '*' : '+', step,
		    tn->tn_kind == TUN_RATIO ? "no fraction that fits" :
					       "no whole number");
	}
	return 0;
}

static int
axis_put(struct sweep_axis *ax, const struct tunable *tn, uint64_t val,
    struct errmsg *em)
{
	char text[TUNABLE_TEXT_MAX];

	tunable_format(tn, val, text, sizeof(text));
	for (size_t i = 0; i < ax->ax_n; i++)
		if (tunable_cmp(tn, ax->ax_value[i], val) == 0)
			return ERRMSG(em, EINVAL, "%s: %s is there twice",
			    tn->tn_name, text);
	if (ax->ax_n == SWEEP_AXIS_MAX)
		return ERRMSG(em, ERANGE,
		    "%s: more than %d values; take a larger step", tn->tn_name,
		    SWEEP_AXIS_MAX);
	ax->ax_value[ax->ax_n++] = val;
	return 0;
}

/* The range between dots and step: its ends and its step make sense. */
static int
range_check(const struct tunable *tn, const struct range *rg, const char *text,
    struct errmsg *em)
{
	const struct rational step =
	    rg->rg_times ? ratio_of(rg->rg_step) : value_of(tn, rg->rg_step);

	if (is_inf(tn, rg->rg_first) || is_inf(tn, rg->rg_last))
		return ERRMSG(em, EINVAL,
		    "%s: no range ends at inf; name it by itself, behind a "
		    "comma",
		    tn->tn_name);
	if (tunable_cmp(tn, rg->rg_first, rg->rg_last) > 0)
		return ERRMSG(em, EINVAL,
		    "%s: '%.40s' begins above its end; ranges ascend",
		    tn->tn_name, text);
	if (rg->rg_times && is_zero(tn, rg->rg_first))
		return ERRMSG(em, EINVAL,
		    "%s: '%.40s' stays at 0; name 0 by itself, before a comma",
		    tn->tn_name, text);
	if (step.ra_den == 0 ||
	    (rg->rg_times ? step.ra_num <= step.ra_den : step.ra_num == 0))
		return ERRMSG(em, EINVAL,
		    "%s: '%.40s' does not ascend; a factor is above 1, a step "
		    "above 0",
		    tn->tn_name, text);
	return 0;
}

/*
 * Read A..B*F or A..B+S, whose dots are at dots.
 *
 * => text is cut up
 */
static int
range_read(const struct tunable *tn, char *text, char *dots, struct range *rg,
    struct errmsg *em)
{
	struct tunable step = *tn;
	char *last = dots + 2, *sign = strpbrk(last, "*+"), whole[48];
	char op;
	int error;

	(void)strncpy(whole, text, sizeof(whole) - 1);
	whole[sizeof(whole) - 1] = '\0';
	if (!tunable_bounded(tn))
		return ERRMSG(em, EINVAL,
		    "%s: '%.40s': it has no ranges; list the values",
		    tn->tn_name, whole);
	if (sign == NULL)
		return ERRMSG(em, EINVAL,
		    "%s: '%.40s' lacks its step: A..B*F or A..B+S", tn->tn_name,
		    whole);
	op = *sign;
	*dots = *sign = '\0';
	rg->rg_times = op == '*';
	if (rg->rg_times)
		step.tn_kind = TUN_RATIO;
	step.tn_min = 0;
	step.tn_max = UINT64_MAX;
	if ((error = tunable_parse(tn, text, &rg->rg_first, em)) != 0 ||
	    (error = tunable_parse(tn, last, &rg->rg_last, em)) != 0 ||
	    (error = tunable_parse(&step, sign + 1, &rg->rg_step, em)) != 0)
		return error;
	return range_check(tn, rg, whole, em);
}

static int
item_add(struct sweep_axis *ax, const struct tunable *tn, char *item,
    struct errmsg *em)
{
	char *dots = strstr(item, "..");
	struct range rg;
	uint64_t val;
	bool end = false;
	int error;

	if (dots == NULL) {
		if ((error = tunable_parse(tn, item, &val, em)) != 0)
			return error;
		return axis_put(ax, tn, val, em);
	}
	if ((error = range_read(tn, item, dots, &rg, em)) != 0)
		return error;
	for (val = rg.rg_first; !end;) {
		if ((error = axis_put(ax, tn, val, em)) != 0 ||
		    (error = successor(tn, &rg, val, &val, &end, em)) != 0)
			return error;
	}
	return 0;
}

/* Find the tunable of the name that ends at equals. */
static int
axis_tunable(const char *text, const char *equals, size_t *indexp,
    struct errmsg *em)
{
	char name[64];
	const size_t len = (size_t)(equals - text);
	struct config scratch;

	if (len >= sizeof(name))
		return ERRMSG(em, EINVAL, "unknown tunable '%.60s'", text);
	(void)memcpy(name, text, len);
	name[len] = '\0';
	for (size_t i = 0; i < config_count(); i++)
		if (tunable_find(config_tunable(i), 1, name) != NULL) {
			*indexp = i;
			return 0;
		}
	config_init(&scratch);
	return config_assign(&scratch, name, "", em);
}

static int
axis_read(struct sweep_axis *ax, const char *text, struct errmsg *em)
{
	const char *equals = strchr(text, '=');
	char *copy, *item, *comma;
	int error;

	if (equals == NULL || equals == text)
		return ERRMSG(em, EINVAL, "'%.60s' is not NAME=VALUE,...",
		    text);
	if ((error = axis_tunable(text, equals, &ax->ax_tunable, em)) != 0)
		return error;
	ax->ax_value = calloc(SWEEP_AXIS_MAX, sizeof(*ax->ax_value));
	ax->ax_text = strdup(text);
	copy = strdup(equals + 1);
	if (ax->ax_value == NULL || ax->ax_text == NULL || copy == NULL)
		error = ERRMSG(em, ENOMEM, "out of memory");
	for (item = copy; error == 0 && item != NULL; item = comma) {
		comma = strchr(item, ',');
		if (comma != NULL)
			*comma++ = '\0';
		error = item_add(ax, config_tunable(ax->ax_tunable), item, em);
	}
	free(copy);
	return error;
}

static void
axis_fini(struct sweep_axis *ax)
{
	free(ax->ax_value);
	free(ax->ax_text);
}

int
sweep_axis_add(struct sweep_axes *xs, const char *text, struct errmsg *em)
{
	struct sweep_axis ax = { .ax_n = 0 }, *grown;
	int error;

	if ((error = axis_read(&ax, text, em)) != 0)
		goto fail;
	for (size_t i = 0; i < xs->xs_n; i++)
		if (xs->xs_axis[i].ax_tunable == ax.ax_tunable) {
			error = ERRMSG(em, EINVAL, "%s has an axis already",
			    config_tunable(ax.ax_tunable)->tn_name);
			goto fail;
		}
	grown = reallocarray(xs->xs_axis, xs->xs_n + 1, sizeof(*grown));
	if (grown == NULL) {
		error = ERRMSG(em, ENOMEM, "out of memory");
		goto fail;
	}
	xs->xs_axis = grown;
	xs->xs_axis[xs->xs_n++] = ax;
	return 0;
fail:
	axis_fini(&ax);
	return error;
}

void
sweep_axes_fini(struct sweep_axes *xs)
{
	for (size_t i = 0; i < xs->xs_n; i++)
		axis_fini(&xs->xs_axis[i]);
	free(xs->xs_axis);
	*xs = (struct sweep_axes){ .xs_n = 0 };
}
