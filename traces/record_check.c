#include "traces/record_i.h"
int
record_check(enum record_mode mode, const char *folder, struct errmsg *em)
{
	(void)mode;
	(void)folder;
	(void)em;
	return 0;
}
const struct recorder recorder_preload, recorder_valgrind;
