#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/json_out.h"
#include "replay/replay.h"

/* One thread makes JSON. */
static size_t failures;

static void *
watched_malloc(size_t n)
{
	void *const p = malloc(n);

	if (p == NULL)
		failures++;
	return p;
}

void
json_watch_memory(void)
{
	json_set_alloc_funcs(watched_malloc, free);
}

bool
json_memory_failed(void)
{
	return failures > 0;
}

json_t *
json_text(const char *text)
{
	json_t *value;
	char *copy;

	if (text == NULL)
		return json_null();
	if ((value = json_string(text)) != NULL ||
	    (copy = strdup(text)) == NULL)
		return value;
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

int
json_emit(json_t *root)
{
	bool written;

	if (root == NULL || failures > 0) {
		json_decref(root);
		return complain(UVN_ENVIRONMENT, "out of memory");
	}
	written = json_dumpf(root, stdout,
		      JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
	    putchar('\n') != EOF;
	json_decref(root);
	if (!written)
		return complain(UVN_ENVIRONMENT,
		    failures > 0 ? "out of memory" :
				   "standard output cannot be written");
	return UVN_OK;
}
