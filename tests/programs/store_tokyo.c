/*
 * store_tokyo FILE OPERATIONS SEED: a hash database of Tokyo Cabinet.
 *
 * The file grows by ftruncate(2) under its map, and is synchronised by
 * msync(2) and fsync(2) every 500 operations.  The same arguments touch the
 * same pages in the same order.  Prints "ok".
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tchdb.h>

#define BATCH	500
#define KEYS	12000
#define BUCKETS 32749

static uint64_t state;

static uint64_t
below(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static void
check(TCHDB *db, bool good, const char *what)
{
	if (good || tchdbecode(db) == TCENOREC)
		return;
	(void)fprintf(stderr, "store_tokyo: %s: %s\n", what,
	    tchdberrmsg(tchdbecode(db)));
	exit(1);
}

static void
operate(TCHDB *db)
{
	static char bytes[4000];
	char key[32];
	const uint64_t what = below(8), n = below(KEYS);
	const int len =
	    snprintf(key, sizeof(key), "key-%06llu", (unsigned long long)n);
	int size = 16 + (int)below(below(10) == 0 ? 3900 : 900);
	char *value;

	if (what < 4) {
		(void)memset(bytes, (int)n, (size_t)size);
		(void)memcpy(bytes, key, (size_t)len);
		check(db, tchdbput(db, key, len, bytes, size), "put");
		return;
	}
	if (what == 4) {
		check(db, tchdbout(db, key, len), "out");
		return;
	}
	value = tchdbget(db, key, len, &size);
	check(db, value != NULL, "get");
	if (value != NULL && memcmp(value, key, (size_t)len) != 0) {
		(void)fprintf(stderr, "store_tokyo: not what was put\n");
		exit(1);
	}
	free(value);
}

int
main(int argc, char **argv)
{
	TCHDB *db;
	long left;

	if (argc != 4)
		return 2;
	left = strtol(argv[2], NULL, 10);
	state = strtoull(argv[3], NULL, 10);
	db = tchdbnew();
	check(db, tchdbtune(db, BUCKETS, 4, 10, 0), "tune");
	check(db, tchdbsetxmsiz(db, 64 << 20), "setxmsiz");
	check(db, tchdbopen(db, argv[1], HDBOWRITER | HDBOCREAT | HDBOTRUNC),
	    "open");
	while (left > 0) {
		for (int i = 0; i < BATCH && left > 0; i++, left--)
			operate(db);
		check(db, tchdbsync(db), "sync");
	}
	check(db, tchdbclose(db), "close");
	tchdbdel(db);
	(void)printf("ok\n");
	return 0;
}
