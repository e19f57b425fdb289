/* boot/efi/image.c: a small ELF file made by hand, whole and with one thing wrong at a time. */
#include "boot/efi/image.h"
#include "tests/host/tap.h"

#define FILE_BYTES 0x400
#define NOTES_AT   0x200
#define TEXT_AT    0x300
#define FIRST      UINT64_C(0xffffffff80100000)

static uint8_t elf[FILE_BYTES];

static void put(size_t at, uint64_t v, unsigned bytes)
{
	memcpy(elf + at, &v, bytes); /* little-endian hosts only, as the kernel's machine is */
}

static void segment(unsigned i, uint32_t type, uint64_t offset, uint64_t va, uint64_t file_bytes, uint64_t memory_bytes)
{
	size_t at = 64 + i * 56;

	put(at, type, 4);
	put(at + 8, offset, 8);
	put(at + 16, va, 8);
	put(at + 32, file_bytes, 8);
	put(at + 40, memory_bytes, 8);
}

static void make(void)
{
	memset(elf, 0, sizeof(elf));
	memcpy(elf, "\x7f" "ELF\2\1\1", 7);
	put(32, 64, 8);
	put(54, 56, 2);
	put(56, 3, 2);
	segment(0, 4, NOTES_AT, FIRST + 0x2000, 0x40, 0x40);
	segment(1, 1, TEXT_AT, FIRST, 0x10, 0x10);
	segment(2, 1, TEXT_AT + 0x10, FIRST + 0x3008, 8, 0x2000);
	put(NOTES_AT, 4, 4); /* another one's note first */
	put(NOTES_AT + 4, 4, 4);
	put(NOTES_AT + 8, 18, 4);
	memcpy(elf + NOTES_AT + 12, "Xen", 4);
	put(NOTES_AT + 20, 11, 4);
	put(NOTES_AT + 24, 8, 4);
	put(NOTES_AT + 28, 1, 4);
	memcpy(elf + NOTES_AT + 32, "Portcullis", 11);
	put(NOTES_AT + 44, FIRST + 0x10, 8);
	memset(elf + TEXT_AT, 0xcc, 0x10);
	memset(elf + TEXT_AT + 0x10, 0xdd, 8);
}

static void whole(void)
{
	static uint8_t room[0x6000];
	struct image image;

	make();
	ok(image_read(elf, sizeof(elf), &image), "a whole file is read");
	is_u64(image.first, FIRST, "its first page");
	is_u64(image.end, FIRST + 0x6000, "its end, whole pages");
	is_u64(image.entry, FIRST + 0x10, "its entry, from the note");
	memset(room, 0xee, sizeof(room));
	image_place(elf, &image, room);
	ok(room[0] == 0xcc && room[0xf] == 0xcc && room[0x10] == 0, "the first part is in its place");
	ok(room[0x3007] == 0 && room[0x3008] == 0xdd && room[0x300f] == 0xdd && room[0x3010] == 0, "and the second");
	ok(room[0x5fff] == 0, "the rest is clear");
}

static void refused(size_t at, uint64_t v, unsigned bytes, const char *why)
{
	struct image image;

	make();
	put(at, v, bytes);
	ok(!image_read(elf, sizeof(elf), &image), "refused: %s", why);
}

static void broken(void)
{
	struct image image;

	make();
	ok(!image_read(elf, 63, &image), "refused: shorter than its header");
	refused(0, 0x7e, 1, "not an ELF file");
	refused(4, 1, 1, "32 bits");
	refused(54, 55, 2, "segment headers of another size");
	refused(32, FILE_BYTES - 100, 8, "segment headers beyond the end");
	refused(32, UINT64_MAX - 10, 8, "segment headers that wrap");
	refused(56, 17, 2, "too many segments");
	refused(64 + 56 + 8, FILE_BYTES, 8, "a segment beyond the end");
	refused(64 + 56 + 32, FILE_BYTES, 8, "a segment that is longer than the file");
	refused(64 + 56 + 40, 8, 8, "a segment that has more in the file than in memory");
	refused(64 + 2 * 56 + 40, UINT64_C(1) << 32, 8, "a segment larger than the kernel can be");
	refused(64 + 2 * 56 + 16, FIRST - (UINT64_C(1) << 25), 8, "segments too far apart");
	refused(NOTES_AT + 28, 2, 4, "no note of ours");
	refused(NOTES_AT + 32, 'Q', 1, "another one's note");
	refused(NOTES_AT + 24, 0xffffffff, 4, "a note without an end");
	refused(NOTES_AT + 44, FIRST + 0x6000, 8, "an entry behind the image");
	refused(NOTES_AT + 44, FIRST - 1, 8, "an entry before the image");
}

int main(void)
{
	whole();
	broken();
	return done();
}
