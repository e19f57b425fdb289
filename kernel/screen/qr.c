/* QR codes. The steps are those of ISO/IEC 18004, chapter 7, and carry its numbers. */
#include "kernel/screen/qr.h"
#include <string.h>

#define MODE_BYTE    4
#define PAD_FIRST    0xec
#define PAD_SECOND   0x11
#define GF_POLYNOMIAL 0x11d
#define FORMAT_GENERATOR  0x537  /* BCH (15,5) */
#define FORMAT_MASK       0x5412
#define VERSION_GENERATOR 0x1f25 /* BCH (18,6) */

/* Table 9: error correction bytes a block, blocks, data bytes in each; the last longer_n blocks have one more. */
struct blocks { uint8_t ec_n, n, data_n, longer_n; };

static const struct blocks tables[2][QR_VERSION_MAX] = {
	{ { 7, 1, 19, 0 }, { 10, 1, 34, 0 }, { 15, 1, 55, 0 }, { 20, 1, 80, 0 }, { 26, 1, 108, 0 }, { 18, 2, 68, 0 },
	  { 20, 2, 78, 0 }, { 24, 2, 97, 0 }, { 30, 2, 116, 0 }, { 18, 4, 68, 2 } },
	{ { 10, 1, 16, 0 }, { 16, 1, 28, 0 }, { 26, 1, 44, 0 }, { 18, 2, 32, 0 }, { 24, 2, 43, 0 }, { 16, 4, 27, 0 },
	  { 18, 4, 31, 0 }, { 22, 4, 38, 2 }, { 22, 5, 36, 2 }, { 26, 5, 43, 1 } },
};

static unsigned data_bytes(const struct blocks *b)
{
	return (unsigned)b->n * b->data_n + b->longer_n;
}

/* ---- 7.4: data ---- */

struct bits {
	uint8_t bytes[QR_CODEWORDS_MAX];
	size_t n; /* bits */
};

static void add_bits(struct bits *b, unsigned value, unsigned count)
{
	for (unsigned i = count; i > 0; i--) {
		if (shr(value, i - 1) % 2)
			b->bytes[b->n / 8] |= (uint8_t)pow2(7 - (unsigned)(b->n % 8));
		b->n++;
	}
}

static unsigned count_bits(unsigned version)
{
	return version < 10 ? 8 : 16;
}

static unsigned smallest_version(size_t n, enum qr_level level)
{
	for (unsigned v = 1; v <= QR_VERSION_MAX; v++)
		if (4 + count_bits(v) + 8 * n <= 8 * (size_t)data_bytes(&tables[level][v - 1]))
			return v;
	return 0;
}

static void make_data(struct bits *b, const char *text, size_t n, unsigned version, unsigned room)
{
	memset(b, 0, sizeof(*b));
	add_bits(b, MODE_BYTE, 4);
	add_bits(b, (unsigned)n, count_bits(version));
	for (size_t i = 0; i < n; i++)
		add_bits(b, (uint8_t)text[i], 8);
	/* 7.4.9: terminator, then up to a whole byte, then pads. */
	b->n = (size_t)min_u64(b->n + 4, 8 * (size_t)room);
	b->n = (size_t)align_up(b->n, 8);
	for (unsigned pad = 0; b->n < 8 * (size_t)room; pad++)
		add_bits(b, pad % 2 ? PAD_SECOND : PAD_FIRST, 8);
}

/* ---- 7.5: error correction, over GF(256) ---- */

static uint8_t gf_mul(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (; b; b /= 2) {
		if (b % 2)
			product ^= a;
		a = a * 2 < 256 ? a * 2 : (a * 2) ^ GF_POLYNOMIAL;
	}
	return (uint8_t)product;
}

void qr_error_correction(const uint8_t *data, size_t n, uint8_t *ec, size_t ec_n)
{
	uint8_t generator[30] = { 0 }; /* without its leading 1, highest power first */
	unsigned root = 1;

	generator[ec_n - 1] = 1;
	for (size_t i = 0; i < ec_n; i++) { /* times (x - root), for each root */
		for (size_t k = 0; k < ec_n; k++)
			generator[k] = (uint8_t)(gf_mul(generator[k], root) ^ (k + 1 < ec_n ? generator[k + 1] : 0));
		root = gf_mul(root, 2);
	}
	memset(ec, 0, ec_n);
	for (size_t i = 0; i < n; i++) { /* the rest of the division by it */
		unsigned factor = data[i] ^ ec[0];

		memmove(ec, ec + 1, ec_n - 1);
		ec[ec_n - 1] = 0;
		for (size_t k = 0; k < ec_n; k++)
			ec[k] ^= gf_mul(generator[k], factor);
	}
}

/* 7.6: the blocks' data bytes by turns, then their error correction by turns. Returns how many bytes. */
static size_t interleave(const uint8_t *data, const struct blocks *b, uint8_t *out)
{
	uint8_t ec[5][30];
	const uint8_t *from[5];
	size_t len[5], n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		len[i] = (size_t)b->data_n + (i >= (unsigned)(b->n - b->longer_n));
		from[i] = data;
		qr_error_correction(data, len[i], ec[i], b->ec_n);
		data += len[i];
	}
	for (size_t k = 0; k <= b->data_n; k++)
		for (unsigned i = 0; i < b->n; i++)
			if (k < len[i])
				out[n++] = from[i][k];
	for (size_t k = 0; k < b->ec_n; k++)
		for (unsigned i = 0; i < b->n; i++)
			out[n++] = ec[i][k];
	return n;
}

/* ---- 6.3: patterns ---- */

static void set(struct qr *q, unsigned row, unsigned col, bool dark)
{
	q->dark[row][col] = dark;
	q->fixed[row][col] = true;
}

/* A finder with its separator; row and col of its upper left corner may lie one outside for the separator. */
static void finder(struct qr *q, int row, int col)
{
	for (int r = -1; r <= 7; r++)
		for (int c = -1; c <= 7; c++) {
			int from_edge = r < c ? r : c, other = 6 - (r > c ? r : c);
			int ring = from_edge < other ? from_edge : other; /* -1 outside, 0 dark, 1 light, 2 and 3 dark */

			if (row + r >= 0 && row + r < (int)q->side && col + c >= 0 && col + c < (int)q->side)
				set(q, (unsigned)(row + r), (unsigned)(col + c), ring == 0 || ring >= 2);
		}
}

static void alignment(struct qr *q, unsigned row, unsigned col)
{
	for (unsigned r = 0; r < 5; r++)
		for (unsigned c = 0; c < 5; c++)
			set(q, row - 2 + r, col - 2 + c, r % 4 == 0 || c % 4 == 0 || (r == 2 && c == 2));
}

/* Annex E: the centres are 6, the side less 7, and from version 7 on one half-way, on an even module. */
static void alignments(struct qr *q)
{
	unsigned last = q->side - 7, at[3] = { 6, last, 0 }, n = 2;

	if (q->version < 2)
		return;
	if (q->version >= 7)
		at[n++] = (6 + last) / 2;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < n; k++)
			if ((at[i] != 6 || (at[k] != 6 && at[k] != last)) && (at[k] != 6 || at[i] != last))
				alignment(q, at[i], at[k]);
}

/* value followed by its BCH remainder of width bits. */
static unsigned bch(unsigned value, unsigned generator, unsigned width)
{
	unsigned rest = value;

	for (unsigned i = 0; i < width; i++) {
		rest *= 2;
		if (rest >= pow2(width))
			rest ^= generator;
	}
	return (unsigned)shl(value, width) | rest;
}

/* 7.9: level and mask, twice. */
static void put_format(struct qr *q, unsigned mask)
{
	unsigned format = bch((q->level == QR_L ? 8 : 0) + mask, FORMAT_GENERATOR, 10) ^ FORMAT_MASK;
	unsigned n = q->side;

	for (unsigned i = 0; i < 15; i++) {
		bool dark = shr(format, i) % 2;

		if (i < 6)
			set(q, i, 8, dark);
		else if (i < 8)
			set(q, i + 1, 8, dark);
		else if (i == 8)
			set(q, 8, 7, dark);
		else
			set(q, 8, 14 - i, dark);
		if (i < 8)
			set(q, 8, n - 1 - i, dark);
		else
			set(q, n - 15 + i, 8, dark);
	}
	set(q, n - 8, 8, true);
}

/* 7.10 */
static void put_version(struct qr *q)
{
	unsigned bits = bch(q->version, VERSION_GENERATOR, 12);

	for (unsigned i = 0; q->version >= 7 && i < 18; i++) {
		bool dark = shr(bits, i) % 2;

		set(q, i / 3, q->side - 11 + i % 3, dark);
		set(q, q->side - 11 + i % 3, i / 3, dark);
	}
}

static void put_patterns(struct qr *q)
{
	int far = (int)q->side - 7;

	memset(q->dark, 0, sizeof(q->dark));
	memset(q->fixed, 0, sizeof(q->fixed));
	finder(q, 0, 0);
	finder(q, 0, far);
	finder(q, far, 0);
	for (unsigned i = 8; i < q->side - 8; i++) {
		set(q, 6, i, i % 2 == 0);
		set(q, i, 6, i % 2 == 0);
	}
	alignments(q);
	put_format(q, 0);
	put_version(q);
}

/* 7.7.3: two columns at a time from the right, up and down by turns, past the timing column. */
static void put_data(struct qr *q, const uint8_t *bytes, size_t n)
{
	size_t bit = 0;
	bool up = true;

	for (unsigned right = q->side - 1; right >= 1; right -= right == 8 ? 3 : 2, up = !up) {
		for (unsigned i = 0; i < q->side; i++) {
			unsigned row = up ? q->side - 1 - i : i;

			for (unsigned col = right; col + 1 >= right; col--) {
				if (!q->fixed[row][col] && bit < 8 * n) {
					q->dark[row][col] = shr(bytes[bit / 8], 7 - (unsigned)(bit % 8)) % 2;
					bit++;
				}
			}
		}
		if (right == 1)
			break;
	}
}

/* ---- 7.8: masks ---- */

static bool masked(unsigned mask, unsigned i, unsigned j)
{
	switch (mask) {
	case 0: return (i + j) % 2 == 0;
	case 1: return i % 2 == 0;
	case 2: return j % 3 == 0;
	case 3: return (i + j) % 3 == 0;
	case 4: return (i / 2 + j / 3) % 2 == 0;
	case 5: return i * j % 2 + i * j % 3 == 0;
	case 6: return (i * j % 2 + i * j % 3) % 2 == 0;
	default: return ((i + j) % 2 + i * j % 3) % 2 == 0;
	}
}

static void apply_mask(struct qr *q, unsigned mask)
{
	for (unsigned i = 0; i < q->side; i++)
		for (unsigned j = 0; j < q->side; j++)
			if (!q->fixed[i][j])
				q->dark[i][j] ^= masked(mask, i, j);
	put_format(q, mask);
}

static bool at(const struct qr *q, unsigned line, unsigned k, bool columns)
{
	return columns ? q->dark[k][line] : q->dark[line][k];
}

/* 1:1:3:1:1 dark with four light modules on one side, from k on. */
static bool like_finder(const struct qr *q, unsigned line, unsigned k, bool columns)
{
	static const char *const shapes[] = { "10111010000", "00001011101" };

	for (unsigned s = 0; s < 2; s++) {
		unsigned i = 0;

		while (i < 11 && at(q, line, k + i, columns) == (shapes[s][i] == '1'))
			i++;
		if (i == 11)
			return true;
	}
	return false;
}

/* Table 11, for one row or column: runs of five and more, and what looks like a finder. */
static unsigned line_penalty(const struct qr *q, unsigned line, bool columns)
{
	unsigned sum = 0, run = 1;

	for (unsigned k = 1; k < q->side; k++) {
		run = at(q, line, k, columns) == at(q, line, k - 1, columns) ? run + 1 : 1;
		if (run >= 5)
			sum += run == 5 ? 3 : 1;
	}
	for (unsigned k = 0; k + 11 <= q->side; k++)
		sum += like_finder(q, line, k, columns) ? 40 : 0;
	return sum;
}

static unsigned penalty(const struct qr *q)
{
	unsigned sum = 0, dark = 0, percent;

	for (unsigned i = 0; i < q->side; i++) {
		sum += line_penalty(q, i, false) + line_penalty(q, i, true);
		for (unsigned j = 0; j < q->side; j++) {
			bool d = q->dark[i][j];

			dark += d;
			if (i && j && q->dark[i - 1][j] == d && q->dark[i][j - 1] == d && q->dark[i - 1][j - 1] == d)
				sum += 3;
		}
	}
	percent = dark * 100 / (q->side * q->side);
	return sum + 10 * ((percent > 50 ? percent - 50 : 50 - percent) / 5);
}

static void choose_mask(struct qr *q)
{
	unsigned least = UINT32_MAX;

	for (unsigned mask = 0; mask < 8; mask++) {
		unsigned p;

		apply_mask(q, mask);
		p = penalty(q);
		if (p < least) {
			least = p;
			q->mask = mask;
		}
		apply_mask(q, mask); /* off again */
	}
	apply_mask(q, q->mask);
}

enum status qr_encode(const char *text, size_t n, enum qr_level level, struct qr *out)
{
	static struct bits data;
	static uint8_t all[QR_CODEWORDS_MAX];
	const struct blocks *b;

	if (!n)
		return ERR_INVALID;
	out->version = smallest_version(n, level);
	if (!out->version)
		return ERR_FULL;
	out->level = level;
	out->side = 17 + 4 * out->version;
	b = &tables[level][out->version - 1];
	make_data(&data, text, n, out->version, data_bytes(b));
	put_patterns(out);
	put_data(out, all, interleave(data.bytes, b, all));
	choose_mask(out);
	return OK;
}
