#include <errno.h>
#include <stdlib.h>

#include "pager/uvm_i.h"

void
uvm_hist_log(struct uvm_hist *uh, const char *func, const char *fmt, uint64_t a,
    uint64_t b, uint64_t c, uint64_t d)
{
	struct uvm_hist_entry *const he =
	    &uh->uh_ring[uh->uh_count % uh->uh_size];

	*he = (struct uvm_hist_entry){
		.he_func = func,
		.he_fmt = fmt,
		.he_word = { a, b, c, d },
		.he_num = ++uh->uh_count,
	};
}

int
uvm_hist_keep(struct uvm *uvm, size_t n)
{
	struct uvm_hist_entry *ring = NULL;

	if (n != 0 && (ring = calloc(n, sizeof(*ring))) == NULL)
		return ENOMEM;
	free(uvm->hist.uh_ring);
	uvm->hist = (struct uvm_hist){ .uh_ring = ring, .uh_size = n };
	uvm_lean_settle(uvm);
	return 0;
}

/* Write a format's text with its %llu and %llx taken from word. */
static void
hist_print(const struct uvm_hist_entry *he, FILE *fp)
{
	const char *p;
	unsigned i = 0;

	for (p = he->he_fmt; *p != '\0'; p++) {
		if (*p != '%') {
			(void)fputc(*p, fp);
			continue;
		}
		if (p[1] == 'x')
			(void)fprintf(fp, "0x%llx",
			    (unsigned long long)he->he_word[i++ & 3]);
		else
			(void)fprintf(fp, "%llu",
			    (unsigned long long)he->he_word[i++ & 3]);
		p++;
	}
}

void
uvm_hist_dump(const struct uvm *uvm, FILE *fp)
{
	const struct uvm_hist *const uh = &uvm->hist;
	uint64_t i, n;

	n = uh->uh_count < uh->uh_size ? uh->uh_count : uh->uh_size;
	for (i = 0; i < n; i++) {
		const struct uvm_hist_entry *const he =
		    &uh->uh_ring[(uh->uh_count - n + i) % uh->uh_size];

		(void)fprintf(fp, "%llu %s: ", (unsigned long long)he->he_num,
		    he->he_func);
		hist_print(he, fp);
		(void)fputc('\n', fp);
	}
}
