/*
 * pager: the pager under test, driven by the events of the model.
 *
 *	pager_create()	a machine as a model_config says, with a backend that
 *			writes down every I/O
 *	pager_step()	one event
 */
#ifndef TESTS_MODEL_PAGER_H
#define TESTS_MODEL_PAGER_H

#include "pager/uvm.h"
#include "tests/model/model.h"

struct pager {
	const struct model_trace *trace;
	struct uvm *uvm;
	struct model_io *io;
	size_t nio, maxio;
};

/*
 * => tr is borrowed till pager_destroy()
 * => false: the pager refuses the configuration; em says why
 */
bool pager_create(struct pager *p, const struct model_trace *tr,
    struct errmsg *em);

/* As model_step(). */
bool pager_step(struct pager *p, const struct model_event *ev, int *errorp);
void pager_destroy(struct pager *p);

#endif
