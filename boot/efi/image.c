/* ELF64 (System V ABI, chapters 4 and 5), as far as our own linker script uses it. */
#include "boot/efi/image.h"
#include "kernel/bits.h"
#include <string.h>

#define SEGMENTS_MAX  16
#define IMAGE_MAX     BIT(24) /* linker.ld asserts it */
#define PT_LOAD       1u
#define PT_NOTE       4u
#define NOTE_HANDOVER 1u /* boot/handover.asm */
#define NOTE_NAME     "Portcullis"

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, segments, sections;
	uint32_t flags;
	uint16_t header_bytes, segment_bytes, segments_n, section_bytes, sections_n, names;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, va, pa, file_bytes, memory_bytes, align;
};

struct elf_note {
	uint32_t name_bytes, bytes, type;
};

static bool segment_at(const uint8_t *elf, unsigned i, struct elf_segment *s)
{
	struct elf_header h;

	memcpy(&h, elf, sizeof(h));
	if (i >= h.segments_n)
		return false;
	memcpy(s, elf + h.segments + i * sizeof(*s), sizeof(*s));
	return true;
}

/* The address in our note, 0 if it is not in this segment. */
static uint64_t find_entry(const uint8_t *notes, size_t bytes)
{
	size_t at = 0;

	while (bytes - at >= sizeof(struct elf_note)) {
		struct elf_note n;
		uint64_t name, data, value;

		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		data = name + align_up(n.name_bytes, 4);
		if (data + align_up(n.bytes, 4) > bytes)
			return 0;
		if (n.type == NOTE_HANDOVER && n.bytes == sizeof(value) && n.name_bytes == sizeof(NOTE_NAME) &&
		    !memcmp(notes + name, NOTE_NAME, sizeof(NOTE_NAME))) {
			memcpy(&value, notes + data, sizeof(value));
			return value;
		}
		at = data + align_up(n.bytes, 4);
	}
	return 0;
}

static bool take_segment(const uint8_t *elf, size_t bytes, const struct elf_segment *s, struct image *out)
{
	if (s->offset > bytes || s->file_bytes > bytes - s->offset || s->file_bytes > s->memory_bytes)
		return false;
	if (s->type == PT_NOTE && !out->entry)
		out->entry = find_entry(elf + s->offset, s->file_bytes);
	if (s->type != PT_LOAD)
		return true;
	if (s->memory_bytes > IMAGE_MAX || s->va > UINT64_MAX - IMAGE_MAX)
		return false;
	out->first = min_u64(out->first, align_down(s->va, 4096));
	out->end = max_u64(out->end, align_up(s->va + s->memory_bytes, 4096));
	return true;
}

bool image_read(const uint8_t *elf, size_t bytes, struct image *out)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F', 2, 1 };
	struct elf_header h;
	struct elf_segment s;

	*out = (struct image){ .first = UINT64_MAX };
	if (bytes < sizeof(h))
		return false;
	memcpy(&h, elf, sizeof(h));
	if (memcmp(h.ident, magic, sizeof(magic)) || h.segment_bytes != sizeof(s) || h.segments_n > SEGMENTS_MAX ||
	    h.segments > bytes || h.segments_n * sizeof(s) > bytes - h.segments)
		return false;
	for (unsigned i = 0; segment_at(elf, i, &s); i++)
		if (!take_segment(elf, bytes, &s, out))
			return false;
	return out->first < out->end && out->end - out->first <= IMAGE_MAX && out->entry >= out->first &&
	       out->entry < out->end;
}

void image_place(const uint8_t *elf, const struct image *image, uint8_t *to)
{
	struct elf_segment s;

	memset(to, 0, image->end - image->first);
	for (unsigned i = 0; segment_at(elf, i, &s); i++)
		if (s.type == PT_LOAD)
			memcpy(to + (s.va - image->first), elf + s.offset, s.file_bytes);
}
