/* UEFI's runtime services. */
#include "kernel/efi_runtime.h"
#include "kernel/cpu.h"
#include "kernel/guard.h"
#include "kernel/paging.h"
#include <string.h>

/* Offsets in EFI_SYSTEM_TABLE (4.3) and EFI_RUNTIME_SERVICES (4.5) of a 64-bit machine. */
#define SYSTEM_BYTES      120
#define SYSTEM_SIGNATURE  UINT64_C(0x5453595320494249) /* "IBI SYST" */
#define SYSTEM_RUNTIME    88
#define SERVICES_BYTES    136
#define SERVICES_SIGNATURE UINT64_C(0x56524553544e5552) /* "RUNTSERV" */
#define SERVICES_GET      72
#define SERVICES_SET      88
#define SERVICES_RESET    104
#define SERVICES_ROOM     128

#define RESET_WARM 1u
#define CALL_US    30000000u /* a store that tidies itself up while it is written may take seconds */

/* EFI_STATUS (appendix D), without the bit that says "error". */
#define EFI_ERROR_BIT BIT(63)
enum {
	EFI_INVALID = 2, EFI_UNSUPPORTED = 3, EFI_TOO_SMALL = 5, EFI_PROTECTED = 8, EFI_NO_RESOURCES = 9, EFI_NOT_FOUND = 14,
	EFI_DENIED = 15, EFI_VIOLATION = 26,
};

typedef uint64_t (__attribute__((ms_abi)) *get_fn)(const uint16_t *, const struct efi_guid *, uint32_t *, size_t *,
						   void *);
typedef uint64_t (__attribute__((ms_abi)) *set_fn)(const uint16_t *, const struct efi_guid *, uint32_t, size_t,
						   const void *);
typedef void (__attribute__((ms_abi)) *reset_fn)(uint32_t, uint64_t, size_t, const void *);
typedef uint64_t (__attribute__((ms_abi)) *room_fn)(uint32_t, uint64_t *, uint64_t *, uint64_t *);

/* One call: what goes in and what comes out. */
struct call {
	void (*fn)(struct call *);
	const uint16_t *name;
	const struct efi_guid *vendor;
	uint32_t attributes;
	size_t bytes;
	const void *from;
	void *to;
	uint64_t all, left, largest;
	uint64_t result;
};

static struct {
	bool ready;
	uint64_t root;
	uint64_t get, set, reset, room; /* addresses of the services */
} rt;

static uint64_t rd64(const void *table, unsigned offset)
{
	uint64_t v;

	memcpy(&v, (const char *)table + offset, sizeof(v));
	return v;
}

static bool in_code(const struct boot_efi *efi, uint64_t at)
{
	for (uint32_t i = 0; i < efi->runtime_n; i++)
		if (efi->runtime[i].kind == BOOT_RUNTIME_CODE && at >= efi->runtime[i].base &&
		    at - efi->runtime[i].base < efi->runtime[i].len_bytes)
			return true;
	return false;
}

static enum status map_regions(const struct boot_efi *efi)
{
	static const enum paging_kind kinds[] = {
		[BOOT_RUNTIME_CODE] = PAGING_CODE, [BOOT_RUNTIME_DATA] = PAGING_DATA, [BOOT_RUNTIME_MMIO] = PAGING_REGISTERS,
	};
	enum status s = paging_space(&rt.root);

	for (uint32_t i = 0; i < efi->runtime_n && s == OK; i++)
		s = paging_space_map(rt.root, PA(efi->runtime[i].base), efi->runtime[i].len_bytes,
				     kinds[efi->runtime[i].kind]);
	return s;
}

enum status efi_runtime_init(const struct boot_info *bi)
{
	const struct boot_efi *efi = &bi->efi;
	const void *system = efi->system_table ? paging_firmware(PA(efi->system_table), SYSTEM_BYTES) : NULL;
	const void *services;
	enum status s;

	if (rt.ready)
		return OK;
	if (!system || efi->runtime_dropped || rd64(system, 0) != SYSTEM_SIGNATURE)
		return ERR_UNSUPPORTED;
	services = paging_firmware(PA(rd64(system, SYSTEM_RUNTIME)), SERVICES_BYTES);
	if (!services || rd64(services, 0) != SERVICES_SIGNATURE)
		return ERR_UNSUPPORTED;
	rt.get = rd64(services, SERVICES_GET);
	rt.set = rd64(services, SERVICES_SET);
	rt.reset = rd64(services, SERVICES_RESET);
	rt.room = rd64(services, SERVICES_ROOM);
	if (!in_code(efi, rt.get) || !in_code(efi, rt.set) || !in_code(efi, rt.reset) || !in_code(efi, rt.room))
		return ERR_UNSUPPORTED;
	s = map_regions(efi);
	rt.ready = s == OK;
	return s;
}

/* Interrupts stay off: firmware's tables have no place for our handlers' memory but the half that is ours as ever. */
static void inside(void *arg)
{
	struct call *c = arg;

	interrupts_off();
	paging_space_enter(rt.root);
	c->fn(c);
	paging_space_leave();
	interrupts_on();
}

static enum status status_of(uint64_t result)
{
	if (!result)
		return OK;
	switch (result & ~EFI_ERROR_BIT) {
	case EFI_INVALID: return ERR_INVALID;
	case EFI_UNSUPPORTED: return ERR_UNSUPPORTED;
	case EFI_TOO_SMALL:
	case EFI_NO_RESOURCES: return ERR_FULL;
	case EFI_PROTECTED:
	case EFI_DENIED:
	case EFI_VIOLATION: return ERR_DENIED;
	case EFI_NOT_FOUND: return ERR_NOT_FOUND;
	default: return ERR_IO;
	}
}

static enum status call(struct call *c)
{
	char why[RUN_WHY_MAX];

	if (!rt.ready)
		return ERR_UNSUPPORTED;
	if (guard_active()) { /* inside a test: its guard is the one that catches */
		inside(c);
		return status_of(c->result);
	}
	if (run_guarded(inside, c, CALL_US, why) != RUN_RETURNED) {
		rt.ready = false;
		log_line("firmware's runtime services do not work: %s", why);
		return ERR_IO;
	}
	return status_of(c->result);
}

static void do_set(struct call *c)
{
	c->result = ((set_fn)(uintptr_t)rt.set)(c->name, c->vendor, c->attributes, c->bytes, c->from);
}

static void do_get(struct call *c)
{
	c->result = ((get_fn)(uintptr_t)rt.get)(c->name, c->vendor, NULL, &c->bytes, c->to);
}

static void do_room(struct call *c)
{
	c->result = ((room_fn)(uintptr_t)rt.room)(c->attributes, &c->all, &c->left, &c->largest);
}

static void do_reset(struct call *c)
{
	((reset_fn)(uintptr_t)rt.reset)(RESET_WARM, 0, 0, NULL);
	c->result = EFI_UNSUPPORTED;
}

enum status efi_variable_set(const uint16_t *name, const struct efi_guid *vendor, uint32_t attributes, const void *data,
			     size_t bytes)
{
	struct call c = { .fn = do_set, .name = name, .vendor = vendor, .attributes = attributes, .bytes = bytes,
			  .from = data };

	return call(&c);
}

enum status efi_variable_get(const uint16_t *name, const struct efi_guid *vendor, void *data, size_t *bytes)
{
	struct call c = { .fn = do_get, .name = name, .vendor = vendor, .bytes = *bytes, .to = data };
	enum status s = call(&c);

	*bytes = c.bytes;
	return s;
}

enum status efi_variable_room(uint32_t attributes, uint64_t *all, uint64_t *left, uint64_t *largest)
{
	struct call c = { .fn = do_room, .attributes = attributes };
	enum status s = call(&c);

	*all = c.all;
	*left = c.left;
	*largest = c.largest;
	return s;
}

void efi_reset_warm(void)
{
	struct call c = { .fn = do_reset };

	if (call(&c) != OK)
		log_line("firmware does not reset the machine");
}
