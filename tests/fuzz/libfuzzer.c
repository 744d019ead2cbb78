/* libFuzzer's entry points, for the target that UVN_FUZZ names. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
    unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const struct fuzz_target *target;

/* Its type is libFuzzer's. */
int
/* NOLINTNEXTLINE(readability-non-const-parameter) */
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("UVN_FUZZ");

	(void)argc;
	(void)argv;
	target = name != NULL ? fuzz_target(name) : NULL;
	if (target != NULL)
		return 0;
	(void)fputs("UVN_FUZZ has to name a target:", stderr);
	for (size_t i = 0; i < fuzz_ntargets; i++)
		(void)fprintf(stderr, " %s", fuzz_targets[i].ft_name);
	(void)fputc('\n', stderr);
	exit(2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	target->ft_one(target->ft_name, data, size);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (target->ft_mutate == NULL)
		return LLVMFuzzerMutate(data, size, max);
	return target->ft_mutate(LLVMFuzzerMutate, data, size, max, seed);
}
