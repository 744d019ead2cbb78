#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/tunable.h"

__extension__ typedef unsigned __int128 wide;

/* Longest decimal read: more digits than any exact 64-bit value needs. */
#define DIGITS_MAX 27

/* A number as written, nu_num / nu_den, and what followed it. */
struct number {
	wide nu_num, nu_den;
	const char *nu_rest;
};

struct unit {
	const char *un_name;
	uint64_t un_factor;
};

static const struct unit count_units[] = {
	{ "", 1 },
	{ "K", 1ULL << 10 },
	{ "M", 1ULL << 20 },
	{ "G", 1ULL << 30 },
	{ "k", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "g", 1ULL << 30 },
};

/* The first five are what tunable_format() writes. */
static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", 1ULL << 10 },
	{ "M", 1ULL << 20 },
	{ "G", 1ULL << 30 },
	{ "T", 1ULL << 40 },
	{ "B", 1 },
	{ "k", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "g", 1ULL << 30 },
	{ "t", 1ULL << 40 },
	{ "KiB", 1ULL << 10 },
	{ "MiB", 1ULL << 20 },
	{ "GiB", 1ULL << 30 },
	{ "TiB", 1ULL << 40 },
};

static const struct unit time_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "min", 60000000000 },
};

static unsigned
digit(char c)
{
	return (unsigned)(c - '0');
}

/*
 * Read digits, and a fraction if there is one, exactly.
 *
 * => EINVAL: no digit where one must be
 * => ERANGE: more digits than we keep
 */
static int
number_read(const char *text, struct number *nu)
{
	const char *p = text;
	unsigned digits = 0;

	*nu = (struct number){ .nu_num = 0, .nu_den = 1 };
	for (; *p >= '0' && *p <= '9'; p++) {
		nu->nu_num = nu->nu_num * 10 + digit(*p);
		if (nu->nu_num != 0 && ++digits > DIGITS_MAX)
			return ERANGE;
	}
	if (p == text)
		return EINVAL;
	if (*p == '.') {
		if (p[1] < '0' || p[1] > '9')
			return EINVAL;
		for (p++; *p >= '0' && *p <= '9'; p++) {
			nu->nu_num = nu->nu_num * 10 + digit(*p);
			nu->nu_den *= 10;
			if (++digits > DIGITS_MAX)
				return ERANGE;
		}
	}
	nu->nu_rest = p;
	return 0;
}

/*
 * A number with one of the units, as a whole number of the smallest.
 *
 * => EINVAL: no such unit, or no whole number
 * => ERANGE: does not fit 64 bits
 */
static int
scaled_read(const char *text, const struct unit *units, size_t n,
    uint64_t *valp)
{
	struct number nu;
	wide val;
	size_t i;
	int error;

	if ((error = number_read(text, &nu)) != 0)
		return error;
	for (i = 0; i < n; i++)
		if (strcmp(nu.nu_rest, units[i].un_name) == 0)
			break;
	if (i == n && (nu.nu_num != 0 || *nu.nu_rest != '\0'))
		return EINVAL;
	if (nu.nu_num == 0) {
		*valp = 0;
		return 0;
	}
	/* Keep the product below within 128 bits: 10^27 < 2^90. */
	if (nu.nu_num / nu.nu_den > UINT64_MAX / units[i].un_factor)
		return ERANGE;
	if (nu.nu_num > (wide)-1 / units[i].un_factor)
		return ERANGE;
	val = nu.nu_num * units[i].un_factor;
	if (val % nu.nu_den != 0)
		return EINVAL;
	val /= nu.nu_den;
	if (val > UINT64_MAX)
		return ERANGE;
	*valp = (uint64_t)val;
	return 0;
}

int
parse_size(const char *text, uint64_t *valp)
{
	return scaled_read(text, size_units, nitems(size_units), valp);
}

int
parse_time(const char *text, uint64_t *valp)
{
	return scaled_read(text, time_units, nitems(time_units), valp);
}

int
parse_uint(const char *text, uint64_t *valp)
{
	return scaled_read(text, count_units, nitems(count_units), valp);
}

static wide
gcd(wide a, wide b)
{
	while (b != 0) {
		const wide r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* 1/8, 0.125, 4, inf, and 1.5/4; kept in lowest terms. */
static int
ratio_read(const char *text, uint64_t *valp)
{
	struct number over, under = { .nu_num = 1, .nu_den = 1, .nu_rest = "" };
	wide num, den, g;
	int error;

	if (strcmp(text, "inf") == 0) {
		*valp = RATIO_INF;
		return 0;
	}
	if ((error = number_read(text, &over)) != 0)
		return error;
	if (*over.nu_rest == '/') {
		if ((error = number_read(over.nu_rest + 1, &under)) != 0)
			return error;
	} else
		under.nu_rest = over.nu_rest;
	if (*under.nu_rest != '\0' || under.nu_num == 0)
		return EINVAL;

	/* Reduce before multiplying: each is below 10^27, so is the other. */
	g = gcd(over.nu_num, over.nu_den);
	over.nu_num /= g;
	over.nu_den /= g;
	g = gcd(under.nu_num, under.nu_den);
	under.nu_num /= g;
	under.nu_den /= g;
	g = gcd(over.nu_num, under.nu_num);
	over.nu_num /= g;
	under.nu_num /= g;
	g = gcd(over.nu_den, under.nu_den);
	over.nu_den /= g;
	under.nu_den /= g;
	if (over.nu_num > UINT32_MAX || under.nu_den > UINT32_MAX ||
	    over.nu_den > UINT32_MAX || under.nu_num > UINT32_MAX)
		return ERANGE;
	num = over.nu_num * under.nu_den;
	den = over.nu_den * under.nu_num;
	if (num > UINT32_MAX || den > UINT32_MAX)
		return ERANGE;
	*valp = RATIO(num, num == 0 ? 1 : den);
	return 0;
}

#define CHOICE_MAX 32 /* choices of an ENUM */
#define CHOICE_LEN 32 /* letters of one */

/* Cut "a|b|c" into words; returns how many. */
static size_t
choices_split(const char *choices, char words[CHOICE_MAX][CHOICE_LEN])
{
	size_t n = 0, len;

	while (n < CHOICE_MAX) {
		len = strcspn(choices, "|");
		if (len >= CHOICE_LEN)
			len = CHOICE_LEN - 1;
		memcpy(words[n], choices, len);
		words[n++][len] = '\0';
		choices += strcspn(choices, "|");
		if (*choices++ == '\0')
			break;
	}
	return n;
}

static int
choice_read(const char *name, const char *choices, const char *text,
    uint64_t *valp, struct errmsg *em)
{
	char words[CHOICE_MAX][CHOICE_LEN];
	const char *list[CHOICE_MAX], *near;
	const size_t n = choices_split(choices, words);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, words[i]) == 0) {
			*valp = i;
			return 0;
		}
		list[i] = words[i];
	}
	near = nearest_word(text, list, n);
	return ERRMSG(em, EINVAL, "%s: '%.40s' is none of %s%s%s%s", name, text,
	    choices, near != NULL ? "; did you mean '" : "",
	    near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* In the order of enum quirk. */
static const char quirk_choices[] = "profile|faithful|fixed";

/* One of two words, for 0 and 1, or sample:N. */
static int
sample_read(const char *choices, const char *text, uint64_t *valp)
{
	static const char sample[] = "sample:";
	char words[CHOICE_MAX][CHOICE_LEN];
	uint64_t n;
	int error = 0;

	if (choices_split(choices, words) != 2)
		return EINVAL;
	if (strcmp(text, words[0]) == 0)
		n = 0;
	else if (strcmp(text, words[1]) == 0)
		n = 1;
	else {
		if (strncmp(text, sample, sizeof(sample) - 1) != 0)
			return EINVAL;
		error = parse_uint(text + sizeof(sample) - 1, &n);
		if (error == 0 && n == 0)
			error = EINVAL;
	}
	if (error == 0)
		*valp = n;
	return error;
}

/* asap, trace, or a ratio. */
static int
pace_read(const char *text, uint64_t *valp)
{
	if (strcmp(text, "asap") == 0)
		*valp = RATIO_INF;
	else if (strcmp(text, "trace") == 0)
		*valp = RATIO(1, 1);
	else
		return ratio_read(text, valp);
	return 0;
}

/* What a value of the kind looks like, for messages. */
static const char *
kind_syntax(const struct tunable *tn, char *buf, size_t len)
{
	char words[CHOICE_MAX][CHOICE_LEN];

	switch (tn->tn_kind) {
	case TUN_UINT:
		return "a count such as 100, 64K, 1M";
	case TUN_SIZE:
		return "a size such as 4096, 64K, 1G";
	case TUN_TIME:
		return "a time such as 250us, 30s, 5min (or 0)";
	case TUN_RATIO:
		return "a ratio such as 1/8, 0.125, 4, inf";
	case TUN_SAMPLE:
		if (choices_split(tn->tn_choices, words) != 2)
			break;
		(void)snprintf(buf, len, "%s, %s or sample:N with N at least 1",
		    words[0], words[1]);
		return buf;
	case TUN_PACE:
		return "asap, trace or a factor such as 2, 1/2";
	case TUN_ENUM:
	case TUN_QUIRK:
		break;
	}
	return "one of its choices";
}

static int
bounds_check(const struct tunable *tn, const char *text, uint64_t val,
    struct errmsg *em)
{
	char min[TUNABLE_TEXT_MAX], max[TUNABLE_TEXT_MAX];

	if (tunable_cmp(tn, val, tn->tn_min) >= 0 &&
	    (tn->tn_max == UINT64_MAX || tunable_cmp(tn, val, tn->tn_max) <= 0))
		return 0;
	tunable_format(tn, tn->tn_min, min, sizeof(min));
	tunable_format(tn, tn->tn_max, max, sizeof(max));
	if (tn->tn_max == UINT64_MAX)
		return ERRMSG(em, ERANGE,
		    "%s: %.40s is too small; it may be %s or more", tn->tn_name,
		    text, min);
	return ERRMSG(em, ERANGE,
	    "%s: %.40s is out of bounds; it may be %s to %s", tn->tn_name, text,
	    min, max);
}

int
tunable_parse(const struct tunable *tn, const char *text, uint64_t *valp,
    struct errmsg *em)
{
	char syntax[2 * CHOICE_LEN + 64];
	uint64_t val = 0;
	int error = EINVAL;

	switch (tn->tn_kind) {
	case TUN_ENUM:
		return choice_read(tn->tn_name, tn->tn_choices, text, valp, em);
	case TUN_QUIRK:
		return choice_read(tn->tn_name, quirk_choices, text, valp, em);
	case TUN_UINT:
		error = parse_uint(text, &val);
		break;
	case TUN_SIZE:
		error = parse_size(text, &val);
		break;
	case TUN_TIME:
		error = parse_time(text, &val);
		break;
	case TUN_RATIO:
		error = ratio_read(text, &val);
		break;
	case TUN_SAMPLE:
		error = sample_read(tn->tn_choices, text, &val);
		break;
	case TUN_PACE:
		error = pace_read(text, &val);
		break;
	}
	if (error == ERANGE)
		return ERRMSG(em, error,
		    "%s: '%.40s' is beyond what fits; give %s", tn->tn_name,
		    text, kind_syntax(tn, syntax, sizeof(syntax)));
	if (error != 0)
		return ERRMSG(em, error, "%s: '%.40s' is not %s", tn->tn_name,
		    text, kind_syntax(tn, syntax, sizeof(syntax)));
	if ((error = bounds_check(tn, text, val, em)) != 0)
		return error;
	*valp = val;
	return 0;
}

/* The value in the largest of the first n units that divides it. */
static void
scaled_write(uint64_t val, const struct unit *units, size_t n, char *buf,
    size_t len)
{
	size_t i = n - 1;

	while (i > 0 && val % units[i].un_factor != 0)
		i--;
	(void)snprintf(buf, len, "%llu%s",
	    (unsigned long long)(val / units[i].un_factor), units[i].un_name);
}

static void
choice_write(const char *choices, uint64_t val, char *buf, size_t len)
{
	char words[CHOICE_MAX][CHOICE_LEN];

	if (val < choices_split(choices, words))
		(void)snprintf(buf, len, "%s", words[val]);
	else
		(void)snprintf(buf, len, "%llu", (unsigned long long)val);
}

static void
ratio_write(uint64_t val, char *buf, size_t len)
{
	if (RATIO_NUM(val) == 0)
		(void)snprintf(buf, len, "0");
	else if (RATIO_DEN(val) == 0)
		(void)snprintf(buf, len, "inf");
	else if (RATIO_DEN(val) == 1)
		(void)snprintf(buf, len, "%u", RATIO_NUM(val));
	else
		(void)snprintf(buf, len, "%u/%u", RATIO_NUM(val),
		    RATIO_DEN(val));
}

static void
pace_write(uint64_t val, char *buf, size_t len)
{
	if (RATIO_DEN(val) == 0)
		(void)snprintf(buf, len, "asap");
	else if (val == RATIO(1, 1))
		(void)snprintf(buf, len, "trace");
	else
		ratio_write(val, buf, len);
}

void
tunable_format(const struct tunable *tn, uint64_t val, char *buf, size_t len)
{
	switch (tn->tn_kind) {
	case TUN_UINT:
		(void)snprintf(buf, len, "%llu", (unsigned long long)val);
		break;
	case TUN_SIZE:
		if (val == 0)
			(void)snprintf(buf, len, "0");
		else
			scaled_write(val, size_units, 5, buf, len);
		break;
	case TUN_TIME:
		if (val == 0)
			(void)snprintf(buf, len, "0");
		else
			scaled_write(val, time_units, nitems(time_units), buf,
			    len);
		break;
	case TUN_RATIO:
		ratio_write(val, buf, len);
		break;
	case TUN_ENUM:
		choice_write(tn->tn_choices, val, buf, len);
		break;
	case TUN_QUIRK:
		choice_write(quirk_choices, val, buf, len);
		break;
	case TUN_SAMPLE:
		if (val <= 1)
			choice_write(tn->tn_choices, val, buf, len);
		else
			(void)snprintf(buf, len, "sample:%llu",
			    (unsigned long long)val);
		break;
	case TUN_PACE:
		pace_write(val, buf, len);
		break;
	}
}

double
tunable_real(const struct tunable *tn, uint64_t val)
{
	if (tn->tn_kind != TUN_RATIO && tn->tn_kind != TUN_PACE)
		return (double)val;
	if (RATIO_NUM(val) == 0)
		return 0;
	if (RATIO_DEN(val) == 0)
		return HUGE_VAL;
	return (double)RATIO_NUM(val) / (double)RATIO_DEN(val);
}

int
tunable_cmp(const struct tunable *tn, uint64_t a, uint64_t b)
{
	if (tn->tn_kind == TUN_RATIO || tn->tn_kind == TUN_PACE) {
		/* 0/0 is how a row writes a bound of 0. */
		if (RATIO_NUM(a) == 0)
			a = RATIO(0, 1);
		if (RATIO_NUM(b) == 0)
			b = RATIO(0, 1);
		if (RATIO_DEN(a) == 0 || RATIO_DEN(b) == 0)
			return (RATIO_DEN(a) == 0) - (RATIO_DEN(b) == 0);

		const uint64_t left = (uint64_t)RATIO_NUM(a) * RATIO_DEN(b);
		const uint64_t right = (uint64_t)RATIO_NUM(b) * RATIO_DEN(a);

		return (left > right) - (left < right);
	}
	return (a > b) - (a < b);
}

bool
tunable_bounded(const struct tunable *tn)
{

	return tn->tn_kind != TUN_ENUM && tn->tn_kind != TUN_QUIRK &&
	    tn->tn_kind != TUN_SAMPLE && tn->tn_kind != TUN_PACE;
}

uint64_t
tunable_get(const struct tunable *tn, const void *base)
{
	uint64_t val;

	memcpy(&val, (const char *)base + tn->tn_off, sizeof(val));
	return val;
}

void
tunable_set(const struct tunable *tn, void *base, uint64_t val)
{
	memcpy((char *)base + tn->tn_off, &val, sizeof(val));
}

void
tunable_defaults(const struct tunable *table, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++)
		tunable_set(&table[i], base, table[i].tn_def);
}

const struct tunable *
tunable_find(const struct tunable *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const char *a = table[i].tn_name, *b = name;

		while (*a != '\0' && *a == (*b == '-' ? '_' : *b)) {
			a++;
			b++;
		}
		if (*a == '\0' && *b == '\0')
			return &table[i];
	}
	return NULL;
}
