/*
 * gen: random traces for the model and the pager, and the machines they run on.
 *
 *	struct gen		a trace with its configuration, files and bad pages
 *	gen_make()		make the one of a seed
 *
 * The events are such as a program could have made: they access pages that are
 * mapped, and maps that exist; what a call refuses (holes, no permission) does
 * occur.  Weights differ from trace to trace, so that some fault much, some
 * sync much, some truncate much.
 */
#ifndef TESTS_MODEL_GEN_H
#define TESTS_MODEL_GEN_H

#include "tests/model/model.h"

#define GEN_MAX_FILES 6
#define GEN_MAX_BAD   GEN_MAX_FILES

struct gen {
	uint64_t seed;
	struct model_trace trace; /* of the arrays below */
	struct model_file files[GEN_MAX_FILES];
	struct model_bad bad[GEN_MAX_BAD];
	struct model_event *events;
};

/* => ends with gen_free(); the same seed gives the same trace, anywhere */
void gen_make(struct gen *g, uint64_t seed);
void gen_free(struct gen *g);

#endif
