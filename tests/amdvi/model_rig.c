/* A unit of the AMD-Vi model by itself. */
#include "tests/amdvi/model_rig.h"
#include "tests/model_machine.h"

#define CACHE_ENTRIES 64u
#define POOL_PAGES    32u
#define ADDRESS       BITS(51, 12)

/* Memory as the unit of ctx sees it, as the test does where ctx is NULL. */
static void *at(const struct am *a, uint64_t pa, uint32_t bytes)
{
	if (a && a->high)
		return pa & AM_HIGH ? mem_ptr(PA(pa & ~AM_HIGH), bytes) : NULL;
	return mem_ptr(PA(pa), bytes);
}

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const void *p = at(ctx, pa, bytes);

	if (p)
		__builtin_memcpy(buf, p, bytes);
	return p;
}

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	return rd(ctx, pa, w, 8 * n);
}

static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	void *p = at(ctx, pa, bytes);

	if (p)
		__builtin_memcpy(p, buf, bytes);
	return p;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	struct am *a = ctx;

	if (a->read_only || !rd(ctx, pa, seen, 8))
		return false;
	*seen |= a->meddle;
	if (a->meddle && !wr(ctx, pa, seen, 8))
		return false;
	a->meddle = 0;
	return *seen != expected || wr(ctx, pa, &desired, 8);
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct am *a = ctx;

	if (a->messages_n < AM_LOG)
		a->messages[a->messages_n] = (struct am_message){ address, data };
	a->messages_n++;
}

static bool devtlb_invalidate(void *ctx, const struct mdl_devtlb_inv *inv)
{
	struct am *a = ctx;

	if (a->invs_n < AM_LOG)
		a->invs[a->invs_n++] = *inv;
	if (a->answer_within)
		mdl_amd_devtlb_answer(&a->u, inv->sid);
	return !a->withhold;
}

static void page_response(void *ctx, const struct mdl_page_response *rsp)
{
	struct am *a = ctx;

	if (a->responses_n < AM_LOG)
		a->responses[a->responses_n++] = *rsp;
}

static void doorbell(void *ctx, uint32_t destination)
{
	struct am *a = ctx;

	a->doorbell = destination;
	a->doorbells_n++;
}

const struct mdl_amd_config *am_config(struct test *t)
{
	return model_machine_unit_amdvi(t->bench->machine)->st.cfg;
}

void am_need(struct test *t, uint64_t efr, const char *what)
{
	if ((am_config(t)->efr & efr) != efr)
		skip(t, "%s = 0", what);
}

struct am *am_open(struct test *t, const struct mdl_amd_config *c)
{
	struct am *a = (struct am *)(void *)page_alloc(t, sizeof(*a), 0)->p; /* page-aligned */
	const struct mdl_mem mem = { .ctx = a, .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
	const struct mdl_env env = { .ctx = a, .message = message, .devtlb_invalidate = devtlb_invalidate,
				     .page_response = page_response, .doorbell = doorbell };

	a->t = t;
	a->config = *c;
	a->config.cache_entries = CACHE_ENTRIES;
	must(t, mdl_amd_init(&a->u, &a->config, &mem, &env, page_alloc(t, mdl_amd_cache_bytes(&a->config), 0)->p),
	     "a unit of the model");
	mdl_amd_place(&a->u, AM_OWN, AM_BASE);
	return a;
}

const struct mdl_amd_config *am_small(void)
{
	return mdl_amd_config_find("amd-small");
}

struct am *am_start(struct test *t, uint64_t more)
{
	return am_start_as(t, am_config(t), more);
}

struct am *am_start_as(struct test *t, const struct mdl_amd_config *c, uint64_t more)
{
	struct am *a = am_open(t, c);

	a->devtab = page_alloc(t, 3 * PAGE_BYTES, 0)->pa.v;
	a->commands = am_page(a);
	a->events = am_page(a);
	am_set(a, 0x0000, a->devtab | 2);
	am_set(a, 0x0008, a->commands | UINT64_C(0x0800000000000000));
	am_set(a, 0x0010, a->events | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, 0x1405 | more);
	return a;
}

uint64_t am_page(struct am *a)
{
	if (!a->pool_n) {
		a->pool = page_alloc(a->t, POOL_PAGES * PAGE_BYTES, 0)->pa.v;
		a->pool_n = POOL_PAGES;
	}
	return a->pool + --a->pool_n * PAGE_BYTES;
}

uint64_t am_get(uint64_t pa)
{
	uint64_t w = 0;

	ASSERT(rd(NULL, pa, &w, 8));
	return w;
}

void am_put(uint64_t pa, uint64_t word)
{
	ASSERT(wr(NULL, pa, &word, 8));
}

uint64_t am_reg(struct am *a, uint32_t off)
{
	return mdl_amd_rd(&a->u, off, 8);
}

void am_set(struct am *a, uint32_t off, uint64_t v)
{
	mdl_amd_wr(&a->u, off, v, 8);
}

void am_dte(struct am *a, uint16_t sid, uint64_t q0, uint64_t q1, uint64_t q2, uint64_t q3)
{
	uint64_t pa = a->devtab + 32 * (uint64_t)sid;

	am_put(pa, q0);
	am_put(pa + 8, q1);
	am_put(pa + 16, q2);
	am_put(pa + 24, q3);
	am_cmd(a, AM_OP(2) | sid, 0);
}

unsigned am_levels(struct test *t)
{
	return (unsigned)min_u64(4, model_machine_unit_amdvi(t->bench->machine)->st.d.host_levels);
}

static uint64_t table_below(struct am *a, uint64_t entry, uint64_t flags)
{
	uint64_t table = am_get(entry) & ADDRESS;

	if (!table) {
		table = am_page(a);
		am_put(entry, table | flags);
	}
	return table;
}

uint64_t am_entry(struct am *a, uint64_t root, unsigned levels, unsigned level, uint64_t address)
{
	uint64_t table = root;

	for (unsigned l = levels; l > level; l--)
		table = table_below(a, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512),
				    AM_PERMIT | 1 | 0x200 * (uint64_t)(l - 1));
	return table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512);
}

uint64_t am_guest_entry(struct am *a, uint64_t root, unsigned levels, unsigned level, uint64_t address)
{
	uint64_t table = root;

	for (unsigned l = levels; l > level; l--)
		table = table_below(a, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512), 7);
	return table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512);
}

void am_put_cmd(struct am *a, uint64_t q0, uint64_t q1)
{
	uint64_t tail = am_reg(a, 0x2008);

	am_put(a->commands + tail, q0);
	am_put(a->commands + tail + 8, q1);
	am_set(a, 0x2008, (tail + 16) % PAGE_BYTES);
}

void am_cmd(struct am *a, uint64_t q0, uint64_t q1)
{
	am_put_cmd(a, q0, q1);
	am_put_cmd(a, AM_OP(1), 0);
}

bool am_event(struct am *a, uint64_t event[2])
{
	uint64_t head = am_reg(a, 0x2010);

	if (head == am_reg(a, 0x2018))
		return false;
	event[0] = am_get(a->events + head);
	event[1] = am_get(a->events + head + 8);
	am_set(a, 0x2010, (head + 16) % PAGE_BYTES);
	return true;
}

unsigned am_code(struct am *a)
{
	uint64_t event[2], rest[2];
	unsigned code = am_event(a, event) ? (unsigned)shr(event[0], 60) : 0;

	while (am_event(a, rest))
		continue;
	return code;
}

struct mdl_amd_result am_look(struct am *a, const struct mdl_request *rq)
{
	struct mdl_amd_result out;

	mdl_amd_lookup(&a->u, rq, &out);
	return out;
}

struct mdl_amd_result am_ask(struct am *a, enum mdl_access access, uint64_t address)
{
	const struct mdl_request rq = { .sid = AM_SID, .access = (uint8_t)access, .bytes = 8, .address = address };

	return am_look(a, &rq);
}

uint64_t am_goes(struct am *a, uint64_t address)
{
	struct mdl_amd_result out = am_ask(a, MDL_READ, address);

	return out.kind == MDL_OK ? out.address : 0;
}

bool am_is(struct test *t, const char *what, uint64_t seen, uint64_t expected, uint64_t which)
{
	if (expect_eq(t, what, seen, expected))
		return true;
	note(t, "case 0x%llx", (unsigned long long)which);
	return false;
}
