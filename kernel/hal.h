/*
 * The seam: all that drivers, model and tests know of the world.
 *
 * Two worlds implement it: metal (kernel/, on QEMU, Xen or a board) and hosted (tests/host/hal_hosted.c, an ordinary
 * Linux process). Physical memory, time and interrupt counting are one per world; registers and PCI configuration
 * space belong to a machine, of which there may be several (the hardware, and model machines beside it).
 */
#ifndef PORTCULLIS_KERNEL_HAL_H
#define PORTCULLIS_KERNEL_HAL_H

#include <stdarg.h>
#include "kernel/bits.h"
#include "kernel/status.h"

#define PAGE_BYTES 4096u

/* Addresses say whose they are: one cannot be passed for the other. */
typedef struct { uint64_t v; } pa_t;   /* physical, as the memory controller sees it */
typedef struct { uint64_t v; } iova_t; /* what a device emits */

#define PA(x)   ((pa_t){ (x) })
#define IOVA(x) ((iova_t){ (x) })

static inline pa_t pa_add(pa_t a, uint64_t bytes)
{
	return PA(a.v + bytes);
}

static inline iova_t iova_add(iova_t a, uint64_t bytes)
{
	return IOVA(a.v + bytes);
}

/* ---- physical memory ---- */

/*
 * Allocates bytes (rounded up to whole pages) of zeroed RAM, aligned to align (a power of two, at least a page).
 * ERR_NO_MEMORY, ERR_INVALID.
 */
enum status must_use mem_alloc(size_t bytes, size_t align, pa_t *out);
/* Gives back exactly what mem_alloc() gave. */
void mem_free(pa_t pa, size_t bytes);
/* CPU pointer to [pa, pa + bytes) if all of it is RAM that we may touch, else NULL. */
void *mem_ptr(pa_t pa, size_t bytes);
/*
 * What an agent that does not snoop the caches finds there. The hosted world keeps it apart: it changes by
 * cache_write_back() and by DMA alone. On metal nobody can tell: the same as mem_ptr(). NULL as mem_ptr().
 */
void *mem_ptr_unsnooped(pa_t pa, size_t bytes);
/* The same behind a write buffer, which what is written back stays in until mem_buffer_drain() or until it is full. */
void *mem_ptr_buffered(pa_t pa, size_t bytes);
void mem_buffer_drain(void);
/* Physical address of something that mem_ptr() or mem_alloc() gave. */
pa_t mem_pa(const void *p);
/* Page-aligned address of at least bytes that nothing answers: no RAM, no device. Below 4 GiB where possible. */
pa_t mem_unbacked(size_t bytes);
/* Takes RAM that turns out to belong to firmware (RMRRs) out of the allocator for ever; false: some was handed out already. */
bool mem_reserve(pa_t pa, uint64_t bytes);
/* Number of pages that are free; tests compare it before and after to find leaks. */
size_t mem_free_pages(void);
/* After n more calls mem_alloc() finds no memory; UINT64_MAX: only when there is none. For tests; each starts without. */
void mem_limit(uint64_t n);
/* Makes CPU writes to [p, p + bytes) visible to agents that do not snoop the caches (CLFLUSH, then a fence). */
void cache_write_back(const void *p, size_t bytes);

/* ---- registers ---- */

/* What stands behind a window of registers when it is not hardware. bytes is 1, 2, 4 or 8, off is inside the window. */
struct mmio_ops {
	uint64_t (*rd)(void *ctx, uint32_t off, unsigned bytes);
	void (*wr)(void *ctx, uint32_t off, uint64_t value, unsigned bytes);
};

/* A window of registers: a handle; a RAM pointer is not one. ops == NULL: hardware, ctx is its mapped address. */
typedef struct {
	const struct mmio_ops *ops;
	void *ctx;
	uint32_t len_bytes;
} mmio_t;

typedef struct { uint32_t off; } reg8_t;
typedef struct { uint32_t off; } reg16_t;
typedef struct { uint32_t off; } reg32_t;
typedef struct { uint32_t off; } reg64_t;
typedef struct { uint32_t off; } regw1c32_t; /* holds write-1-to-clear bits: read it, acknowledge bits, nothing else */

/* One access of exactly that width. An offset outside the window is a mistake of ours and panics. */
uint8_t mmio_rd8(const mmio_t *m, reg8_t r);
uint16_t mmio_rd16(const mmio_t *m, reg16_t r);
uint32_t mmio_rd32(const mmio_t *m, reg32_t r);
uint64_t mmio_rd64(const mmio_t *m, reg64_t r);
uint32_t mmio_rdw1c32(const mmio_t *m, regw1c32_t r);
void mmio_wr8(const mmio_t *m, reg8_t r, uint8_t v);
void mmio_wr16(const mmio_t *m, reg16_t r, uint16_t v);
void mmio_wr32(const mmio_t *m, reg32_t r, uint32_t v);
void mmio_wr64(const mmio_t *m, reg64_t r, uint64_t v);
/* Writes 1 to the given bits of a write-1-to-clear register and 0 to all others. */
void mmio_ack(const mmio_t *m, regw1c32_t r, uint32_t bits);

#define mmio_rd(m, r) _Generic((r), \
	reg8_t: mmio_rd8, reg16_t: mmio_rd16, reg32_t: mmio_rd32, reg64_t: mmio_rd64, regw1c32_t: mmio_rdw1c32)(m, r)
#define mmio_wr(m, r, v) _Generic((r), \
	reg8_t: mmio_wr8, reg16_t: mmio_wr16, reg32_t: mmio_wr32, reg64_t: mmio_wr64)(m, r, v)

/* ---- machines ---- */

/* A PCI function. sid is the 16-bit requester id: bus 15:8, device 7:3, function 2:0. */
struct pci_addr {
	uint16_t segment;
	uint16_t sid;
};

#define SID_BUS BITS(15, 8)
#define SID_DEV BITS(7, 3)
#define SID_FN  BITS(2, 0)
#define SID_DEVFN BITS(7, 0)
#define SID(bus, dev, fn) ((uint16_t)(FLD(SID_BUS, bus) | FLD(SID_DEV, dev) | FLD(SID_FN, fn)))

/* A range of buses whose configuration space can be reached. */
struct pci_segment {
	uint16_t segment;
	uint8_t bus_first, bus_last;
	pa_t ecam; /* 0: only the first 256 bytes, by port */
};

#define MACHINE_SEGMENTS_MAX 16

struct machine;
struct xen_guest;

struct machine_ops {
	/* One access of bytes (1, 2, 4), naturally aligned, off below 4096. Absent functions read all ones. */
	uint32_t (*cfg_rd)(struct machine *m, struct pci_addr a, uint32_t off, unsigned bytes);
	void (*cfg_wr)(struct machine *m, struct pci_addr a, uint32_t off, uint32_t v, unsigned bytes);
	/* Opens a window on physical [pa, pa + bytes): uncached on hardware. ERR_NOT_FOUND, ERR_NO_MEMORY. */
	enum status (*mmio_map)(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out);
	/* The raw DMAR or IVRS table by signature; NULL if there is none. *bytes is its length field, memory is readable. */
	const void *(*acpi_table)(struct machine *m, const char sig[4], size_t *bytes);
};

struct machine {
	const char *name; /* "" for the hardware, else such as "model.everything" */
	const struct machine_ops *ops;
	void *ctx;
	struct pci_segment segments[MACHINE_SEGMENTS_MAX];
	unsigned segments_n;
	/* Xen's hypercall 43 (iommu_op) with its two arguments, where this machine is a guest of Xen; else NULL. */
	int64_t (*iommu_op)(void *ctx, uint64_t arg1, uint64_t arg2);
	void *iommu_op_ctx;
	uint64_t hole_base, hole_last; /* addresses for BARs that firmware left unassigned; base 0: none */
	const struct xen_guest *xen;   /* the hardware of a guest of Xen: who we are there (xen/xen.h); else NULL */
	bool has_boot_device;          /* boot_device is the function behind which the boot medium lies: no engine */
	struct pci_addr boot_device;
	bool emulated;                 /* no real hardware: one failure is enough for a verdict */
};

/* ---- time ---- */

typedef struct { uint64_t start_us, end_us; } deadline_t;

/* Microseconds since the world started; never goes back. */
uint64_t time_us(void);
deadline_t deadline_in_us(uint64_t us);
/* True once the deadline has passed. Else gives the processor air: a moment at first, then naps of a quarter of the wait so far. */
bool deadline_over(const deadline_t *d);
/* Halts for at least us: a timer tick wakes the processor, so device timers under -icount cost no wall time. */
void time_sleep_us(uint64_t us);

/* ---- interrupts ---- */

/*
 * Vectors that only count. irq_alloc() gives one, irq_message() the MSI address and data (fixed, edge, this CPU) that
 * raise it, irq_take() how many arrived since the last take.
 */
enum status must_use irq_alloc(unsigned *vector);
void irq_free(unsigned vector);
void irq_message(unsigned vector, uint64_t *address, uint32_t *data);
unsigned irq_take(unsigned vector);
/* A model machine delivers a message here; the address is one that irq_message() gave, else it is dropped. */
void irq_deliver(uint64_t address, uint32_t data);

/* ---- words and mistakes ---- */

/* Raw text on the console: the report. */
void console_write(const char *text, size_t len);
/* One comment line ("# ...") on the console. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Our own mistake: prints and ends the current test as a crash (outside a test: the run). Hardware never trips it. */
void panic(const char *file, int line, const char *fmt, ...) __attribute__((noreturn, format(printf, 3, 4)));

#define ASSERT(c) ((c) ? (void)0 : panic(__FILE__, __LINE__, "assertion failed: %s", #c))

/* ---- running what may crash or hang ---- */

enum run_end {
	RUN_RETURNED,
	RUN_ESCAPED, /* run_escape() was called */
	RUN_CRASHED, /* exception, panic */
	RUN_HUNG,    /* the budget ran out */
};

#define RUN_WHY_MAX 256

/*
 * Calls fn(arg) and comes back whatever it does: returns, escapes, takes an exception, or is still running after
 * budget_us. why (RUN_WHY_MAX bytes) receives one line for a crash or hang. Does not nest.
 */
enum run_end run_guarded(void (*fn)(void *arg), void *arg, uint64_t budget_us, char *why);
/* Leaves the running run_guarded() at once. */
void run_escape(void) __attribute__((noreturn));
/* Gives the running call this much more time: what it waits for is not its own. */
void run_extend_us(uint64_t us);

/* For tests of what survives: the machine is reset at once (hosted: the process ends). */
void world_reset(void) __attribute__((noreturn));
/* The processor stands still and takes no interrupt: only the hardware watchdog, or who runs us, ends that. */
void world_stall(void) __attribute__((noreturn));

/* Text formatting: %s %c %d %u %x %X %p with width, 0, -, l, ll, z, .precision; always terminates. Returns the length wanted. */
int str_printf(char *buf, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int str_vprintf(char *buf, size_t len, const char *fmt, va_list ap);

/* A number that nobody can foresee, to seed generators with: RDRAND where there is one, else timer jitter. */
uint64_t entropy(void);

/* Seeded generator (xoshiro256**), one state for each user. */
struct prng { uint64_t s[4]; };
void prng_seed(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);
/* Uniform in [0, n), n > 0. */
uint64_t prng_below(struct prng *p, uint64_t n);

#endif
