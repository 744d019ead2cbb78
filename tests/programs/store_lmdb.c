/*
 * store_lmdb DIR OPERATIONS SEED: a database of LMDB written through its map.
 *
 * Puts, gets and deletes of records of different sizes at random keys, in
 * transactions of 40 operations, each synchronised by msync(2).  The same
 * arguments touch the same pages in the same order.  Prints "ok".
 */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH 40
#define KEYS  18000

static uint64_t state;

static uint64_t
below(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static void
check(int rc, const char *what)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "store_lmdb: %s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

/* Records of few and of many bytes; the first bytes are the key. */
static void
operate(MDB_txn *txn, MDB_dbi dbi)
{
	static char bytes[3000];
	char key[32];
	MDB_val k = { .mv_data = key }, v;
	const uint64_t what = below(8), n = below(KEYS);
	int rc;

	k.mv_size = (size_t)snprintf(key, sizeof(key), "key-%06llu",
	    (unsigned long long)n);
	if (what < 4) {
		v.mv_size = 16 + below(below(10) == 0 ? 2900 : 300);
		(void)memset(bytes, (int)n, v.mv_size);
		(void)memcpy(bytes, key, k.mv_size);
		v.mv_data = bytes;
		check(mdb_put(txn, dbi, &k, &v, 0), "mdb_put");
		return;
	}
	if (what == 4) {
		rc = mdb_del(txn, dbi, &k, NULL);
		check(rc == MDB_NOTFOUND ? 0 : rc, "mdb_del");
		return;
	}
	rc = mdb_get(txn, dbi, &k, &v);
	check(rc == MDB_NOTFOUND ? 0 : rc, "mdb_get");
	if (rc == 0 && memcmp(v.mv_data, key, k.mv_size) != 0)
		check(MDB_CORRUPTED, "mdb_get");
}

int
main(int argc, char **argv)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	long left;

	if (argc != 4)
		return 2;
	left = strtol(argv[2], NULL, 10);
	state = strtoull(argv[3], NULL, 10);
	(void)mkdir(argv[1], 0777);
	check(mdb_env_create(&env), "mdb_env_create");
	check(mdb_env_set_mapsize(env, 64 << 20), "mdb_env_set_mapsize");
	check(mdb_env_open(env, argv[1], MDB_WRITEMAP, 0666), "mdb_env_open");
	while (left > 0) {
		check(mdb_txn_begin(env, NULL, 0, &txn), "mdb_txn_begin");
		check(mdb_dbi_open(txn, NULL, 0, &dbi), "mdb_dbi_open");
		for (int i = 0; i < BATCH && left > 0; i++, left--)
			operate(txn, dbi);
		check(mdb_txn_commit(txn), "mdb_txn_commit");
	}
	mdb_env_close(env);
	(void)printf("ok\n");
	return 0;
}
