#include <errno.h>
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

bool
json_put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0;
}

bool
json_put_uint(json_t *object, const char *name, uint64_t value)
{
	/* JSON of jansson ends at 2^63 - 1; no count gets there. */
	if (value > INT64_MAX)
		value = INT64_MAX;
	return json_put(object, name, json_integer((json_int_t)value));
}

bool
json_put_text(json_t *object, const char *name, const char *text)
{
	return json_put(object, name, json_text(text));
}

int
json_emit(json_t *root)
{
	bool written;

	if (root == NULL || failures > 0) {
		json_decref(root);
		return complain(UVN_ENVIRONMENT, "out of memory");
	}
	errno = 0;
	written = json_dumpf(root, stdout,
		      JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
	    putchar('\n') != EOF;
	if (!written)
		(void)complain(UVN_ENVIRONMENT,
		    "standard output cannot be written: %s",
		    errno != 0 && failures == 0 ? errno_text(errno) :
						  "out of memory");
	json_decref(root);
	return written ? UVN_OK : UVN_ENVIRONMENT;
}
