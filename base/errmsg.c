#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

void
errmsg_put(struct errmsg *em, const char *fmt, ...)
{
	va_list ap;

	if (em == NULL || em->em_text[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(em->em_text, sizeof(em->em_text), fmt, ap);
	va_end(ap);
}

const char *
errno_text(int error)
{
	const char *text = strerrordesc_np(error);

	return text != NULL ? text : "unknown error";
}
