/*
 * uvm_check() finds what is broken, whatever it is: each thing that it looks at
 * is broken by hand, found under its name, and mended.
 */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

/* Two files: the first has pages 0..7, 2 and 3 dirty; the second persists. */
static void
start(struct lab *lab)
{

	lab_open(lab, "memory=512K hash_buckets=16");
	lab_file(lab, 1, 20 * PG);
	lab_file(lab, 2, 20 * PG);
	lab_file(lab, 3, 20 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_map(lab, 2, 2, MAP_R);
	lab_scan(lab, 1, 0, 7, UVM_ACCESS_READ);
	lab_scan(lab, 1, 2, 3, UVM_ACCESS_WRITE);
	lab_scan(lab, 2, 0, 3, UVM_ACCESS_READ);
	lab_unmap(lab, 2);
}

static void
finds(const struct lab *lab, const char *what)
{
	struct errmsg em = { .em_text = "" };

	assert_int_equal(uvm_check(lab->uvm, &em), EINVAL);
	if (strstr(em.em_text, what) == NULL)
		fail_msg("no '%s': %s", what, em.em_text);
}

/* With the place so broken uvm_check() says what; then it is mended. */
#define BREAK(lab, place, value, what)                                         \
	do {                                                                   \
		const __typeof__(place) was_ = (place);                        \
		(place) = (value);                                             \
		finds((lab), (what));                                          \
		(place) = was_;                                                \
		lab_check(lab);                                                \
	} while (0)

static void
links_of_pages(void **state)
{
	struct vm_page *pg;
	struct lab lab;
	struct uvm *uvm;

	(void)state;
	start(&lab);
	uvm = lab.uvm;
	pg = core_page(&lab, 1, 3);
	BREAK(&lab, pg->listq_prev, 0, "memq: page 3 has a wrong back link");
	BREAK(&lab, core_object(&lab, 1)->memq_tail, 1, "I4: object 1: memq");
	BREAK(&lab, core_object(&lab, 1)->uo_npages, 7,
	    "I4: object 1: memq has more pages");
	BREAK(&lab, pg->pageq_prev, 0, "wrong back link");
	BREAK(&lab, uvm->mem.pm_active.pl_tail, 0, "queue 0x4");
	BREAK(&lab, uvm->mem.pm_inactive.pl_scout, page_link(uvm, pg),
	    "queue 0x2: its scout");
	BREAK(&lab, uvm->mem.pm_inactive.pl_lead, 0, "queue 0x2: its scout");
	BREAK(&lab, uvm->mem.pm_bucket[page_pgno(pg)].ph_head, 0,
	    "not in the hash");
	BREAK(&lab, hash_bucket(uvm, page_object(uvm, pg), 3)->ph_tail, 0,
	    "ends with frame");
	BREAK(&lab, core_page(&lab, 2, 3)->hashq, page_link(uvm, pg + 2),
	    "does not belong there");
	lab_close(&lab);
}

/* Of one that is mostly empty, the chains of pages alone are looked at. */
static void
links_of_a_large_hash(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	lab_open(&lab, "memory=512K hash_buckets=2097152");
	lab_file(&lab, 1, 20 * PG);
	lab_map(&lab, 1, 1, MAP_R);
	lab_scan(&lab, 1, 0, 7, UVM_ACCESS_READ);
	pg = core_page(&lab, 1, 3);
	BREAK(&lab, hash_bucket(lab.uvm, page_object(lab.uvm, pg), 3)->ph_tail,
	    0, "ends with frame");
	BREAK(&lab, pg->hashq, page_link(lab.uvm, pg + 1),
	    "does not belong there");
	lab_close(&lab);
}

static void
states_of_pages(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	pg = core_page(&lab, 1, 3);
	BREAK(&lab, pg->pqflags, PQ_INACTIVE, "I8");
	BREAK(&lab, page_rare(lab.uvm, pg)->wire_count, 1, "I9");
	BREAK(&lab, page_rare(lab.uvm, pg)->nmaps, 1, "mappings beyond");
	BREAK(&lab, pg->key, page_key(2, 3), "memq holds a page of object 2");
	BREAK(&lab, pg->flags, (uint16_t)(pg->flags | PG_BUSY), "left busy");
	BREAK(&lab, pg->flags, (uint16_t)(pg->flags & ~PG_COUNTED),
	    "dirty and not counted");
	BREAK(&lab, core_page(&lab, 2, 1)->nmaps, 1, "mappings");
	BREAK(&lab, core_page(&lab, 2, 1)->flags,
	    core_page(&lab, 2, 1)->flags | PA_MOD, "dirty and not counted");
	BREAK(&lab, lab.uvm->hot.uh_exp.dirty, 1, "2 pages are dirty");
	BREAK(&lab, lab.uvm->hot.uh_exp.wired, 1, "on queues or wired");
	BREAK(&lab, lab.uvm->hot.uh_exp.free, 1, "queue 0x1");
	lab_close(&lab);
}

static void
mappings(void **state)
{
	struct vm_map *map;
	struct lab lab;

	(void)state;
	start(&lab);
	map = idmap_get(&lab.uvm->maps, 1);
	assert_non_null(map);
	BREAK(&lab, map->vm_hot.um_pte[4], 0, "mappings, counted");
	/* Of a page that is not there. */
	BREAK(&lab, map->vm_hot.um_pte[15], PTE_R, "9 pages are mapped, 8 of");
	BREAK(&lab, map->vm_entry[0].me_end, 21, "map 1: entry 0 is [0, 21)");
	BREAK(&lab, map->vm_entry[0].me_start, 20, "map 1: entry 0");
	BREAK(&lab, map->vm_nentries, 0, "map 1 maps nothing");
	BREAK(&lab, map->vm_objprev, map, "map 1 has a wrong link");
	BREAK(&lab, core_object(&lab, 1)->uo_refs, 2,
	    "2 references of 1 map entries");
	BREAK(&lab, core_object(&lab, 1)->uo_resident[0], 0xf7, "has no bit");
	BREAK(&lab, core_object(&lab, 1)->uo_resident[0], 0x1ff, "bits of 9");
	lab_close(&lab);
}

static void
objects_and_vnodes(void **state)
{
	struct vnode *vp, *idle;
	struct lab lab;

	(void)state;
	start(&lab);
	vp = core_vnode(&lab, 1);
	idle = core_vnode(&lab, 2);
	BREAK(&lab, vp->v_uvm.u_flags,
	    vp->v_uvm.u_flags & ~(unsigned)UVM_VNODE_WRITEABLE, "I1");
	BREAK(&lab, idle->v_uvm.u_flags,
	    idle->v_uvm.u_flags | UVM_VNODE_WRITEABLE, "I1");
	BREAK(&lab, vp->v_uvm.u_wprev, &vp->v_uvm, "I1");
	BREAK(&lab, lab.uvm->wlist, NULL, "I1");
	BREAK(&lab, vp->v_uvm.u_flags, vp->v_uvm.u_flags | UVM_VNODE_WANTED,
	    "I2");
	BREAK(&lab, vp->v_usecount, 0, "I3");
	BREAK(&lab, vp->v_usecount, 2, "I3");
	BREAK(&lab, vp->v_opens, 1, "I3");
	BREAK(&lab, vp->v_uvm.u_nio, 1, "I5");
	BREAK(&lab, idle->v_onfree, false, "file 2 has 0 uses");
	BREAK(&lab, idle->v_freeprev, vp, "wrong back link");
	BREAK(&lab, lab.uvm->freetail, NULL, "on the free list");
	BREAK(&lab, lab.uvm->numvnodes, 3, "2 vnodes are in core");
	BREAK(&lab, vp->v_locked, true, "left locked");
	BREAK(&lab, lab.uvm->pagermap_free, 1, "I6");
	BREAK(&lab, lab.uvm->paging, 1, "in page-out");
	lab_close(&lab);
}

static void
io_under_way(void **state)
{
	struct lab lab;

	(void)state;
	lab_open_with(&lab,
	    "memory=512K profile=modern async_put=on readahead=fixed "
	    "readahead_max=32K",
	    &recorder_async_backend);
	lab.rec.rec_lazy = true;
	lab_file(&lab, 1, 20 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	lab_scan(&lab, 1, 0, 0, UVM_ACCESS_READ);
	assert_true(lab.uvm->aio.ai_flying > 0);
	BREAK(&lab, lab.uvm->aio.ai_flying, 9, "I5");
	BREAK(&lab, lab.uvm->aio.ai_idle, lab.uvm->aio.ai_idle->ad_next,
	    "descriptors are idle");
	BREAK(&lab, lab.uvm->pagermap_free, 1, "I6");
	must(uvm_finish(lab.uvm));
	lab_check(&lab);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_of_pages),
		cmocka_unit_test(links_of_a_large_hash),
		cmocka_unit_test(states_of_pages),
		cmocka_unit_test(mappings),
		cmocka_unit_test(objects_and_vnodes),
		cmocka_unit_test(io_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
