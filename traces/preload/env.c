#include "traces/preload/preload.h"

#include <dlfcn.h>

#define PRELOAD "LD_PRELOAD"

/* The two variables, and those of the program's that they take the place of. */
static char record[4096 + sizeof(RING_ENV) + 1];
static char library[4096];

static const char *
value(char *const *envp, const char *name, char *const **where)
{
	const size_t n = strlen(name);

	for (; envp != NULL && *envp != NULL; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=') {
			*where = envp;
			return *envp + n + 1;
		}
	*where = NULL;
	return NULL;
}

void
env_start(const char *ring)
{
	Dl_info info;

	if (strlen(ring) > 4096 || dladdr(record, &info) == 0 ||
	    info.dli_fname == NULL || strlen(info.dli_fname) >= sizeof(library))
		return;
	memcpy(record, RING_ENV "=", sizeof(RING_ENV));
	memcpy(record + sizeof(RING_ENV), ring, strlen(ring) + 1);
	memcpy(library, info.dli_fname, strlen(info.dli_fname) + 1);
}

/* Is our library among those of LD_PRELOAD? */
static bool
listed(const char *list)
{
	const size_t n = strlen(library);

	for (; list != NULL && *list != '\0'; list++) {
		const size_t len = strcspn(list, ": ");

		if (len == n && memcmp(list, library, n) == 0)
			return true;
		list += len;
		if (*list == '\0')
			break;
	}
	return false;
}

struct want {
	char *const *wa_preload; /* where LD_PRELOAD stands; NULL */
	bool wa_library, wa_record;
	size_t wa_n; /* variables there are */
};

/* What is missing.  Another recorder's ring comes with its own library. */
static struct want
wants(char *const *envp)
{
	struct want wa = { NULL, false, false, 0 };
	char *const *where;
	const char *ring, *list;

	if (record[0] == '\0')
		return wa;
	while (envp != NULL && envp[wa.wa_n] != NULL)
		wa.wa_n++;
	ring = value(envp, RING_ENV, &where);
	list = value(envp, PRELOAD, &wa.wa_preload);
	wa.wa_record = ring == NULL;
	wa.wa_library = !listed(list) &&
	    (ring == NULL || strcmp(ring, record + sizeof(RING_ENV)) == 0);
	return wa;
}

size_t
env_room(char *const *envp)
{
	const struct want wa = wants(envp);
	size_t n = (wa.wa_n + 3) * sizeof(*envp);

	if (!wa.wa_library && !wa.wa_record)
		return 0;
	n += sizeof(PRELOAD) + strlen(library) + 2;
	if (wa.wa_preload != NULL)
		n += strlen(*wa.wa_preload);
	return n;
}

char **
env_add(char *const *envp, void *buf)
{
	const struct want wa = wants(envp);
	char **out = buf;
	size_t n = 0;
	char *p;

	for (size_t i = 0; i < wa.wa_n; i++)
		if (!wa.wa_library || envp + i != wa.wa_preload)
			out[n++] = envp[i];
	if (wa.wa_record)
		out[n++] = record;
	p = (char *)(out + wa.wa_n + 3);
	if (wa.wa_library) {
		out[n++] = p;
		p = stpcpy(stpcpy(p, PRELOAD "="), library);
		if (wa.wa_preload != NULL)
			(void)stpcpy(stpcpy(p, ":"),
			    *wa.wa_preload + sizeof(PRELOAD));
	}
	out[n] = NULL;
	return out;
}
