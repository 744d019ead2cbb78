/*
 * stats_table.c: records found by a key, in chunks that stay where they are, and
 * an index of open addressing beside them.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/stats_i.h"

#define INDEX_LEAST 64
#define LINE	    64 /* of the cache: a record of that size lies in one */

void
table_init(struct stats_table *tb, size_t size, struct stats_budget *sb)
{
	*tb = (struct stats_table){ .tb_size = size, .tb_budget = sb };
}

void
table_fini(struct stats_table *tb)
{
	for (size_t i = 0; i < tb->tb_nchunks; i++)
		free(tb->tb_chunks[i]);
	free(tb->tb_chunks);
	free(tb->tb_index);
}

uint64_t
table_hash(struct stats_key key)
{
	const uint128_t product = (uint128_t)(key.sk_a ^ 0x9e3779b97f4a7c15) *
	    (key.sk_b ^ 0xc2b2ae3d27d4eb4f);
	uint64_t h = (uint64_t)product ^ (uint64_t)(product >> 64);

	h *= 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

/* The place of a key in the index: where it is, or where it would go. */
static size_t
place(const struct stats_table *tb, struct stats_key key, uint64_t h)
{
	size_t i = h & tb->tb_mask;

	for (uint64_t at; (at = tb->tb_index[i]) != 0;
	     i = (i + 1) & tb->tb_mask) {
		const struct stats_key *k;

		if (at >> 32 != h >> 32)
			continue;
		k = table_record(tb, (uint32_t)at - 1);
		if (k->sk_a == key.sk_a && k->sk_b == key.sk_b)
			break;
	}
	return i;
}

static bool
spend(struct stats_budget *sb, size_t bytes)
{
	if (bytes > sb->sb_left) {
		sb->sb_spent = true;
		return false;
	}
	sb->sb_left -= bytes;
	return true;
}

static bool
index_grow(struct stats_table *tb)
{
	const size_t n =
	    tb->tb_index != NULL ? 2 * (tb->tb_mask + 1) : INDEX_LEAST;
	uint64_t *const old = tb->tb_index;
	uint64_t *const new = calloc(n, sizeof(*new));

	if (new == NULL || !spend(tb->tb_budget, n / 2 * sizeof(*new))) {
		tb->tb_budget->sb_spent = true;
		free(new);
		return false;
	}
	tb->tb_index = new;
	tb->tb_mask = n - 1;
	for (size_t i = 0; i < tb->tb_n; i++) {
		const struct stats_key *k = table_record(tb, i);
		const uint64_t h = table_hash(*k);

		new[place(tb, *k, h)] = (h >> 32) << 32 | (i + 1);
	}
	free(old);
	return true;
}

static bool
records_grow(struct stats_table *tb)
{
	const size_t bytes = TABLE_CHUNK * tb->tb_size;
	uint8_t **chunks;

	if (tb->tb_n + TABLE_CHUNK > UINT32_MAX ||
	    !spend(tb->tb_budget, bytes)) {
		tb->tb_budget->sb_spent = true;
		return false;
	}
	chunks = reallocarray(tb->tb_chunks, tb->tb_nchunks + 1,
	    sizeof(*tb->tb_chunks));
	if (chunks != NULL) {
		tb->tb_chunks = chunks;
		chunks[tb->tb_nchunks] = aligned_alloc(LINE, bytes);
	}
	if (chunks == NULL || chunks[tb->tb_nchunks] == NULL) {
		tb->tb_budget->sb_spent = true;
		return false;
	}
	tb->tb_nchunks++;
	return true;
}

void *
table_find(const struct stats_table *tb, struct stats_key key)
{
	uint64_t at;

	if (tb->tb_index == NULL)
		return NULL;
	at = tb->tb_index[place(tb, key, table_hash(key))];
	return at != 0 ? table_record(tb, (uint32_t)at - 1) : NULL;
}

void
table_hint(const struct stats_table *tb, uint64_t h)
{
	if (tb->tb_index != NULL)
		__builtin_prefetch(&tb->tb_index[h & tb->tb_mask]);
}

void *
table_guess(const struct stats_table *tb, uint64_t h)
{
	size_t i = h & tb->tb_mask;
	void *record;

	if (tb->tb_index == NULL)
		return NULL;
	while (tb->tb_index[i] != 0 && tb->tb_index[i] >> 32 != h >> 32)
		i = (i + 1) & tb->tb_mask;
	if (tb->tb_index[i] == 0)
		return NULL;
	record = table_record(tb, (uint32_t)tb->tb_index[i] - 1);
	__builtin_prefetch(record);
	return record;
}

/* The place in the index of record i. */
static size_t
place_of(const struct stats_table *tb, size_t i)
{
	const struct stats_key *const k = table_record(tb, i);

	return place(tb, *k, table_hash(*k));
}

void
table_remove(struct stats_table *tb, struct stats_key key)
{
	size_t hole, i, record;

	if (table_find(tb, key) == NULL)
		return;
	hole = place(tb, key, table_hash(key));
	record = (uint32_t)tb->tb_index[hole] - 1;
	/* The last record takes its place among the records. */
	tb->tb_n--;
	if (record != tb->tb_n) {
		i = place_of(tb, tb->tb_n);
		tb->tb_index[i] = (tb->tb_index[i] >> 32) << 32 | (record + 1);
		memcpy(table_record(tb, record), table_record(tb, tb->tb_n),
		    tb->tb_size);
	}
	/* Those behind it in the index move up, if they may stand there. */
	for (i = (hole + 1) & tb->tb_mask; tb->tb_index[i] != 0;
	     i = (i + 1) & tb->tb_mask) {
		const struct stats_key *const k =
		    table_record(tb, (uint32_t)tb->tb_index[i] - 1);
		const size_t home = table_hash(*k) & tb->tb_mask;

		if (((i - home) & tb->tb_mask) >= ((i - hole) & tb->tb_mask)) {
			tb->tb_index[hole] = tb->tb_index[i];
			hole = i;
		}
	}
	tb->tb_index[hole] = 0;
}

/* The key is not there: make its record. */
static void *
make(struct stats_table *tb, struct stats_key key, uint64_t h)
{
	void *record;

	if (tb->tb_n == tb->tb_nchunks * TABLE_CHUNK && !records_grow(tb))
		return NULL;
	if ((tb->tb_index == NULL || tb->tb_n > tb->tb_mask / 2) &&
	    !index_grow(tb))
		return NULL;
	record = table_record(tb, tb->tb_n);
	memset(record, 0, tb->tb_size);
	memcpy(record, &key, sizeof(key));
	tb->tb_index[place(tb, key, h)] = (h >> 32) << 32 | ++tb->tb_n;
	return record;
}

void *
table_get(struct stats_table *tb, struct stats_key key)
{
	const uint64_t h = table_hash(key);

	if (tb->tb_index != NULL) {
		const uint64_t at = tb->tb_index[place(tb, key, h)];

		if (at != 0)
			return table_record(tb, (uint32_t)at - 1);
	}
	return make(tb, key, h);
}
