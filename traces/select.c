#include <fnmatch.h>
#include <string.h>

#include "traces/record.h"

bool
record_match(const char *path, const char *const *patterns, size_t n)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < n; i++)
		if (fnmatch(patterns[i], path, 0) == 0 ||
		    (slash != NULL && fnmatch(patterns[i], slash + 1, 0) == 0))
			return true;
	return false;
}

bool
record_wants(const struct record_select *rs, const char *path)
{
	if (rs->rs_nonly > 0 && !record_match(path, rs->rs_only, rs->rs_nonly))
		return false;
	return !record_match(path, rs->rs_except, rs->rs_nexcept);
}
