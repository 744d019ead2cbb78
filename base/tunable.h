/*
 * tunable: one row a tunable, and everything that follows from the row.
 *
 * A folder declares its tunables in a .def file whose rows are
 *
 *	TUNABLE(field, KIND, default, min, max, unit, choices, help)
 *
 * and expands it twice: into a struct of uint64_t fields, and into a table of
 * struct tunable.  Options, sweep axes, database columns, `uvn params` and the
 * manual loop over the table; adding a tunable is adding a row.
 */
#ifndef BASE_TUNABLE_H
#define BASE_TUNABLE_H

#include "base/base.h"

/*
 * How the 64 bits of a value are read and written.
 *
 *	UINT	a count; K, M, G are powers of two
 *	SIZE	bytes; K, M, G, T are powers of two
 *	TIME	nanoseconds; ns, us, ms, s, min
 *	RATIO	a non-negative rational: 1/8, 0.125, 4, inf (RATIO())
 *	ENUM	an index into the choices, written a|b|c
 *	QUIRK	an enum quirk: faithful, fixed, or as the profile says
 *	SAMPLE	one in how many: 0 and 1 are written as the two choices, none
 *		and all of them, and others sample:N
 *	PACE	how many times as fast as recorded, a RATIO: trace is 1, and
 *		asap (as fast as can be) RATIO_INF
 */
enum tunable_kind {
	TUN_UINT,
	TUN_SIZE,
	TUN_TIME,
	TUN_RATIO,
	TUN_ENUM,
	TUN_QUIRK,
	TUN_SAMPLE,
	TUN_PACE,
};

/* What became of a quirk of 1998.  By profile until the profile is applied. */
enum quirk {
	QUIRK_BY_PROFILE,
	QUIRK_FAITHFUL,
	QUIRK_FIXED,
};

/* A rational in 64 bits; RATIO_INF is larger than every other. */
#define RATIO(num, den) ((uint64_t)(num) << 32 | (uint64_t)(den))
#define RATIO_INF	RATIO(1, 0)
#define RATIO_NUM(r)	((uint32_t)((r) >> 32))
#define RATIO_DEN(r)	((uint32_t)(r))

struct tunable {
	const char *tn_name; /* option, column and axis name */
	enum tunable_kind tn_kind;
	size_t tn_off;		 /* of the uint64_t in its struct */
	uint64_t tn_def;	 /* default */
	uint64_t tn_min, tn_max; /* inclusive; unused by ENUM and QUIRK */
	const char *tn_unit;	 /* "" if none */
	const char *tn_choices;	 /* ENUM: "a|b|c"; else NULL */
	const char *tn_help;	 /* one line, lower case, no full stop */
};

/* Enough for every value that tunable_format() writes. */
#define TUNABLE_TEXT_MAX 48

/*
 * Read text as a value of tn.
 *
 * => EINVAL: it is no such value; em names the tunable and what it takes
 * => ERANGE: outside the row's bounds; em names them
 * => *valp is written on success only
 */
int tunable_parse(const struct tunable *tn, const char *text, uint64_t *valp,
    struct errmsg *em) mustcheck;

/* Write a value as tunable_parse() reads it; sizes and times keep their unit
 * when it divides them. */
void tunable_format(const struct tunable *tn, uint64_t val, char *buf,
    size_t len);

/* The value as a real number: RATIO and PACE as num/den (inf is HUGE_VAL), else
 * as is. */
double tunable_real(const struct tunable *tn, uint64_t val);

/* Compare two values of tn: < 0, 0, > 0.  RATIO and PACE are rationals. */
int tunable_cmp(const struct tunable *tn, uint64_t a, uint64_t b);

/* Do bounds and ranges mean anything?  False for those that have names only. */
bool tunable_bounded(const struct tunable *tn);

/* Rows and structs. */
uint64_t tunable_get(const struct tunable *tn, const void *base);
void tunable_set(const struct tunable *tn, void *base, uint64_t val);
void tunable_defaults(const struct tunable *table, size_t n, void *base);
const struct tunable *tunable_find(const struct tunable *table, size_t n,
    const char *name);

/*
 * The candidate nearest to word by edit distance, or NULL if none is near
 * enough to be what was meant.  For "unknown X; did you mean Y?".
 */
const char *nearest_word(const char *word, const char *const *candidates,
    size_t n);

/* Numbers with units, for options that are no tunables; same syntax. */
int parse_size(const char *text, uint64_t *valp) mustcheck;
int parse_time(const char *text, uint64_t *valp) mustcheck;
int parse_uint(const char *text, uint64_t *valp) mustcheck;

#endif
