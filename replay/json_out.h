/*
 * json_out: what every --json has in common.
 */
#ifndef REPLAY_JSON_OUT_H
#define REPLAY_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <stdbool.h>

/*
 * From now on failures of jansson's memory are counted: what is added to an
 * object need not look whether it could be, json_emit() does.
 */
void json_watch_memory(void);
bool json_memory_failed(void);

/*
 * Text as JSON has it.  Paths and names need not be UTF-8: in one that is not,
 * every byte that is not ASCII becomes a question mark.
 *
 * => text may be NULL: null
 * => NULL: out of memory
 */
json_t *json_text(const char *text);

/*
 * Add a member.  Takes value, which may be NULL for lack of memory.
 *
 * => false: it is not there.  jansson's own setters fail for a value that could
 *    not be made, so one look at the end is enough
 */
bool json_put(json_t *object, const char *name, json_t *value);
bool json_put_uint(json_t *object, const char *name, uint64_t value);
bool json_put_text(json_t *object, const char *name, const char *text);

/*
 * Print it on standard output, with a newline.  Takes root.
 *
 * => root may be NULL: it could not be made for lack of memory
 * => UVN_OK, or UVN_ENVIRONMENT and the reason on standard error
 */
int json_emit(json_t *root);

#endif
