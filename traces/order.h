/*
 * order: raw records that come a little out of order, in the order of time.
 *
 * So many records are kept that one which comes later than all of these is
 * rare.  Such a one is passed on all the same, and counted.  Records of the
 * same time stay as they come.
 *
 *	order_create(&to, max, &od, em)
 *	order_put(od, &raw, em)
 *	order_end(od, em)	what is kept is passed on
 *	order_destroy(od)
 *
 * Private to traces/.
 */
#ifndef TRACES_ORDER_H
#define TRACES_ORDER_H

#include "traces/import_raw.h"

struct order;

/*
 * => max: records that are kept at most; their bytes are limited, too
 * => ENOMEM
 */
int order_create(const struct raw_out *to, size_t max, struct order **odp,
    struct errmsg *em) mustcheck;

/*
 * => texts are copied
 * => what ro_put returns; ENOMEM
 */
int order_put(struct order *od, const struct raw *rw, struct errmsg *em)
    mustcheck;
int order_end(struct order *od, struct errmsg *em) mustcheck;

/* Records so far that came too late. */
uint64_t order_late(const struct order *od);
void order_destroy(struct order *od);

#endif
