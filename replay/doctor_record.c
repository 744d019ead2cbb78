#include "replay/doctor.h"
#include "traces/record.h"

/* As uvn record tries it; its message ends with what to do. */
static void
check_mode(enum record_mode mode, const char *dir, struct finding *fi)
{
	struct errmsg em = { .em_text = "" };

	if (record_check(mode, dir, &em) == 0)
		found(fi, true, "", "works: %s", record_mode_help[mode]);
	else
		found(fi, false, "", "%.250s", em.em_text);
}

void
check_record_kernel(const char *dir, struct finding *fi)
{
	check_mode(RECORD_KERNEL, dir, fi);
}

void
check_record_preload(const char *dir, struct finding *fi)
{
	check_mode(RECORD_PRELOAD, dir, fi);
}

void
check_record_valgrind(const char *dir, struct finding *fi)
{
	check_mode(RECORD_VALGRIND, dir, fi);
}
