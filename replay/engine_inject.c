/*
 * engine_inject.c: faults to order, --inject.
 */
#include <errno.h>
#include <stdlib.h>

#include "replay/engine_impl.h"

int
engine_inject_open(struct engine *en)
{
	const struct engine_job *const ej = en->en_job;
	struct inject_rule *rules;
	int error;

	if (ej->ej_ninject == 0)
		return 0;
	rules = calloc(ej->ej_ninject, sizeof(*rules));
	if (rules == NULL)
		return ENOMEM;
	for (size_t i = 0; i < ej->ej_ninject; i++)
		rules[i] = ej->ej_inject[i].ei_rule;
	error = uvm_injectbe_create(en->en_be, en->en_cookie,
	    (uint32_t)en->en_cf->cf_uvm.page_size, rules, ej->ej_ninject,
	    ej->ej_seed, &en->en_inject);
	free(rules);
	if (error != 0)
		return error;
	en->en_be = uvm_injectbe_ops(en->en_inject);
	en->en_cookie = en->en_inject;
	return 0;
}

void
engine_inject_result(struct engine *en, struct db_result *rs)
{
	const struct engine_job *const ej = en->en_job;
	struct engine_report *const er = en->en_report;

	if (en->en_inject == NULL)
		return;
	er->er_inject = calloc(ej->ej_ninject, sizeof(er->er_inject[0]));
	if (er->er_inject == NULL)
		return;
	er->er_ninject = ej->ej_ninject;
	for (size_t i = 0; i < er->er_ninject; i++) {
		const struct inject_count ic =
		    uvm_injectbe_count(en->en_inject, i);

		er->er_inject[i] = (struct db_inject){
			.ij_text = ej->ej_inject[i].ei_text,
			.ij_seen = ic.ic_seen,
			.ij_hit = ic.ic_hit,
		};
	}
	rs->rs_inject = er->er_inject;
	rs->rs_ninject = er->er_ninject;
}

const char *
engine_io_why(const struct engine *en)
{
	const char *const why =
	    en->en_filebe != NULL ? uvm_filebe_why(en->en_filebe) : "";

	if (*why != '\0')
		return why;
	return en->en_inject != NULL ? "as --inject ordered" : "I/O error";
}
