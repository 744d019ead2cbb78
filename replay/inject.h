/*
 * inject: rules of --inject, as text.
 *
 *	WHAT:FAULT[@CONDITION...]
 *
 *	write:eio@every=100	write:enospc@after=64M	read:+5ms
 *	read:eio@page=17	write:short		latency:+5ms@p=0.01
 *
 * What they mean is said in pager/backend_inject.h.
 */
#ifndef REPLAY_INJECT_H
#define REPLAY_INJECT_H

#include "pager/backend_inject.h"

/*
 * Read one rule.
 *
 * => EINVAL: em says what is wrong with which part, and what it may be
 */
int inject_parse(const char *text, struct inject_rule *ij, struct errmsg *em)
    mustcheck;

#endif
