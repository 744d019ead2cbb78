/*
 * scan: what the parsers of other tools' text share.
 *
 *	struct scan		text still to be read
 *	scan_*()		read what stands next, or leave all as it is
 *	path_join()		a path seen from a folder
 *
 * Private to traces/.
 */
#ifndef TRACES_SCAN_H
#define TRACES_SCAN_H

#include <string.h>

#include "base/base.h"

struct scan {
	const char *sc_p, *sc_end;
};

static inline size_t
scan_left(const struct scan *sc)
{
	return (size_t)(sc->sc_end - sc->sc_p);
}

static inline bool
scan_done(const struct scan *sc)
{
	return sc->sc_p == sc->sc_end;
}

/* Does c stand next?  Nothing is read. */
static inline bool
scan_sees(const struct scan *sc, char c)
{
	return sc->sc_p < sc->sc_end && *sc->sc_p == c;
}

void scan_spaces(struct scan *sc);

/* Text that must stand next. */
bool scan_text(struct scan *sc, const char *text);

/* Digits, no sign; hex without 0x.  A number of more than 64 bits is none. */
bool scan_dec(struct scan *sc, uint64_t *vp);
bool scan_dec32(struct scan *sc, uint32_t *vp);
bool scan_hex(struct scan *sc, uint64_t *vp);

/* As in C: 17, -17, 0x11, 021; two's complement. */
bool scan_number(struct scan *sc, uint64_t *vp);

/* 12.5, a decimal number of which unit are 1, rounded down: 12500 of 1000. */
bool scan_fixed(struct scan *sc, uint64_t unit, uint64_t *vp);

/* Letters, digits and underscores, at least one. */
bool scan_word(struct scan *sc, struct scan *word);

/* What stands before the next such text, and the text itself. */
bool scan_until(struct scan *sc, const char *text, struct scan *before);

/* Where text stands first; NULL. */
const char *scan_find(const struct scan *sc, const char *text);

/*
 * A string of C in quotes: it is read into buf of size bytes, cut if need be,
 * and NUL-ended.  Three dots behind it are read, too.
 */
bool scan_quoted(struct scan *sc, char *buf, size_t size);

/* The same escapes up to one of the characters of stop, which is left. */
bool scan_escaped(struct scan *sc, const char *stop, char *buf, size_t size);

/* What is left, as a NUL-ended string, cut if need be. */
void scan_copy(const struct scan *sc, char *buf, size_t size);

/* The same for a message: on one line, and printable. */
void scan_show(const struct scan *sc, char *buf, size_t size);

static inline bool
scan_is(const struct scan *sc, const char *text)
{
	return scan_left(sc) == strlen(text) &&
	    memcmp(sc->sc_p, text, scan_left(sc)) == 0;
}

/*
 * path as seen from the folder base, without "." and ".." and double slashes;
 * as it is if it is relative and base is NULL; base may be relative, too.
 *
 * => buf of size bytes is cut if need be, and NUL-ended
 */
void path_join(char *buf, size_t size, const char *base, const char *path);

#endif
