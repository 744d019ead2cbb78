#include <string.h>

#include "base/tunable.h"

#define WORD_MAX 63

/* A letter of a name: '-' and '_' are one, and so are cases. */
static char
letter(char c)
{
	if (c == '-')
		return '_';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * How many letters to insert, drop, change or swap with their neighbour to
 * get from a to b, each of at most WORD_MAX letters.
 */
static size_t
edit_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	memcpy(above, row, sizeof(rows[0]));
	memcpy(before, row, sizeof(rows[0]));
	for (size_t i = 1; i <= alen; i++) {
		spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			const bool same = letter(a[i - 1]) == letter(b[j - 1]);
			size_t d = above[j - 1] + (same ? 0 : 1);

			if (above[j] + 1 < d)
				d = above[j] + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			if (i > 1 && j > 1 && before[j - 2] + 1 < d &&
			    letter(a[i - 1]) == letter(b[j - 2]) &&
			    letter(a[i - 2]) == letter(b[j - 1]))
				d = before[j - 2] + 1;
			row[j] = d;
		}
	}
	return row[blen];
}

/* Is word, of three letters or more, a part of candidate? */
static bool
word_within(const char *word, size_t len, const char *candidate)
{
	if (len < 3)
		return false;
	for (; *candidate != '\0'; candidate++) {
		size_t i = 0;

		while (i < len && letter(candidate[i]) == letter(word[i]))
			i++;
		if (i == len)
			return true;
	}
	return false;
}

const char *
nearest_word(const char *word, const char *const *candidates, size_t n)
{
	const size_t len = strlen(word);
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const size_t clen = strlen(candidates[i]);
		size_t d;

		if (clen > WORD_MAX)
			continue;
		d = edit_distance(word, len, candidates[i], clen);
		/* A third of the letters wrong is still a slip. */
		if (d > ((len > clen ? len : clen) + 2) / 3) {
			if (!word_within(word, len, candidates[i]))
				continue;
			d += WORD_MAX;
		}
		if (d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}
	return best;
}
