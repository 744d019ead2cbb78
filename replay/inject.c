/*
 * inject.c: rules of --inject.
 *
 * Each word is a row of a table here; messages list the tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/inject.h"

#define DELAY_MAX 60000000000U /* ns */
#define WORD_MAX  32

static const struct {
	const char *wh_name;
	unsigned wh_what; /* INJECT_ */
} whats[] = {
	{ "read", INJECT_READ },
	{ "write", INJECT_WRITE },
	{ "sync", INJECT_SYNC },
	{ "truncate", INJECT_TRUNCATE },
	{ "latency", INJECT_READ | INJECT_WRITE | INJECT_SYNC },
};

/*
 * Errors of devices and file systems; 0: it is short.  Not those that a program
 * gets for its own mistakes, which the replay takes for the program's.
 */
static const struct {
	const char *fa_name;
	int fa_error;
} faults[] = {
	{ "eio", EIO },
	{ "enospc", ENOSPC },
	{ "edquot", EDQUOT },
	{ "erofs", EROFS },
	{ "enxio", ENXIO },
	{ "etimedout", ETIMEDOUT },
	{ "short", 0 },
};

enum value { VALUE_COUNT, VALUE_NUMBER, VALUE_FILE, VALUE_SIZE, VALUE_SHARE };

static const struct {
	const char *co_name;
	enum value co_value;
	size_t co_off; /* in struct inject_rule */
} conditions[] = {
	{ "every", VALUE_COUNT, offsetof(struct inject_rule, ij_every) },
	{ "nth", VALUE_COUNT, offsetof(struct inject_rule, ij_nth) },
	{ "page", VALUE_NUMBER, offsetof(struct inject_rule, ij_page) },
	{ "file", VALUE_FILE, offsetof(struct inject_rule, ij_file) },
	{ "after", VALUE_SIZE, offsetof(struct inject_rule, ij_after) },
	{ "p", VALUE_SHARE, offsetof(struct inject_rule, ij_p) },
};

/* A word of the rule is none of those: say which there are. */
#define UNKNOWN(text, word, what, table, field, em)                            \
	do {                                                                   \
		const char *names_[nitems(table)];                             \
                                                                               \
		for (size_t i_ = 0; i_ < nitems(table); i_++)                  \
			names_[i_] = (table)[i_].field;                        \
		unknown((text), (word), (what), names_, nitems(table), (em));  \
	} while (0)

static void
unknown(const char *text, const char *word, const char *what,
    const char *const *names, size_t n, struct errmsg *em)
{
	const char *const near = nearest_word(word, names, n);
	char list[160] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const int added = snprintf(list + len, sizeof(list) - len,
		    "%s%s", i > 0 ? ", " : "", names[i]);

		if (added < 0 || (size_t)added >= sizeof(list) - len)
			break;
		len += (size_t)added;
	}
	if (near != NULL)
		errmsg_put(em,
		    "'%.60s': unknown %s '%.24s'; did you mean '%s'?", text,
		    what, word, near);
	else
		errmsg_put(em, "'%.60s': unknown %s '%.24s'; there are %s",
		    text, what, word, list);
}

/*
 * Cut the word off *pp that ends with one of stops, which *pp is left at.
 *
 * => what is too long for any word ends with a question mark, which none has
 */
static void
cut(const char **pp, const char *stops, char word[WORD_MAX])
{
	const size_t len = strcspn(*pp, stops);
	const size_t n = len < WORD_MAX ? len : WORD_MAX - 1;

	memcpy(word, *pp, n);
	word[n] = '\0';
	if (n < len)
		word[n - 1] = '?';
	*pp += len;
}

static int
parse_what(const char *text, const char *word, struct inject_rule *ij,
    struct errmsg *em)
{
	for (size_t i = 0; i < nitems(whats); i++)
		if (strcmp(word, whats[i].wh_name) == 0) {
			ij->ij_what = whats[i].wh_what;
			return 0;
		}
	UNKNOWN(text, word, "kind of I/O", whats, wh_name, em);
	return EINVAL;
}

static int
parse_fault(const char *text, const char *word, struct inject_rule *ij,
    struct errmsg *em)
{
	const bool latency = strncmp(text, "latency:", 8) == 0;

	if (*word == '+' || (*word >= '0' && *word <= '9')) {
		if (*word == '+' && parse_time(word + 1, &ij->ij_delay) == 0 &&
		    ij->ij_delay != 0 && ij->ij_delay <= DELAY_MAX)
			return 0;
		return ERRMSG(em, EINVAL,
		    "'%.60s': '%s' is not a delay such as +5ms, +250us; at "
		    "most +1min",
		    text, word);
	}
	if (latency)
		return ERRMSG(em, EINVAL,
		    "'%.60s': latency takes a delay such as +5ms, not '%s'",
		    text, word);
	for (size_t i = 0; i < nitems(faults); i++)
		if (strcmp(word, faults[i].fa_name) == 0) {
			ij->ij_error = faults[i].fa_error;
			ij->ij_short = faults[i].fa_error == 0;
			return 0;
		}
	UNKNOWN(text, word, "fault", faults, fa_name, em);
	return EINVAL;
}

/* The value of a condition, into the field that is its. */
static bool
parse_value(enum value kind, const char *word, void *field)
{
	static const struct tunable share = {
		.tn_name = "p",
		.tn_kind = TUN_RATIO,
		.tn_min = RATIO(0, 1),
		.tn_max = RATIO(1, 1),
		.tn_unit = "",
	};
	struct errmsg unused = { .em_text = "" };
	uint64_t val = 0;
	bool ok = false;

	switch (kind) {
	case VALUE_COUNT:
		ok = parse_uint(word, &val) == 0 && val != 0;
		break;
	case VALUE_NUMBER:
		ok = parse_uint(word, &val) == 0 && val != INJECT_ANY;
		break;
	case VALUE_FILE:
		if (parse_uint(word, &val) != 0 || val == 0 || val > UINT32_MAX)
			return false;
		*(uint32_t *)field = (uint32_t)val;
		return true;
	case VALUE_SIZE:
		ok = parse_size(word, &val) == 0 && val != 0;
		break;
	case VALUE_SHARE:
		ok = tunable_parse(&share, word, &val, &unused) == 0 &&
		    RATIO_NUM(val) != 0;
		break;
	}
	if (ok)
		*(uint64_t *)field = val;
	return ok;
}

static const char *
value_what(enum value kind)
{

	switch (kind) {
	case VALUE_COUNT:
		return "a count from 1 on";
	case VALUE_NUMBER:
		return "the number of a page, from 0";
	case VALUE_FILE:
		return "the number of a file of the trace";
	case VALUE_SIZE:
		return "a size such as 64K, 64M";
	case VALUE_SHARE:
		break;
	}
	return "a probability above 0, up to 1, such as 0.01 or 1/100";
}

/* NAME=VALUE at *pp, which is moved behind it; seen has a bit for each name. */
static int
parse_condition(const char *text, const char **pp, unsigned *seen,
    struct inject_rule *ij, struct errmsg *em)
{
	char name[WORD_MAX], value[WORD_MAX] = "";
	size_t i;

	cut(pp, "=@", name);
	if (**pp == '=') {
		(*pp)++;
		cut(pp, "@", value);
	}
	for (i = 0; i < nitems(conditions); i++)
		if (strcmp(name, conditions[i].co_name) == 0)
			break;
	if (i == nitems(conditions)) {
		UNKNOWN(text, name, "condition", conditions, co_name, em);
		return EINVAL;
	}
	if (*seen & 1U << i)
		return ERRMSG(em, EINVAL, "'%.60s': %s is given twice", text,
		    name);
	*seen |= 1U << i;
	if (!parse_value(conditions[i].co_value, value,
		(char *)ij + conditions[i].co_off))
		return ERRMSG(em, EINVAL, "'%.60s': %s='%s' is not %s", text,
		    name, value, value_what(conditions[i].co_value));
	return 0;
}

/* What the parts of a rule, each right by itself, do not make together. */
static int
check(const char *text, const struct inject_rule *ij, struct errmsg *em)
{
	const bool moves = (ij->ij_what & (INJECT_READ | INJECT_WRITE)) != 0;

	if (!moves && ij->ij_short)
		return ERRMSG(em, EINVAL,
		    "'%.60s': only read and write move bytes and can be short",
		    text);
	if (!moves && (ij->ij_page != INJECT_ANY || ij->ij_after != 0))
		return ERRMSG(em, EINVAL,
		    "'%.60s': page and after are for read and write", text);
	if (ij->ij_nth != 0 && ij->ij_every != 0)
		return ERRMSG(em, EINVAL,
		    "'%.60s': nth and every together mean nothing; give two "
		    "rules, or one of them",
		    text);
	return 0;
}

int
inject_parse(const char *text, struct inject_rule *ij, struct errmsg *em)
{
	struct inject_rule rule = { .ij_page = INJECT_ANY,
		.ij_p = RATIO(1, 1) };
	const char *p = text;
	char word[WORD_MAX];
	unsigned seen = 0;
	int error;

	cut(&p, ":@", word);
	if (*p != ':')
		return ERRMSG(em, EINVAL,
		    "'%.60s' is not WHAT:FAULT[@CONDITION...], such as "
		    "write:eio@every=100",
		    text);
	if ((error = parse_what(text, word, &rule, em)) != 0)
		return error;
	p++;
	cut(&p, "@", word);
	if ((error = parse_fault(text, word, &rule, em)) != 0)
		return error;
	while (*p == '@') {
		p++;
		if ((error = parse_condition(text, &p, &seen, &rule, em)) != 0)
			return error;
	}
	if ((error = check(text, &rule, em)) != 0)
		return error;
	*ij = rule;
	return 0;
}
