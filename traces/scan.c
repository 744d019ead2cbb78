#include <ctype.h>

#include "traces/scan.h"

void
scan_spaces(struct scan *sc)
{
	while (scan_sees(sc, ' ') || scan_sees(sc, '\t'))
		sc->sc_p++;
}

bool
scan_text(struct scan *sc, const char *text)
{
	const size_t n = strlen(text);

	if (scan_left(sc) < n || memcmp(sc->sc_p, text, n) != 0)
		return false;
	sc->sc_p += n;
	return true;
}

/* Digits of a base up to 16. */
static bool
digits(struct scan *sc, unsigned base, uint64_t *vp)
{
	const char *p = sc->sc_p;
	uint64_t v = 0;

	for (; p < sc->sc_end && isxdigit((unsigned char)*p); p++) {
		const unsigned c = (unsigned char)*p;
		const unsigned d = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		if (d >= base)
			break;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	if (p == sc->sc_p)
		return false;
	sc->sc_p = p;
	*vp = v;
	return true;
}

bool
scan_dec(struct scan *sc, uint64_t *vp)
{
	return digits(sc, 10, vp);
}

bool
scan_dec32(struct scan *sc, uint32_t *vp)
{
	struct scan try = *sc;
	uint64_t v;

	if (!digits(&try, 10, &v) || v > UINT32_MAX)
		return false;
	*sc = try;
	*vp = (uint32_t)v;
	return true;
}

bool
scan_hex(struct scan *sc, uint64_t *vp)
{
	return digits(sc, 16, vp);
}

bool
scan_number(struct scan *sc, uint64_t *vp)
{
	struct scan try = *sc;
	const bool minus = scan_text(&try, "-");
	uint64_t v = 0;
	bool good;

	if (scan_text(&try, "0x"))
		good = scan_hex(&try, &v);
	else
		good = digits(&try, scan_sees(&try, '0') ? 8 : 10, &v);
	if (!good)
		return false;
	*sc = try;
	*vp = minus ? 0 - v : v;
	return true;
}

bool
scan_fixed(struct scan *sc, uint64_t unit, uint64_t *vp)
{
	struct scan try = *sc;
	uint64_t v, part = unit;

	if (!scan_dec(&try, &v) || __builtin_mul_overflow(v, unit, &v))
		return false;
	if (scan_text(&try, "."))
		for (; !scan_done(&try) && isdigit((unsigned char)*try.sc_p);
		     try.sc_p++) {
			part /= 10;
			if (__builtin_add_overflow(v,
				part * (uint64_t)(*try.sc_p - '0'), &v))
				return false;
		}
	*sc = try;
	*vp = v;
	return true;
}

bool
scan_word(struct scan *sc, struct scan *word)
{
	word->sc_p = sc->sc_p;
	while (!scan_done(sc) &&
	    (isalnum((unsigned char)*sc->sc_p) || *sc->sc_p == '_'))
		sc->sc_p++;
	word->sc_end = sc->sc_p;
	return scan_left(word) > 0;
}

const char *
scan_find(const struct scan *sc, const char *text)
{
	return memmem(sc->sc_p, scan_left(sc), text, strlen(text));
}

bool
scan_until(struct scan *sc, const char *text, struct scan *before)
{
	const char *at = scan_find(sc, text);

	if (at == NULL)
		return false;
	*before = (struct scan){ sc->sc_p, at };
	sc->sc_p = at + strlen(text);
	return true;
}

/* The character that an escape stands for; the backslash has been read. */
static char
escape(struct scan *sc)
{
	static const char names[] = "abfnrtv", codes[] = "\a\b\f\n\r\t\v";
	const char c = *sc->sc_p++;
	const char *at = memchr(names, c, sizeof(names) - 1);
	struct scan number = { sc->sc_p, sc->sc_end };
	uint64_t v = 0;

	if (at != NULL)
		return codes[at - names];
	if (c == 'x') {
		if (scan_left(&number) > 2)
			number.sc_end = number.sc_p + 2;
		if (digits(&number, 16, &v))
			sc->sc_p = number.sc_p;
		return (char)v;
	}
	number.sc_p--;
	if (scan_left(&number) > 3)
		number.sc_end = number.sc_p + 3;
	if (!digits(&number, 8, &v))
		return c;
	sc->sc_p = number.sc_p;
	return (char)v;
}

bool
scan_escaped(struct scan *sc, const char *stop, char *buf, size_t size)
{
	size_t n = 0;

	while (!scan_done(sc)) {
		char c = *sc->sc_p;

		if (c != '\0' && strchr(stop, c) != NULL)
			break;
		sc->sc_p++;
		if (c == '\\') {
			if (scan_done(sc))
				return false;
			c = escape(sc);
		}
		if (n + 1 < size)
			buf[n++] = c;
	}
	buf[n] = '\0';
	return !scan_done(sc);
}

bool
scan_quoted(struct scan *sc, char *buf, size_t size)
{
	struct scan try = *sc;

	if (!scan_text(&try, "\"") || !scan_escaped(&try, "\"", buf, size))
		return false;
	try.sc_p++;
	(void)scan_text(&try, "...");
	*sc = try;
	return true;
}

void
scan_copy(const struct scan *sc, char *buf, size_t size)
{
	const size_t n = scan_left(sc) < size ? scan_left(sc) : size - 1;

	memcpy(buf, sc->sc_p, n);
	buf[n] = '\0';
}

void
scan_show(const struct scan *sc, char *buf, size_t size)
{
	scan_copy(sc, buf, size);
	for (char *p = buf; *p != '\0'; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
}

/*
 * Append a part of a path, or go back by one.  Nothing is above the root, but
 * something may be above where a relative path begins.
 */
static size_t
part(char *buf, size_t size, size_t n, const struct scan *part, bool root)
{
	const size_t len = scan_left(part);
	const size_t slash = n > 0 || root ? 1 : 0;

	if (len == 0 || scan_is(part, "."))
		return n;
	if (scan_is(part, "..") && (n > 0 || root) &&
	    !(n >= 2 && memcmp(buf + n - 2, "..", 2) == 0 &&
		(n == 2 || buf[n - 3] == '/'))) {
		while (n > 0 && buf[--n] != '/')
			;
		return n;
	}
	if (n + slash + len >= size)
		return n;
	buf[n] = '/';
	memcpy(buf + n + slash, part->sc_p, len);
	return n + slash + len;
}

void
path_join(char *buf, size_t size, const char *base, const char *path)
{
	const char *const of[2] = { *path == '/' ? NULL : base, path };
	const bool root = *path == '/' || (base != NULL && *base == '/');
	struct scan rest, one;
	size_t n = 0;

	if (*path == '\0' || (*path != '/' && base == NULL)) {
		rest = (struct scan){ path, path + strlen(path) };
		scan_copy(&rest, buf, size);
		return;
	}
	for (size_t i = 0; i < nitems(of); i++) {
		if (of[i] == NULL)
			continue;
		rest = (struct scan){ of[i], of[i] + strlen(of[i]) };
		while (scan_until(&rest, "/", &one))
			n = part(buf, size, n, &one, root);
		n = part(buf, size, n, &rest, root);
	}
	if (n == 0)
		buf[n++] = root ? '/' : '.';
	buf[n] = '\0';
}
