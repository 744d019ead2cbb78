#include "pager/uvm_i.h"

/* The table entry of a map for a page of its object, or NULL: not covered. */
static inline uint8_t *
map_pte(const struct vm_map *map, uint64_t pgno)
{
	const uint64_t idx = pgno - map->vm_hot.um_first;

	return idx < map->vm_hot.um_npages ? &map->vm_hot.um_pte[idx] : NULL;
}

/* Does this entry map the object's own page? */
static inline bool
pte_object(uint8_t pte)
{

	return (pte & (PTE_R | PTE_ANON)) == PTE_R;
}

static inline uint8_t
pte_bits(unsigned prot)
{

	return prot & UVM_MAP_WRITE ? PTE_R | PTE_W : PTE_R;
}

static uint16_t
pte_attrs(uint8_t pte)
{

	return (uint16_t)((pte & PTE_REF ? PA_REF : 0) |
	    (pte & PTE_MOD ? PA_MOD : 0));
}

/* End an entry: what it was. */
static inline uint8_t
pte_take(uint8_t *pte)
{
#ifdef UVM_MP
	/* An access may be about to mark it. */
	return __atomic_exchange_n(pte, 0, __ATOMIC_RELAXED);
#else
	const uint8_t was = *pte;

	*pte = 0;
	return was;
#endif
}

/* Eight entries, from a multiple of eight on. */
static inline uint64_t
pte_word(const uint8_t *pte)
{
	uint64_t word = 0;

#ifdef UVM_MP
	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)shared_get(&pte[i]) << 8 * i;
#else
	__builtin_memcpy(&word, pte, sizeof(word));
#endif
	return word;
}

/* The page of the object that an entry of map at pgno maps: it is resident. */
static struct vm_page *
mapped_page(const struct uvm *uvm, const struct vm_map *map, uint64_t pgno)
{
	struct vm_page *const pg =
	    uvm_pagepeek(uvm, &map->vm_vp->v_uvm.u_obj, pgno);

	KASSERT(pg != NULL);
	return pg;
}

/* Visit each mapping of pg: the entry's address in pte. */
#define PAGE_FOREACH_PTE(uvm, pg, map, pte, left)                              \
	for ((left) = page_nmaps((uvm), (pg)),                                 \
	    (map) = (left) != 0 ? page_object((uvm), (pg))->uo_maps : NULL;    \
	     (map) != NULL && (left) != 0; (map) = (map)->vm_objnext)          \
		if (((pte) = map_pte((map), page_pgno(pg))) != NULL &&         \
		    pte_object(shared_get(pte)) && (left)-- != 0)

void
pmap_enter(struct uvm *uvm, struct vm_map *map, struct vm_page *pg,
    unsigned prot)
{
	uint8_t *const pte = map_pte(map, page_pgno(pg));

	uint8_t was;

	KASSERT(pte != NULL);
	was = shared_get(pte);
	if (was & PTE_ANON)
		was = 0;
	if ((was & PTE_R) == 0)
		page_mapped(uvm, pg, 1);
	shared_set(pte,
	    (uint8_t)((was & (PTE_REF | PTE_MOD)) | pte_bits(prot)));
	if (prot & UVM_MAP_WRITE)
		page_object(uvm, pg)->uo_maydirty = true;
}

void
pmap_enter_anon(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    unsigned prot)
{
	uint8_t *const pte = map_pte(map, pgno);

	uint8_t was;

	KASSERT(pte != NULL);
	was = shared_get(pte);
	if (pte_object(was)) {
		struct vm_page *const pg = mapped_page(uvm, map, pgno);

		pg->flags |= pte_attrs(was);
		page_unmapped(uvm, pg);
	}
	shared_set(pte, (uint8_t)(PTE_ANON | pte_bits(prot)));
}

void
pmap_page_protect(struct uvm *uvm, struct vm_page *pg, unsigned prot)
{
	struct vm_map *map;
	uint8_t *pte;
	uint32_t left;

	PAGE_FOREACH_PTE(uvm, pg, map, pte, left)
	{
		if (prot != 0) {
			shared_and(pte, (uint8_t)~PTE_W);
			continue;
		}
		pg->flags |= pte_attrs(pte_take(pte));
		page_unmapped(uvm, pg);
	}
}

bool
pmap_maps_have(const struct uvm *uvm, const struct vm_page *pg, uint8_t bit)
{
	struct vm_map *map;
	uint8_t *pte;
	uint32_t left;

	PAGE_FOREACH_PTE(uvm, pg, map, pte, left)
	{
		if (shared_get(pte) & bit)
			return true;
	}
	return false;
}

void
pmap_maps_clear(struct uvm *uvm, struct vm_page *pg, uint8_t bit)
{
	struct vm_map *map;
	uint8_t *pte;
	uint32_t left;

	PAGE_FOREACH_PTE(uvm, pg, map, pte, left)
	shared_and(pte, (uint8_t)~bit);
}

/* End one entry of a map that goes away or loses all permissions. */
static void
pte_fold(struct uvm *uvm, struct vm_map *map, uint64_t idx)
{
	struct vm_page *const pg =
	    mapped_page(uvm, map, map->vm_hot.um_first + idx);

	pg->flags |= pte_attrs(pte_take(&map->vm_hot.um_pte[idx]));
	page_unmapped(uvm, pg);
}

/* The first index >= idx, < end, with an entry; tables are mostly empty. */
static uint64_t
pte_next(const struct vm_map *map, uint64_t idx, uint64_t end)
{
	const uint8_t *const pte = map->vm_hot.um_pte;
	uint64_t word;

	while (idx < end) {
		if (shared_get(&pte[idx]) != 0)
			return idx;
		if ((idx & 7) == 0 && idx + 8 <= end) {
			word = pte_word(&pte[idx]);
			idx += word == 0 ? 8 : 1;
		} else {
			idx++;
		}
	}
	return end;
}

void
pmap_remove(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end)
{
	const uint64_t last = end - map->vm_hot.um_first;
	uint64_t idx;

	for (idx = pte_next(map, start - map->vm_hot.um_first, last);
	     idx < last; idx = pte_next(map, idx + 1, last)) {
		if (pte_object(shared_get(&map->vm_hot.um_pte[idx])))
			pte_fold(uvm, map, idx);
		else
			shared_set(&map->vm_hot.um_pte[idx], 0);
	}
}

void
pmap_protect(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end,
    unsigned prot)
{
	const uint64_t last = end - map->vm_hot.um_first;
	uint64_t idx;

	for (idx = pte_next(map, start - map->vm_hot.um_first, last);
	     idx < last; idx = pte_next(map, idx + 1, last)) {
		uint8_t *const pte = &map->vm_hot.um_pte[idx];

		if (prot & (UVM_MAP_READ | UVM_MAP_EXEC)) {
			if ((prot & UVM_MAP_WRITE) == 0)
				shared_and(pte, (uint8_t)~PTE_W);
		} else if (shared_get(pte) & PTE_ANON) {
			shared_set(pte, PTE_ANON);
		} else {
			pte_fold(uvm, map, idx);
		}
	}
}
