/*
 * The model's DMA device (docs/model-device.md): registers and commands. Its Device-TLB is in device_tlb.c.
 */
#include "model/device_internal.h"
#include "model/fabric.h"

#define ID_VALUE   0x444D4350u
#define CAPS_VALUE 0x1FFu

enum {
	REG_ID = 0x00, REG_CAPS = 0x04, REG_CONTROL = 0x08, REG_ADDRESS = 0x10, REG_LENGTH = 0x18, REG_OFFSET = 0x1C,
	REG_FLAGS = 0x20, REG_PASID = 0x24, REG_PRGI = 0x28, REG_DATA = 0x30, REG_COMMAND = 0x38, REG_STATUS = 0x3C,
	REG_MOVED = 0x40, REG_SEQUENCE = 0x44, REG_RESULT = 0x48, REG_SIZE = 0x50, REG_ANSWER = 0x58,
	REG_RESPONSE = 0x60, REG_RESPONSE_PASID = 0x64, REG_INVALIDATIONS = 0x68, REG_WITHHELD = 0x6C, BUFFER = 0x2000,
};

enum {
	CMD_WRITE = 1, CMD_READ, CMD_ZERO_READ, CMD_FETCH_ADD, CMD_TRANSLATE, CMD_LOOKUP, CMD_PAGE_REQUEST, CMD_MESSAGE
};

#define CONTROL_RESET    BIT(0)
#define CONTROL_WITHHOLD BIT(1)
#define STATUS_DONE      BIT(1)
#define STATUS_REFUSED   BIT(2)
#define STATUS_BAD       BIT(3)
#define STATUS_ABORT     BIT(4)
#define RESPONSE_PRGI    BITS(8, 0)
#define RESPONSE_CODE    BITS(15, 12)
#define RESPONSE_PASID   BIT(16)
#define RESPONSE_VALID   BIT(31)

void mdl_device_init(struct mdl_device *d, struct mdl_fabric *f, uint16_t sid)
{
	*d = (struct mdl_device){ .fabric = f, .sid = sid };
}

static void answer_withheld(struct mdl_device *d)
{
	for (; d->withheld > 0; d->withheld--)
		mdl_fabric_devtlb_answer(d->fabric, d->sid);
}

void mdl_device_reset(struct mdl_device *d)
{
	struct mdl_device_enables on = d->on;

	answer_withheld(d);
	mdl_device_init(d, d->fabric, d->sid);
	d->on = on;
}

bool mdl_device_invalidate(struct mdl_device *d, const struct mdl_devtlb_inv *inv)
{
	d->invalidations++;
	mdl_device_tlb_drop(d, inv);
	if ((d->control & CONTROL_WITHHOLD) == 0)
		return true;
	d->withheld++;
	return false;
}

void mdl_device_response(struct mdl_device *d, const struct mdl_page_response *rsp)
{
	d->response = (uint32_t)(RESPONSE_VALID | FLD(RESPONSE_PRGI, rsp->prgi) | FLD(RESPONSE_CODE, rsp->code) |
				 (rsp->has_pasid ? RESPONSE_PASID : 0));
	d->response_pasid = rsp->pasid;
}

/* ---- commands ---- */

static struct mdl_request request(const struct mdl_device *d, enum mdl_access access)
{
	return (struct mdl_request){
		.sid = d->sid,
		.access = (uint8_t)access,
		.at = (d->flags & DEVICE_TRANSLATED) != 0 ? MDL_TRANSLATED : MDL_UNTRANSLATED,
		.has_pasid = (d->flags & DEVICE_PASID) != 0,
		.priv = (d->flags & DEVICE_PRIV) != 0,
		.exec = (d->flags & DEVICE_EXEC) != 0,
		.no_write = (d->flags & DEVICE_NO_WRITE) != 0,
		.pasid = d->pasid,
		.address = d->address,
	};
}

/* True where configuration space enables all that flags and command ask for. */
static bool enabled(const struct mdl_device *d, uint32_t command)
{
	bool ats = (d->flags & DEVICE_TRANSLATED) != 0 || command == CMD_TRANSLATE;

	if (!d->on.master || (ats && !d->on.ats) || (command == CMD_PAGE_REQUEST && !d->on.pri))
		return false;
	if ((d->flags & DEVICE_PASID) == 0)
		return (d->flags & (DEVICE_PRIV | DEVICE_EXEC)) == 0;
	return d->on.pasid && ((d->flags & DEVICE_PRIV) == 0 || d->on.priv) &&
	       ((d->flags & DEVICE_EXEC) == 0 || d->on.exec);
}

static void refused(struct mdl_device *d, enum mdl_completion c)
{
	d->status |= (uint32_t)(STATUS_REFUSED | (c == MDL_CA ? STATUS_ABORT : 0));
}

/* READ and WRITE: one transaction for each piece of a 4-KiB page. */
static bool transfer(struct mdl_device *d, enum mdl_access access)
{
	struct mdl_request rq = request(d, access);
	uint32_t done = 0;

	if (d->length == 0 || d->length > MDL_DEVICE_BUFFER || d->offset > MDL_DEVICE_BUFFER - d->length)
		return false;
	while (done < d->length) {
		uint8_t *data = d->buffer + d->offset + done;
		enum mdl_completion c;

		rq.bytes = (uint32_t)min_u64(d->length - done, PAGE_BYTES - (rq.address & (PAGE_BYTES - 1)));
		c = mdl_fabric_dma(d->fabric, &rq, data);
		if (c == MDL_DONE) {
			d->moved += rq.bytes;
		} else {
			refused(d, c);
			for (uint32_t i = 0; access == MDL_READ && i < rq.bytes; i++)
				data[i] = 0xFF;
		}
		done += rq.bytes;
		rq.address += rq.bytes;
	}
	return true;
}

static void single(struct mdl_device *d, struct mdl_request *rq, void *data)
{
	enum mdl_completion c = mdl_fabric_dma(d->fabric, rq, data);

	if (c != MDL_DONE)
		refused(d, c);
	else
		d->moved = rq->bytes;
}

static bool zero_read(struct mdl_device *d)
{
	struct mdl_request rq = request(d, MDL_ZLR);
	uint8_t nothing[1] = { 0 };

	rq.bytes = 1;
	single(d, &rq, nothing);
	d->moved = 0;
	return true;
}

static bool fetch_add(struct mdl_device *d)
{
	struct mdl_request rq = request(d, MDL_ATOMIC);

	if ((d->length != 4 && d->length != 8) || !is_aligned(d->address, d->length))
		return false;
	rq.bytes = d->length;
	d->result = d->data;
	single(d, &rq, &d->result);
	return true;
}

static bool message(struct mdl_device *d)
{
	struct mdl_request rq = request(d, MDL_WRITE);
	uint8_t data[4];

	for (unsigned i = 0; i < 4; i++)
		data[i] = (uint8_t)shr(d->data, 8 * i);
	rq.address = align_down(rq.address, 4);
	rq.bytes = 4;
	single(d, &rq, data);
	return true;
}

static bool translate(struct mdl_device *d)
{
	struct mdl_request rq = request(d, MDL_READ);
	struct mdl_ats_completion c;

	rq.at = MDL_TRANSLATION;
	rq.bytes = 8;
	rq.address = align_down(d->address, PAGE_BYTES);
	mdl_fabric_ats(d->fabric, &rq, &c);
	if (c.status != MDL_DONE) {
		refused(d, c.status);
		return true;
	}
	mdl_device_tlb_put(d, &rq, &c);
	return true;
}

static bool page_request(struct mdl_device *d)
{
	struct mdl_page_request pr = {
		.sid = d->sid,
		.has_pasid = (d->flags & DEVICE_PASID) != 0,
		.priv = (d->flags & DEVICE_PRIV) != 0,
		.exec = (d->flags & DEVICE_EXEC) != 0,
		.r = (d->flags & DEVICE_PR_READ) != 0,
		.w = (d->flags & DEVICE_PR_WRITE) != 0,
		.last = (d->flags & DEVICE_PR_LAST) != 0,
		.pasid = d->pasid,
		.prgi = (uint16_t)d->prgi,
		.address = align_down(d->address, PAGE_BYTES),
	};
	enum mdl_completion c = mdl_fabric_page_request(d->fabric, &pr);

	if (c != MDL_DONE)
		refused(d, c);
	return true;
}

static bool carry_out(struct mdl_device *d, uint32_t command)
{
	switch (command) {
	case CMD_WRITE:        return transfer(d, MDL_WRITE);
	case CMD_READ:         return transfer(d, MDL_READ);
	case CMD_ZERO_READ:    return zero_read(d);
	case CMD_FETCH_ADD:    return fetch_add(d);
	case CMD_TRANSLATE:    return translate(d);
	case CMD_LOOKUP:       mdl_device_tlb_find(d); return true;
	case CMD_PAGE_REQUEST: return page_request(d);
	case CMD_MESSAGE:      return message(d);
	default:               return false;
	}
}

static void start(struct mdl_device *d, uint32_t command)
{
	d->status = 0;
	d->moved = d->answer = 0;
	d->result = d->size = 0;
	if ((command != CMD_LOOKUP && !enabled(d, command)) || !carry_out(d, command))
		d->status = STATUS_BAD;
	else
		d->sequence++;
	d->status |= (uint32_t)STATUS_DONE;
}

/* ---- registers ---- */

static uint32_t rd32(const struct mdl_device *d, uint32_t off)
{
	switch (off) {
	case REG_ID:             return ID_VALUE;
	case REG_CAPS:           return CAPS_VALUE;
	case REG_CONTROL:        return d->control;
	case REG_ADDRESS:        return (uint32_t)fld_get(BITS(31, 0), d->address);
	case REG_ADDRESS + 4:    return (uint32_t)fld_get(BITS(63, 32), d->address);
	case REG_LENGTH:         return d->length;
	case REG_OFFSET:         return d->offset;
	case REG_FLAGS:          return d->flags;
	case REG_PASID:          return d->pasid;
	case REG_PRGI:           return d->prgi;
	case REG_DATA:           return (uint32_t)fld_get(BITS(31, 0), d->data);
	case REG_DATA + 4:       return (uint32_t)fld_get(BITS(63, 32), d->data);
	case REG_STATUS:         return d->status;
	case REG_MOVED:          return d->moved;
	case REG_SEQUENCE:       return d->sequence;
	case REG_RESULT:         return (uint32_t)fld_get(BITS(31, 0), d->result);
	case REG_RESULT + 4:     return (uint32_t)fld_get(BITS(63, 32), d->result);
	case REG_SIZE:           return (uint32_t)fld_get(BITS(31, 0), d->size);
	case REG_SIZE + 4:       return (uint32_t)fld_get(BITS(63, 32), d->size);
	case REG_ANSWER:         return d->answer;
	case REG_RESPONSE:       return d->response;
	case REG_RESPONSE_PASID: return d->response_pasid;
	case REG_INVALIDATIONS:  return d->invalidations;
	case REG_WITHHELD:       return d->withheld;
	default:                 return 0;
	}
}

static void control(struct mdl_device *d, uint32_t v)
{
	if ((v & CONTROL_RESET) != 0) {
		mdl_device_reset(d);
		return;
	}
	d->control = v & (uint32_t)CONTROL_WITHHOLD;
	if (d->control == 0)
		answer_withheld(d);
}

static void wr32(struct mdl_device *d, uint32_t off, uint32_t v)
{
	switch (off) {
	case REG_CONTROL:     control(d, v); break;
	case REG_ADDRESS:     d->address = fld_set(BITS(31, 0), d->address, v); break;
	case REG_ADDRESS + 4: d->address = fld_set(BITS(63, 32), d->address, v); break;
	case REG_LENGTH:      d->length = v; break;
	case REG_OFFSET:      d->offset = v; break;
	case REG_FLAGS:       d->flags = v; break;
	case REG_PASID:       d->pasid = v & (uint32_t)BITS(19, 0); break;
	case REG_PRGI:        d->prgi = v & (uint32_t)BITS(8, 0); break;
	case REG_DATA:        d->data = fld_set(BITS(31, 0), d->data, v); break;
	case REG_DATA + 4:    d->data = fld_set(BITS(63, 32), d->data, v); break;
	case REG_COMMAND:     start(d, v); break;
	case REG_RESPONSE:    d->response &= (v & RESPONSE_VALID) != 0 ? 0 : UINT32_MAX; break;
	default:              break;
	}
}

static uint64_t rd(void *ctx, uint32_t off, unsigned bytes)
{
	struct mdl_device *d = ctx;
	uint64_t v = 0;

	if (off >= BUFFER && off - BUFFER <= MDL_DEVICE_BUFFER - bytes) {
		for (unsigned i = 0; i < bytes; i++)
			v |= shl(d->buffer[off - BUFFER + i], 8 * i);
		return v;
	}
	v = rd32(d, off & ~3u);
	if (bytes == 8)
		return v | FLD(BITS(63, 32), rd32(d, off + 4));
	return shr(v, 8 * (off & 3)) & (pow2(8 * bytes) - 1);
}

static void wr(void *ctx, uint32_t off, uint64_t v, unsigned bytes)
{
	struct mdl_device *d = ctx;

	if (off >= BUFFER && off - BUFFER <= MDL_DEVICE_BUFFER - bytes) {
		for (unsigned i = 0; i < bytes; i++)
			d->buffer[off - BUFFER + i] = (uint8_t)shr(v, 8 * i);
		return;
	}
	if (bytes < 4)
		return; /* registers are written as DWORDs or QWORDs */
	wr32(d, off, (uint32_t)fld_get(BITS(31, 0), v));
	if (bytes == 8)
		wr32(d, off + 4, (uint32_t)fld_get(BITS(63, 32), v));
}

const struct mmio_ops mdl_device_mmio = { .rd = rd, .wr = wr };
