#include <stdatomic.h>

#include <sqlite3.h>

#include "analysis/analysis.h"

static _Atomic uint64_t failures;

static void
count(void *arg, int code, const char *text)
{
	(void)arg;
	(void)text;
	if (code == SQLITE_NOMEM)
		atomic_fetch_add(&failures, 1);
}

void
analysis_watch_memory(void)
{
	static _Atomic bool watched;

	/* Refused once SQLite is in use, and then it watches already. */
	if (!atomic_exchange(&watched, true))
		(void)sqlite3_config(SQLITE_CONFIG_LOG, count, NULL);
}

uint64_t
analysis_memory_failures(void)
{
	return atomic_load(&failures);
}
