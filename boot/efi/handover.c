/* The end of boot services and the way into the kernel. */
#include "boot/efi/app.h"
#include "boot/efi/image.h"
#include "boot/efi/memory_map.h"
#include "kernel/bits.h"

#define EXIT_TRIES   8
#define MAP_SLACK    4096u /* the map grows by what is allocated for it */
#define LARGE_PAGE   BIT(21)
#define MEMORY_RO    BIT(17)
#define MEMORY_XP    BIT(14)

extern const uint8_t kernel_elf[], kernel_elf_end[];

/* EFI_MEMORY_ATTRIBUTE_PROTOCOL (UEFI 2.10, 37.10): firmware that keeps data from being executed has it. */
struct attribute_protocol {
	EFI_STATUS (EFIAPI *get)(struct attribute_protocol *, EFI_PHYSICAL_ADDRESS, UINT64, UINT64 *);
	EFI_STATUS (EFIAPI *set)(struct attribute_protocol *, EFI_PHYSICAL_ADDRESS, UINT64, UINT64);
	EFI_STATUS (EFIAPI *clear)(struct attribute_protocol *, EFI_PHYSICAL_ADDRESS, UINT64, UINT64);
};

/* The map as firmware gave it last. */
struct map {
	uint8_t *buffer;
	UINTN room, bytes, key, stride;
};

static void make_executable(const struct app *app, uint64_t base, uint64_t bytes)
{
	static EFI_GUID guid = { 0xf4560cf6, 0x40ec, 0x4b4a, { 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89 } };
	struct attribute_protocol *p;
	void *found;

	if (app->bs->LocateProtocol(&guid, NULL, &found) != EFI_SUCCESS)
		return;
	p = found;
	p->clear(p, base, bytes, MEMORY_XP | MEMORY_RO);
}

/*
 * Puts the kernel below 4 GiB, as far off a multiple of 2 MiB as it is linked: its boot page tables map large pages.
 * Returns the address to enter, 0 where there is no room.
 */
static uint64_t place_kernel(const struct app *app)
{
	size_t elf_bytes = (size_t)(kernel_elf_end - kernel_elf);
	struct image image;
	uint64_t off, base;
	uint8_t *room;

	if (!image_read(kernel_elf, elf_bytes, &image)) {
		app_say(app, "The kernel inside this file is damaged: write the stick again.");
		return 0;
	}
	off = image.first % LARGE_PAGE;
	room = app_pages(app, image.end - image.first + LARGE_PAGE, EfiLoaderCode);
	if (!room) {
		app_say(app, "Too little memory below 4 GiB for the kernel.");
		return 0;
	}
	base = align_up((uint64_t)(uintptr_t)room, LARGE_PAGE) + off;
	if (base - LARGE_PAGE >= (uint64_t)(uintptr_t)room)
		base -= LARGE_PAGE;
	make_executable(app, base, image.end - image.first);
	image_place(kernel_elf, &image, (uint8_t *)(uintptr_t)base);
	app->bi->image = base;
	return base + (image.entry - image.first);
}

static EFI_STATUS read_map(const struct app *app, struct map *m)
{
	UINT32 version;

	m->bytes = m->room;
	return app->bs->GetMemoryMap(&m->bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)m->buffer, &m->key, &m->stride, &version);
}

/* Room for the map and some more: between the calls that follow it may only grow by what timers allocate. */
static bool map_room(const struct app *app, struct map *m)
{
	*m = (struct map){ .room = 0 };
	if (read_map(app, m) != EFI_BUFFER_TOO_SMALL)
		return false;
	m->room = align_up(m->bytes + MAP_SLACK, 4096);
	m->buffer = app_pages(app, m->room, EfiLoaderData);
	return m->buffer != NULL;
}

/*
 * A handler that runs in between may change the map, and then its key is stale: ExitBootServices() refuses, and the
 * map is read again. After the first try nothing may be allocated any more (UEFI 2.10, 7.4.6).
 */
static bool leave_firmware(const struct app *app, struct map *m)
{
	for (unsigned i = 0; i < EXIT_TRIES; i++)
		if (read_map(app, m) == EFI_SUCCESS && app->bs->ExitBootServices(app->image, m->key) == EFI_SUCCESS)
			return true;
	return false;
}

void handover(const struct app *app)
{
	uint64_t entry = place_kernel(app);
	struct map map;

	if (!entry)
		return;
	if (!map_room(app, &map)) {
		app_say(app, "Firmware gives no memory map.");
		return;
	}
	if (!leave_firmware(app, &map)) {
		app_say(app, "Firmware does not let go of the machine: ExitBootServices was refused %d times.", EXIT_TRIES);
		return;
	}
	memory_map_translate(map.buffer, map.bytes, map.stride, app->bi);
	((void (*)(struct boot_info *))(uintptr_t)entry)(app->bi);
}
