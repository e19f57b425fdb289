/* A unit that answers, and writes down what it is told. */
#include <string.h>
#include "tests/host/vtd/fake.h"

#define LEVELS   0x96800000u /* TE EAFL QIE IRE CFI */
#define ONE_SHOT 0x69000000u /* SRTP SFL WBF SIRTP */
#define IRO      0xf0u
#define FRO      0x220u

uint64_t fake_get(const struct fake *f, uint32_t off, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, f->regs + off, bytes);
	return v;
}

void fake_put(struct fake *f, uint32_t off, uint64_t v, unsigned bytes)
{
	memcpy(f->regs + off, &v, bytes);
}

static void breach(struct fake *f, const char *what)
{
	f->breaches++;
	f->breach = what;
}

static struct fake_event *event(struct fake *f, enum fake_kind kind)
{
	struct fake_event *e = &f->log[f->log_n % FAKE_LOG];

	f->log_n++;
	*e = (struct fake_event){ .kind = kind };
	return e;
}

static void queue_error(struct fake *f, unsigned why)
{
	fake_put(f, 0x34, fake_get(f, 0x34, 4) | 0x10, 4);
	fake_put(f, 0xb0, why, 8);
}

/* One descriptor; false where it stops the queue. */
static bool process(struct fake *f, const uint64_t *q, unsigned words)
{
	unsigned type = (unsigned)(q[0] & 0xf);

	if (type == 0 || type > 9 || (words == 2 && type >= 6) || (f->refuses && type != 5)) {
		queue_error(f, 3);
		return false;
	}
	f->slots_seen++;
	f->last_was_wait = type == 5;
	if (type != 5) {
		memcpy(event(f, FAKE_DESC)->q, q, words * sizeof(*q));
		return true;
	}
	f->waits++;
	if (q[0] & 0x20) {
		uint32_t *status = mem_ptr(PA(q[1]), 4);

		if (status)
			*status = (uint32_t)(q[0] >> 32);
		else
			breach(f, "status address is no memory");
	}
	return true;
}

static void fetch(struct fake *f)
{
	uint64_t iqa = fake_get(f, 0x90, 8), base = iqa & ~UINT64_C(0xfff), bytes = UINT64_C(4096) << (iqa & 7);
	unsigned words = iqa & 0x800 ? 4 : 2;

	while ((fake_get(f, 0x1c, 4) & 0x04000000) && !(fake_get(f, 0x34, 4) & 0x10) &&
	       fake_get(f, 0x80, 8) != fake_get(f, 0x88, 8)) {
		uint64_t head = fake_get(f, 0x80, 8);
		const uint64_t *q = mem_ptr(PA(base + head), words * 8);

		if (fake_get(f, 0x88, 8) >= bytes) {
			queue_error(f, 1);
			return;
		}
		if (!q) {
			queue_error(f, 2);
			return;
		}
		if (!process(f, q, words))
			return;
		fake_put(f, 0x80, (head + words * 8) % bytes, 8);
	}
}

static void command(struct fake *f, uint32_t v)
{
	uint32_t gsts = (uint32_t)fake_get(f, 0x1c, 4), levels = (v ^ gsts) & LEVELS, shots = v & ONE_SHOT;

	if (v & ~(LEVELS | ONE_SHOT))
		breach(f, "reserved bits of GCMD");
	if (__builtin_popcount(levels) + __builtin_popcount(shots) > 1)
		breach(f, "more than one command at a time");
	if (f->deaf)
		return;
	if ((levels & 0x80000000u) && (v & 0x80000000u) && !(gsts & 0x40000000u))
		breach(f, "TE before the first SRTP");
	if ((levels & 0x04000000u) && !(v & 0x04000000u)) {
		if (fake_get(f, 0x80, 8) != fake_get(f, 0x88, 8) || !f->last_was_wait)
			breach(f, "QIE cleared while the queue is busy");
		fake_put(f, 0x80, 0, 8);
	}
	if ((levels & 0x04000000u) && (v & 0x04000000u) && fake_get(f, 0x88, 8))
		breach(f, "QIE set with a tail");
	if (shots & 0x40000000u)
		event(f, FAKE_SRTP)->q[0] = fake_get(f, 0x20, 8);
	if (shots & 0x08000000u)
		event(f, FAKE_WBF);
	gsts = (gsts & ~LEVELS) | (v & LEVELS) | (shots & 0x41000000u);
	fake_put(f, 0x1c, gsts, 4);
	fetch(f);
}

static void context_command(struct fake *f, uint64_t v)
{
	uint64_t done = f->refuses ? 0 : v >> 61 & 3;

	if (!(v >> 63))
		return;
	if (fake_get(f, 0x1c, 4) & 0x04000000)
		breach(f, "CCMD while the queue is on");
	event(f, FAKE_CCMD)->q[0] = v;
	fake_put(f, 0x28, (v & ~(UINT64_C(1) << 63) & ~(UINT64_C(3) << 59)) | done << 59, 8);
}

static void iotlb_command(struct fake *f, uint64_t v)
{
	uint64_t done = f->refuses ? 0 : v >> 60 & 3;
	struct fake_event *e;

	if (!(v >> 63))
		return;
	if (fake_get(f, 0x1c, 4) & 0x04000000)
		breach(f, "IOTLB while the queue is on");
	e = event(f, FAKE_IOTLB);
	e->q[0] = v;
	e->q[1] = fake_get(f, IRO, 8);
	fake_put(f, IRO + 8, (v & ~(UINT64_C(1) << 63) & ~(UINT64_C(3) << 57)) | done << 57, 8);
}

/* PPF follows the F bits; a record's F is cleared by a 1. */
static void record_ack(struct fake *f, unsigned i, uint32_t v)
{
	uint64_t pending = 0;

	if (v & ~0x80000000u)
		breach(f, "fault record: more than F written");
	if (v & 0x80000000u)
		fake_put(f, FRO + 16 * i + 12, fake_get(f, FRO + 16 * i + 12, 4) & 0x7fffffff, 4);
	for (unsigned k = 0; k < FAKE_RECORDS; k++)
		pending |= fake_get(f, FRO + 16 * k + 12, 4) & 0x80000000u;
	fake_put(f, 0x34, (fake_get(f, 0x34, 4) & ~UINT64_C(2)) | (pending ? 2 : 0), 4);
}

void fake_fault(struct fake *f, unsigned index, uint64_t lo, uint64_t hi)
{
	uint64_t fsts = fake_get(f, 0x34, 4);

	fake_put(f, FRO + 16 * index, lo, 8);
	fake_put(f, FRO + 16 * index + 8, hi | UINT64_C(1) << 63, 8);
	if (!(fsts & 2))
		fake_put(f, 0x34, (fsts & 0xff) | index << 8 | 2, 4);
}

static uint64_t rd(void *ctx, uint32_t off, unsigned bytes)
{
	return fake_get(ctx, off, bytes);
}

static void wr(void *ctx, uint32_t off, uint64_t v, unsigned bytes)
{
	struct fake *f = ctx;

	if (off >= FRO && off < FRO + 16 * FAKE_RECORDS) {
		record_ack(f, (off - FRO) / 16, (uint32_t)v);
		return;
	}
	switch (off) {
	case 0x18:
		command(f, (uint32_t)v);
		return;
	case 0x20: case 0x38: case 0x90: case 0xa0: case 0xb8: case IRO:
		fake_put(f, off, v, bytes);
		return;
	case 0x28:
		context_command(f, v);
		return;
	case 0x34:
		fake_put(f, off, fake_get(f, off, 4) & ~(v & 0x7d), 4);
		if (f->resumes)
			fetch(f);
		return;
	case 0x64:
		fake_put(f, off, v & 0x80000000u ? 0x80000001u : 0, 4);
		return;
	case 0x88:
		fake_put(f, off, v, 8);
		fetch(f);
		return;
	case 0x9c:
		fake_put(f, off, fake_get(f, off, 4) & ~v, 4);
		return;
	case IRO + 8:
		iotlb_command(f, v);
		return;
	default:
		breach(f, "a register that nobody should write");
	}
}

static enum status map(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out)
{
	static const struct mmio_ops ops = { rd, wr };

	if (pa.v != FAKE_BASE.v || bytes > FAKE_BYTES)
		return ERR_NOT_FOUND;
	*out = (mmio_t){ &ops, m->ctx, (uint32_t)bytes };
	return OK;
}

void fake_open(struct fake *f, uint32_t ver, uint64_t cap, uint64_t ecap)
{
	static const struct machine_ops ops = { .mmio_map = map };

	memset(f, 0, sizeof(*f));
	f->machine = (struct machine){ .name = "fake", .ops = &ops, .ctx = f };
	fake_put(f, 0x00, ver, 4);
	fake_put(f, 0x08, cap, 8);
	fake_put(f, 0x10, ecap, 8);
}
