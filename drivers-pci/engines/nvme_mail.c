/*
 * NVMe: the mailbox, a way to move 512 bytes of any content without a disk.
 *
 * Feature 16h (Host Behavior Support) is a structure of 512 bytes that the host gives to the controller and gets back.
 * QEMU (7.2 to 11.1) keeps all of it and does so at once, where blocks of a disk go through threads of their own: a
 * transfer takes a quarter of the time. A controller that looks at the reserved bytes refuses; then n->mail stays
 * false. Set Features reads memory, Get Features writes it.
 */
#include "drivers-pci/engines/nvme.h"

static struct nvme_sqe mail_command(struct nvme *n, uint32_t opcode, uint64_t addr)
{
	struct nvme_sqe cmd = { .dw0 = opcode, .dw10 = FID_HOST_BEHAVIOR };

	nvme_prp(n, &cmd, addr, NVME_MAIL_BYTES);
	return cmd;
}

/* Runs them in order, up to the first that ends in an error. */
static enum status run(struct nvme *n, struct nvme_sqe *cmds, unsigned count, unsigned *status)
{
	*status = ST_OK;
	if (n->direct)
		return nvme_direct_admin(n, cmds, count);
	for (unsigned i = 0; i < count && *status == ST_OK; i++) {
		enum status s = nvme_run(n, &n->admin, &cmds[i], status);

		if (s)
			return s;
	}
	return OK;
}

enum status nvme_mail_write(struct nvme *n, uint64_t addr, const void *data, unsigned *status)
{
	struct nvme_sqe cmds[2] = {
		mail_command(n, ADMIN_SET_FEATURE, nvme_addr(n, OWN_BLOCK)),
		mail_command(n, ADMIN_GET_FEATURE, addr),
	};

	nvme_put(n, OWN_BLOCK, 0, data, NVME_MAIL_BYTES);
	return run(n, cmds, 2, status);
}

/* The blank goes first: what was there before would pass for what is read, if that happens to be the same. */
enum status nvme_mail_read(struct nvme *n, uint64_t addr, void *data, bool *blank, unsigned *status)
{
	struct nvme_sqe cmds[3] = {
		mail_command(n, ADMIN_SET_FEATURE, nvme_addr(n, OWN_BLANK)),
		mail_command(n, ADMIN_SET_FEATURE, addr),
		mail_command(n, ADMIN_GET_FEATURE, nvme_addr(n, OWN_BLOCK)),
	};
	const uint8_t *p = data;
	enum status s = run(n, cmds, 3, status);

	*blank = true;
	if (s || *status != ST_OK)
		return s;
	nvme_get(n, OWN_BLOCK, 0, data, NVME_MAIL_BYTES);
	for (uint32_t i = 0; i < NVME_MAIL_BYTES && *blank; i++)
		*blank = p[i] == (uint8_t)(i * 5 + 3);
	return OK;
}

enum status nvme_mail_try(struct nvme *n)
{
	uint8_t pattern[NVME_MAIL_BYTES], seen[NVME_MAIL_BYTES];
	bool blank;
	unsigned st;
	enum status s;

	for (uint32_t i = 0; i < NVME_MAIL_BYTES; i++)
		pattern[i] = (uint8_t)(i * 5 + 3);
	nvme_put(n, OWN_BLANK, 0, pattern, NVME_MAIL_BYTES);
	for (uint32_t i = 0; i < NVME_MAIL_BYTES; i++)
		pattern[i] = (uint8_t)~pattern[i];
	s = nvme_mail_write(n, nvme_addr(n, OWN_LIST), pattern, &st);
	if (s || st != ST_OK)
		return s;
	s = nvme_mail_read(n, nvme_addr(n, OWN_LIST), seen, &blank, &st);
	n->mail = s == OK && st == ST_OK && !__builtin_memcmp(seen, pattern, NVME_MAIL_BYTES);
	return s;
}
