#include "traces/preload/preload.h"

#include <dlfcn.h>

struct real real;

static const struct {
	const char *name;
	size_t off;
} names[] = {
#define REAL(name) { #name, offsetof(struct real, name) },
#include "traces/preload/real.def"
#undef REAL
};

void
real_start(void)
{
	for (size_t i = 0; i < nitems(names); i++) {
		void *fn = dlsym(RTLD_NEXT, names[i].name);

		memcpy((char *)&real + names[i].off, &fn, sizeof(fn));
	}
}
