#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>

#include "traces/scan_call.h"

/* What headers older than the kernel lack. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

static const struct {
	const char *name;
	uint64_t value;
	bool few;
} consts[] = {
#define CONST(NAME) { #NAME, (uint64_t)(NAME), false },
#define FEW(NAME)   { #NAME, (uint64_t)(NAME), true },
#include "traces/scan_const.def"
#undef CONST
#undef FEW
};

enum const_kind {
	CONST_KNOWN,
	CONST_OTHER,   /* of no family that matters; its value is 0 */
	CONST_UNKNOWN, /* of one that does */
};

/* Are name and other of the same family? */
static bool
same_family(const char *name, const char *other)
{
	const char *end = strchr(other, '_');

	return strncmp(name, other, (size_t)(end - other) + 1) == 0;
}

/* The value of a constant; prefix is put before its name. */
static enum const_kind
const_value(const char *prefix, const struct scan *name, uint64_t *vp)
{
	char full[64];
	const size_t n = strlen(prefix);
	bool known = false;

	*vp = 0;
	if (n + scan_left(name) >= sizeof(full))
		return CONST_OTHER;
	memcpy(full, prefix, n);
	scan_copy(name, full + n, sizeof(full) - n);
	for (size_t i = 0; i < nitems(consts); i++) {
		if (strcmp(full, consts[i].name) == 0) {
			*vp = consts[i].value;
			return CONST_KNOWN;
		}
		known |= !consts[i].few && same_family(full, consts[i].name);
	}
	return known ? CONST_UNKNOWN : CONST_OTHER;
}

/* Some tools leave the prefix out, but not always. */
static enum const_kind
named(const char *prefix, const struct scan *name, uint64_t *vp)
{
	struct scan rest = *name;

	return const_value(scan_text(&rest, prefix) ? "" : prefix, name, vp);
}

/* One of the words of A|B|0x10|21<<C; is it alone? */
static const char *
term(struct scan *sc, const char *prefix, bool alone, uint64_t *vp)
{
	struct scan word;
	uint64_t shift;

	if (scan_number(sc, vp)) {
		if (!scan_text(sc, "<<"))
			return NULL;
		if (!scan_word(sc, &word) ||
		    const_value("", &word, &shift) != CONST_KNOWN || shift > 63)
			return "a shift by something unknown";
		*vp <<= shift;
		return NULL;
	}
	if (!scan_word(sc, &word))
		return "an argument is not understood";
	*vp = 0;
	if (scan_is(&word, "NULL") ||
	    (scan_left(&word) > 3 && memcmp(word.sc_p, "SIG", 3) == 0))
		return NULL;
	switch (named(prefix, &word, vp)) {
	case CONST_UNKNOWN:
		return "a constant is not known";
	case CONST_OTHER:
		/* It must not look like one that matters. */
		if (alone)
			*vp = SCAN_OTHER;
		return NULL;
	case CONST_KNOWN:
		break;
	}
	return NULL;
}

const char *
scan_flags(const struct scan *text, const char *prefix, uint64_t *vp)
{
	const bool alone = scan_find(text, "|") == NULL;
	struct scan sc = *text;
	const char *wrong;
	uint64_t v;

	*vp = 0;
	do {
		wrong = term(&sc, prefix, alone, &v);
		if (wrong != NULL)
			return wrong;
		*vp |= v;
	} while (scan_text(&sc, "|"));
	return NULL;
}

/* Step over a string; false: it has no end. */
static bool
skip_string(struct scan *sc)
{
	char none[1];

	return scan_quoted(sc, none, sizeof(none));
}

/*
 * Step over a note on a descriptor, "<...>".  Signs that could end it are
 * escaped in paths, and nowhere else.
 */
static bool
note(struct scan *sc)
{
	struct scan text = { sc->sc_p + 1, sc->sc_end }, before;
	const char *end = scan_find(&text, ">");

	if (end == NULL)
		return false;
	if (!scan_sees(&text, '/') &&
	    memchr(text.sc_p, '[', (size_t)(end - text.sc_p)) != NULL) {
		if (!scan_until(&text, "]>", &before))
			return false;
	} else {
		text.sc_p = end + 1;
	}
	sc->sc_p = text.sc_p;
	return true;
}

/* Does a note begin here?  Shifts have two such signs. */
static bool
at_note(const struct scan *sc, const char *from)
{
	return scan_sees(sc, '<') && sc->sc_p > from &&
	    isalnum((unsigned char)sc->sc_p[-1]) && scan_left(sc) > 1 &&
	    sc->sc_p[1] != '<';
}

bool
scan_arg(struct scan *sc, struct scan *arg)
{
	unsigned depth = 0;

	scan_spaces(sc);
	arg->sc_p = arg->sc_end = sc->sc_p;
	while (!scan_done(sc)) {
		const char c = *sc->sc_p;
		struct scan before;

		arg->sc_end = sc->sc_p;
		if (depth == 0 && c != '\0' && strchr(",)]}", c) != NULL)
			return true;
		if (c == '"') {
			if (!skip_string(sc))
				return false;
		} else if (at_note(sc, arg->sc_p)) {
			if (!note(sc))
				return false;
		} else if (scan_text(sc, "/*")) {
			if (!scan_until(sc, "*/", &before))
				return false;
		} else {
			depth += c == '(' || c == '[' || c == '{';
			depth -=
			    depth > 0 && (c == ')' || c == ']' || c == '}');
			sc->sc_p++;
		}
	}
	arg->sc_end = sc->sc_p;
	return false;
}

void
scan_path(const struct scan *arg, char *buf, size_t size)
{
	struct scan sc = *arg, before;
	size_t n;

	buf[0] = '\0';
	if (!scan_until(&sc, "<", &before) || !scan_sees(&sc, '/') ||
	    !scan_escaped(&sc, "<>", buf, size - sizeof(SCAN_DELETED) - 1))
		buf[0] = '\0';
	/* Devices are no files: </dev/null<char 1:3>>. */
	if (scan_sees(&sc, '<'))
		buf[0] = '\0';
	if (buf[0] == '\0' || !scan_text(&sc, ">") ||
	    !scan_text(&sc, SCAN_DELETED))
		return;
	n = strlen(buf);
	(void)snprintf(buf + n, size - n, " " SCAN_DELETED);
}

static int64_t
errno_value(const struct scan *name)
{
	if (scan_left(name) > 7 && memcmp(name->sc_p, "ERESTART", 8) == 0)
		return EINTR;
	for (int e = 1; e < 134; e++) {
		const char *text = strerrorname_np(e);

		if (text != NULL && scan_is(name, text))
			return e;
	}
	return EINVAL;
}

/* "<0.000342>", at the end of the line: how long it took. */
static uint64_t
took(const struct scan *sc)
{
	const char *at = memrchr(sc->sc_p, '<', scan_left(sc));
	struct scan rest = { at != NULL ? at + 1 : sc->sc_end, sc->sc_end };
	uint64_t ns;

	if (scan_fixed(&rest, 1000000000, &ns) && scan_is(&rest, ">"))
		return ns;
	return 0;
}

const char *
scan_result(struct scan *sc, struct scan_call *ca)
{
	struct scan word, made;
	uint64_t v;

	scan_spaces(sc);
	if (!scan_text(sc, "="))
		return "no result of a call";
	scan_spaces(sc);
	ca->sc_took = took(sc);
	if (scan_text(sc, "?") || scan_text(sc, "-1 ")) {
		scan_spaces(sc);
		ca->sc_ret = -EINTR;
		if (scan_word(sc, &word))
			ca->sc_ret = -errno_value(&word);
		return NULL;
	}
	made.sc_p = sc->sc_p;
	ca->sc_named = !scan_number(sc, &v);
	if (ca->sc_named)
		return "the result of a call is no number";
	ca->sc_ret = (int64_t)v;
	if (scan_sees(sc, '<') && note(sc)) {
		(void)scan_text(sc, SCAN_DELETED);
		made.sc_end = sc->sc_p;
		ca->sc_made = made;
	}
	return NULL;
}

const char *
scan_call(struct scan sc, struct scan_call *ca)
{
	bool more = true;

	*ca = (struct scan_call){ .sc_n = 0 };
	if (!scan_word(&sc, &ca->sc_name) || !scan_text(&sc, "("))
		return "no system call";
	for (;;) {
		struct scan arg;

		scan_spaces(&sc);
		if (scan_text(&sc, ")"))
			break;
		if (scan_done(&sc)) {
			ca->sc_outputs = more && ca->sc_n > 0;
			return NULL;
		}
		if (!more) {
			if (!scan_text(&sc, ","))
				return "arguments are not understood";
			more = true;
			continue;
		}
		(void)scan_arg(&sc, &arg);
		more = false;
		if (ca->sc_n < SCAN_ARGS)
			ca->sc_arg[ca->sc_n++] = arg;
	}
	ca->sc_whole = true;
	return scan_result(&sc, ca);
}
