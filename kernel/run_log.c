/*
 * The log of a run. Layout: head, records on 8-byte boundaries, a second head at the end. Numbers are little-endian,
 * as the processor writes them; every access goes through memcpy(), since nothing in the log is to be trusted.
 */
#include "kernel/run_log.h"
#include "kernel/hal.h"
#include <string.h>

#define HEAD_MAGIC   UINT64_C(0x31474f4c54524f50) /* "PORTLOG1" */
#define RECORD_MAGIC 0x4443524cu                  /* "LRCD" */
#define VERSION      1u
#define CRC_POLYNOMIAL 0xedb88320u
#define RESERVE_PART 16 /* of all bytes, for what is not text */

struct head {
	uint64_t magic;
	uint32_t version, reserved;
	uint64_t bytes, run;
	uint32_t crc, reserved2;
};

struct record {
	uint32_t magic, number, kind, len;
	uint32_t payload_crc, crc; /* crc: of what stands before it, and of the run */
};

_Static_assert(sizeof(struct head) == 40 && sizeof(struct record) == 24, "layout");

/* CRC-32 as everybody has it, four bits at a time. */
static uint32_t crc32(uint32_t crc, const void *p, size_t n)
{
	static uint32_t table[16];
	const uint8_t *at = p;

	if (!table[1])
		for (uint32_t i = 0; i < 16; i++) {
			uint32_t v = i;

			for (unsigned bit = 0; bit < 4; bit++)
				v = v / 2 ^ (v % 2 ? CRC_POLYNOMIAL : 0);
			table[i] = v;
		}
	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= at[i];
		crc = crc / 16 ^ table[crc % 16];
		crc = crc / 16 ^ table[crc % 16];
	}
	return ~crc;
}

static uint32_t head_crc(const struct head *h)
{
	return crc32(0, h, offsetof(struct head, crc));
}

static uint32_t record_crc(const struct record *r, uint64_t run)
{
	return crc32(crc32(0, &run, sizeof(run)), r, offsetof(struct record, crc));
}

static size_t tail_head(size_t bytes)
{
	return (size_t)align_down(bytes - sizeof(struct head), 8);
}

static void put(uint8_t *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	cache_write_back(to, n);
}

enum status run_log_create(struct run_log *log, void *base, size_t bytes, uint64_t run)
{
	struct head h = { .magic = HEAD_MAGIC, .version = VERSION, .bytes = bytes, .run = run };

	if (bytes < RUN_LOG_BYTES_MIN)
		return ERR_INVALID;
	*log = (struct run_log){ .base = base, .bytes = bytes, .at = sizeof(h), .run = run };
	h.crc = head_crc(&h);
	put(log->base, &h, sizeof(h));
	put(log->base + tail_head(bytes), &h, sizeof(h));
	return OK;
}

/* The head at a place, if it is one for a log of so many bytes. */
static bool head_at(const uint8_t *base, size_t at, size_t bytes, struct head *h)
{
	memcpy(h, base + at, sizeof(*h));
	return h->magic == HEAD_MAGIC && h->version == VERSION && h->bytes == bytes && h->crc == head_crc(h);
}

static bool any_head(const uint8_t *base, size_t bytes, struct head *h)
{
	return bytes >= RUN_LOG_BYTES_MIN && (head_at(base, 0, bytes, h) || head_at(base, tail_head(bytes), bytes, h));
}

bool run_log_is_here(const void *base, size_t bytes)
{
	struct head h;

	return any_head(base, bytes, &h);
}

enum status run_log_open(struct run_log *log, void *base, size_t bytes)
{
	struct run_log_reader r;
	struct run_log_record record;
	struct head h;
	size_t end;

	if (!any_head(base, bytes, &h))
		return ERR_NOT_FOUND;
	/* While its end is searched, all that there is may be a record. */
	*log = (struct run_log){ .base = base, .bytes = bytes, .at = tail_head(bytes), .run = h.run };
	r = run_log_read(log);
	end = r.at;
	while (run_log_next(&r, &record))
		end = r.at;
	log->at = end;
	log->next = r.next;
	return OK;
}

void run_log_erase(struct run_log *log)
{
	static const struct head nothing;

	put(log->base, &nothing, sizeof(nothing));
	put(log->base + tail_head(log->bytes), &nothing, sizeof(nothing));
}

enum status run_log_append(struct run_log *log, enum run_log_kind kind, const void *head, size_t head_len,
			   const void *tail, size_t tail_len)
{
	size_t len = head_len + tail_len, end = tail_head(log->bytes);
	size_t room = end - log->at, whole = sizeof(struct record) + (size_t)align_up(len, 8);
	uint8_t *to = log->base + log->at;
	struct record r = { RECORD_MAGIC, log->next, kind, (uint32_t)len, 0, 0 };

	if (head_len > RUN_LOG_PAYLOAD_MAX || tail_len > RUN_LOG_PAYLOAD_MAX - head_len)
		return ERR_INVALID;
	if (room < whole || (kind == LOG_TEXT && room - whole < log->bytes / RESERVE_PART))
		return ERR_FULL;
	if (head_len)
		memcpy(to + sizeof(r), head, head_len);
	if (tail_len)
		memcpy(to + sizeof(r) + head_len, tail, tail_len);
	cache_write_back(to + sizeof(r), len);
	r.payload_crc = crc32(0, to + sizeof(r), len);
	r.crc = record_crc(&r, log->run);
	/* A reset may come between any two stores: the head makes the record count, and comes last. */
	put(to, &r, sizeof(r));
	log->at += whole;
	log->next++;
	return OK;
}

struct run_log_reader run_log_read(const struct run_log *log)
{
	return (struct run_log_reader){ .log = log, .at = sizeof(struct head) };
}

/* A record that is whole and of this run, and not older than what was read already. */
static bool record_at(const struct run_log_reader *rd, struct record *r)
{
	const struct run_log *log = rd->log;
	size_t room = tail_head(log->bytes) - rd->at;

	if (room < sizeof(*r))
		return false;
	memcpy(r, log->base + rd->at, sizeof(*r));
	return r->magic == RECORD_MAGIC && r->len <= RUN_LOG_PAYLOAD_MAX && r->len <= room - sizeof(*r) &&
		r->number >= rd->next && r->number != UINT32_MAX && r->crc == record_crc(r, log->run) &&
		r->payload_crc == crc32(0, log->base + rd->at + sizeof(*r), r->len);
}

bool run_log_next(struct run_log_reader *rd, struct run_log_record *out)
{
	struct record r;

	/* Behind a damaged record the next whole one is searched: records begin on 8-byte boundaries. */
	for (; rd->at < rd->log->at; rd->at += 8) {
		if (!record_at(rd, &r))
			continue;
		*out = (struct run_log_record){ .number = r.number, .kind = (enum run_log_kind)r.kind,
						.payload = rd->log->base + rd->at + sizeof(r), .len = r.len };
		rd->lost += r.number - rd->next;
		rd->next = r.number + 1;
		rd->at += sizeof(r) + (size_t)align_up(r.len, 8);
		return true;
	}
	return false;
}

uint32_t run_log_u32(const struct run_log_record *r, size_t offset)
{
	uint32_t v;

	if (offset > r->len || r->len - offset < sizeof(v))
		return 0;
	memcpy(&v, r->payload + offset, sizeof(v));
	return v;
}

/* The text of a record from an offset on, as a string: what could not be printed becomes '?'. */
static void copy_text(char *to, size_t room, const struct run_log_record *r, size_t offset)
{
	size_t n = 0;

	for (size_t i = offset; i < r->len && n + 1 < room; i++) {
		uint8_t c = r->payload[i];

		to[n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	to[n] = 0;
}

/* A test that was started and has no result when the next one or the next boot comes was lost. */
static void close_lost(struct run_log_state *s)
{
	if (s->running)
		s->verdicts[LOG_FAILED]++;
	s->running = false;
}

static void take(struct run_log_state *s, const struct run_log_record *r)
{
	switch (r->kind) {
	case LOG_RUN:
		copy_text(s->cmdline, sizeof(s->cmdline), r, 0);
		break;
	case LOG_BOOT:
		close_lost(s);
		s->boots_n++;
		s->idle_boots_n++;
		break;
	case LOG_PLAN:
		s->plan_n = run_log_u32(r, 0);
		break;
	case LOG_START:
		close_lost(s);
		s->idle_boots_n = 0;
		s->started = run_log_u32(r, offsetof(struct run_log_start, number));
		copy_text(s->started_id, sizeof(s->started_id), r, sizeof(struct run_log_start));
		s->running = true;
		break;
	case LOG_DONE:
		s->verdicts[run_log_u32(r, offsetof(struct run_log_done, verdict)) % LOG_VERDICTS]++;
		s->running = false;
		break;
	case LOG_BEFORE:
		for (unsigned i = 0; i < LOG_VERDICTS; i++)
			s->verdicts[i] += run_log_u32(r, i * sizeof(uint32_t));
		break;
	case LOG_END:
		s->ended = true;
		break;
	default:
		break;
	}
}

void run_log_state(const struct run_log *log, struct run_log_state *out)
{
	struct run_log_reader r = run_log_read(log);
	struct run_log_record record;

	memset(out, 0, sizeof(*out));
	while (run_log_next(&r, &record))
		take(out, &record);
	out->lost = r.lost;
}
