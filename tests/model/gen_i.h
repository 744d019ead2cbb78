/* gen_i: the insides of the generator of random traces. */
#ifndef TESTS_MODEL_GEN_I_H
#define TESTS_MODEL_GEN_I_H

#include "tests/dice.h"
#include "tests/model/gen.h"

#define GEN_FILE_PAGES 300
#define GEN_PAGES      330 /* of a map */
#define GEN_MAX_MAPS   12
#define GEN_NKINDS     12
#define GEN_MAX_ID     10007 /* a prime: ids of maps come in no order */

struct genfile {
	uint32_t id;
	uint64_t size; /* roughly: unlink is not followed */
};

struct genmap {
	uint32_t id, pid;
	struct genfile *file;
	uint32_t prot, flags;
	uint64_t first, npages;
	uint64_t cursor; /* of accesses, from first */
	uint8_t live[GEN_PAGES];
};

/* Pages of a file. */
struct genrange {
	uint64_t first, npages;
};

struct genstate {
	struct dice dice;
	struct genfile files[GEN_MAX_FILES];
	size_t nfiles;
	struct genmap maps[GEN_MAX_MAPS];
	size_t nmaps, maxmaps;
	uint32_t lastmap;
	uint64_t time, page;
	unsigned weight[GEN_NKINDS], weights;
	unsigned gaps;	 /* long waits in a thousand events */
	unsigned writes; /* percent of accesses */
	uint64_t burst;	 /* most accesses in a row */
	struct model_event *events, spare;
	size_t n, max;
};

uint64_t gen_below(struct genstate *gs, uint64_t n);
uint64_t gen_between(struct genstate *gs, uint64_t lo, uint64_t hi);
bool gen_chance(struct genstate *gs, unsigned percent);
struct genrange gen_range(struct genstate *gs, const struct genmap *map,
    uint64_t little);

/* Choose the machine, the files and the shape of the trace. */
void gen_config(struct genstate *gs, struct gen *g);

#endif
