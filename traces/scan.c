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
	const size_t stops = strlen(stop);
	size_t n = 0;

	while (!scan_done(sc) && memchr(stop, *sc->sc_p, stops) == NULL) {
		char c = *sc->sc_p++;

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

/* Append one part of a path: a slash and what follows it. */
static size_t
part(char *buf, size_t size, size_t n, const char *p, size_t len)
{
	if (len == 0 || (len == 1 && p[0] == '.'))
		return n;
	if (len == 2 && p[0] == '.' && p[1] == '.') {
		while (n > 0 && buf[--n] != '/')
			;
		return n;
	}
	if (n + 1 + len >= size)
		return n;
	buf[n] = '/';
	memcpy(buf + n + 1, p, len);
	return n + 1 + len;
}

void
path_join(char *buf, size_t size, const char *base, const char *path)
{
	const struct scan whole = { path, path + strlen(path) };
	const char *const of[2] = { *path == '/' ? NULL : base, path };
	size_t n = 0;

	if (*path == '\0' || (*path != '/' && base == NULL)) {
		scan_copy(&whole, buf, size);
		return;
	}
	for (size_t i = 0; i < nitems(of); i++)
		for (const char *p = of[i], *end; p != NULL; p = end) {
			while (*p == '/')
				p++;
			end = strchr(p, '/');
			n = part(buf, size, n, p,
			    end != NULL ? (size_t)(end - p) : strlen(p));
		}
	if (n == 0)
		buf[n++] = '/';
	buf[n] = '\0';
}
