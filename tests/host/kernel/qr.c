/*
 * QR codes against vectors of the standard's arithmetic, and against a reader that shares no code with the encoder: it
 * takes the format from the code, takes the mask off, and checks each block by its syndromes. With a text as its
 * argument, prints the code of it as a picture (PBM), for other readers; a second argument "M" takes that level.
 */
#include "kernel/screen/qr.h"
#include "tests/host/tap.h"

static struct qr q;

/* ---- a reader ---- */

/* Total bytes, and for L and M: blocks and error correction bytes a block, from table 9 of the standard. */
static const struct { unsigned total, blocks[2], ec[2]; } sizes[10] = {
	{ 26, { 1, 1 }, { 7, 10 } },   { 44, { 1, 1 }, { 10, 16 } },  { 70, { 1, 1 }, { 15, 26 } },
	{ 100, { 1, 2 }, { 20, 18 } }, { 134, { 1, 2 }, { 26, 24 } }, { 172, { 2, 4 }, { 18, 16 } },
	{ 196, { 2, 4 }, { 20, 18 } }, { 242, { 2, 4 }, { 24, 22 } }, { 292, { 2, 5 }, { 30, 22 } },
	{ 346, { 4, 5 }, { 18, 26 } },
};

static const unsigned centres[10][3] = {
	{ 0 }, { 6, 18 }, { 6, 22 }, { 6, 26 }, { 6, 30 }, { 6, 34 }, { 6, 22, 38 }, { 6, 24, 42 }, { 6, 26, 46 },
	{ 6, 28, 50 },
};

static bool is_function(unsigned v, unsigned side, unsigned r, unsigned c)
{
	if (r == 6 || c == 6 || (r < 9 && c < 9) || (r < 9 && c >= side - 8) || (r >= side - 8 && c < 9))
		return true;
	if (v >= 7 && ((r < 6 && c >= side - 11) || (c < 6 && r >= side - 11)))
		return true;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 3; k++) {
			unsigned y = centres[v - 1][i], x = centres[v - 1][k];

			if (!y || !x || (y == 6 && x == 6) || (y == 6 && x == side - 7) || (y == side - 7 && x == 6))
				continue;
			if (r + 2 >= y && r <= y + 2 && c + 2 >= x && c <= x + 2)
				return true;
		}
	return false;
}

static bool mask_bit(unsigned mask, unsigned i, unsigned j)
{
	const unsigned by[8] = { (i + j) % 2, i % 2, j % 3, (i + j) % 3, (i / 2 + j / 3) % 2, (i * j) % 2 + (i * j) % 3,
				 ((i * j) % 2 + (i * j) % 3) % 2, ((i + j) % 2 + (i * j) % 3) % 2 };

	return !by[mask];
}

/* Powers of 2 in GF(256). */
static uint8_t exp_table[512], log_table[256];

static void make_tables(void)
{
	unsigned v = 1;

	for (unsigned i = 0; i < 255; i++) {
		exp_table[i] = exp_table[i + 255] = (uint8_t)v;
		log_table[v] = (uint8_t)i;
		v = v & 0x80 ? ((v << 1) ^ 0x11d) & 0xff : v << 1;
	}
}

/* True where the block's polynomial has all the roots that it should have. */
static bool block_is_whole(const uint8_t *block, unsigned n, unsigned ec_n)
{
	for (unsigned root = 0; root < ec_n; root++) {
		unsigned sum = 0;

		for (unsigned i = 0; i < n; i++)
			sum = block[i] ^ (sum ? exp_table[log_table[sum] + root] : 0);
		if (sum)
			return false;
	}
	return true;
}

static unsigned format_of(void)
{
	unsigned f = 0;

	for (unsigned i = 0; i < 8; i++)
		f |= (unsigned)q.dark[8][q.side - 1 - i] << i;
	for (unsigned i = 8; i < 15; i++)
		f |= (unsigned)q.dark[q.side - 15 + i][8] << i;
	return f;
}

static unsigned read_words(uint8_t *words, unsigned mask)
{
	unsigned n = 0, side = q.side, v = (side - 17) / 4;

	memset(words, 0, QR_CODEWORDS_MAX);
	for (unsigned pair = 0; pair < (side - 1) / 2; pair++)
		for (unsigned k = 0; k < side; k++)
			for (unsigned left = 0; left < 2; left++) {
				unsigned col = side - 1 - 2 * pair - left, row = pair % 2 ? k : side - 1 - k;

				if (col <= 6)
					col--; /* the timing column does not count */
				if (is_function(v, side, row, col))
					continue;
				if (n < 8 * QR_CODEWORDS_MAX && (q.dark[row][col] != mask_bit(mask, row, col)))
					words[n / 8] |= (uint8_t)(0x80 >> n % 8);
				n++;
			}
	return n / 8;
}

static unsigned take_bits(const uint8_t *bytes, unsigned *bit, unsigned count)
{
	unsigned v = 0;

	for (unsigned i = 0; i < count; i++, ++*bit)
		v = 2 * v + (unsigned)((bytes[*bit / 8] >> (7 - *bit % 8)) & 1);
	return v;
}

/* Text of the code; -1: something in it is wrong. */
static int decode(char *text)
{
	unsigned format = format_of(), data = (format ^ 0x5412) >> 10, level = data >> 3 == 1 ? 0 : 1, mask = data & 7;
	unsigned v = (q.side - 17) / 4, blocks = sizes[v - 1].blocks[level], ec = sizes[v - 1].ec[level], n, at, bit = 0;
	unsigned total = sizes[v - 1].total, shorter = total / blocks - ec, longer_n = total % blocks, len;
	uint8_t words[QR_CODEWORDS_MAX], block[160], all[QR_CODEWORDS_MAX];
	unsigned all_n = 0;

	if ((data >> 3 != 1 && data >> 3 != 0) || read_words(words, mask) != total)
		return -1;
	for (unsigned b = 0; b < blocks; b++) {
		bool longer = b >= blocks - longer_n;

		n = 0;
		for (at = 0; at < shorter; at++)
			block[n++] = words[at * blocks + b];
		if (longer)
			block[n++] = words[shorter * blocks + b - (blocks - longer_n)];
		memcpy(all + all_n, block, n);
		all_n += n;
		for (at = 0; at < ec; at++)
			block[n++] = words[shorter * blocks + longer_n + at * blocks + b];
		if (!block_is_whole(block, n, ec))
			return -1;
	}
	if (take_bits(all, &bit, 4) != 4)
		return -1;
	len = take_bits(all, &bit, v < 10 ? 8 : 16);
	if (len > QR_BYTES_MAX)
		return -1;
	for (unsigned i = 0; i < len; i++)
		text[i] = (char)take_bits(all, &bit, 8);
	return (int)len;
}

/* ---- tests ---- */

static void test_vectors(void)
{
	static const uint8_t data[] = { 32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17 };
	static const uint8_t expected[] = { 196, 35, 39, 119, 235, 215, 231, 226, 93, 23 };
	/* Table C.1 of the standard: the format of level M, mask 5, and of level L, each mask. */
	static const unsigned formats[8] = { 0x77c4, 0x72f3, 0x7daa, 0x789d, 0x662f, 0x6318, 0x6c41, 0x6976 };
	uint8_t ec[10];
	char text[QR_BYTES_MAX + 1];
	unsigned wrong = 0, masks = 0, version = 0;

	qr_error_correction(data, sizeof(data), ec, sizeof(ec));
	ok(!memcmp(ec, expected, sizeof(ec)), "the error correction of a block that is printed in many places");
	for (unsigned i = 1; i < 100; i++) {
		memset(text, (int)('0' + i % 40), sizeof(text));
		if (qr_encode(text, i, QR_L, &q) != OK || format_of() != formats[q.mask])
			wrong++;
		masks |= 1u << q.mask;
	}
	is_u64(wrong, 0, "formats are those of the standard's table C.1");
	ok(__builtin_popcount(masks) >= 6, "most masks are the best of some code");
	memset(text, 'x', sizeof(text));
	ok(qr_encode(text, 150, QR_L, &q) == OK && q.version == 7, "version 7");
	for (unsigned i = 0; i < 18; i++)
		version |= (unsigned)q.dark[i / 3][q.side - 11 + i % 3] << i;
	is_u64(version, 0x07c94, "its version information is that of table D.1");
}

static void test_bounds(void)
{
	static const unsigned most[2][10] = { { 17, 32, 53, 78, 106, 134, 154, 192, 230, 271 },
					      { 14, 26, 42, 62, 84, 106, 122, 152, 180, 213 } };
	char text[QR_BYTES_MAX + 1];

	memset(text, 'a', sizeof(text));
	for (unsigned level = 0; level < 2; level++)
		for (unsigned v = 1; v <= 10; v++) {
			unsigned n = most[level][v - 1];

			ok(qr_encode(text, n, (enum qr_level)level, &q) == OK && q.version == v, "%u bytes fit into version %u",
			   n, v);
			if (v == 10)
				ok(qr_encode(text, n + 1, (enum qr_level)level, &q) == ERR_FULL, "%u do not fit at all", n + 1);
			else
				ok(qr_encode(text, n + 1, (enum qr_level)level, &q) == OK && q.version == v + 1,
				   "%u need the next one", n + 1);
		}
	ok(qr_encode(text, 0, QR_L, &q) == ERR_INVALID, "no text is refused");
}

static void test_read_back(void)
{
	char text[QR_BYTES_MAX + 1], back[QR_BYTES_MAX + 1];
	unsigned wrong = 0, x = 1;

	for (unsigned n = 1; n <= QR_BYTES_MAX; n++)
		for (unsigned level = 0; level < 2; level++) {
			for (unsigned i = 0; i < n; i++) {
				x = x * 1103515245 + 12345;
				text[i] = (char)(x >> 16);
			}
			if (qr_encode(text, n, (enum qr_level)level, &q) != OK)
				continue;
			wrong += decode(back) != (int)n || memcmp(back, text, n);
		}
	is_u64(wrong, 0, "every length at both levels is read back");
	q.dark[q.side - 1][q.side - 1] = !q.dark[q.side - 1][q.side - 1];
	is_u64((uint64_t)decode(back), (uint64_t)-1, "one wrong module is noticed");
}

static int picture(const char *text, enum qr_level level)
{
	if (qr_encode(text, strlen(text), level, &q) != OK)
		return 1;
	printf("P1\n%u %u\n", (q.side + 2 * QR_QUIET) * 4, (q.side + 2 * QR_QUIET) * 4);
	for (unsigned r = 0; r < (q.side + 2 * QR_QUIET) * 4; r++) {
		for (unsigned c = 0; c < (q.side + 2 * QR_QUIET) * 4; c++) {
			unsigned i = r / 4 - QR_QUIET, j = c / 4 - QR_QUIET;

			printf("%d ", i < q.side && j < q.side && q.dark[i][j]);
		}
		printf("\n");
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return picture(argv[1], argc > 2 ? QR_M : QR_L);
	make_tables();
	test_vectors();
	test_bounds();
	test_read_back();
	return done();
}
