/* Metal's run_guarded(): a jump buffer and a deadline that the timer tick looks at. */
#include "kernel/cpu.h"
#include "kernel/guard.h"

struct jump {
	uint64_t words[8];
};

int jump_set(struct jump *j) __attribute__((returns_twice));
void jump_to(struct jump *j, int value) __attribute__((noreturn));

static struct {
	struct jump jump;
	volatile bool active;
	volatile uint64_t end_us;
	char why[RUN_WHY_MAX];
} guard;

bool guard_active(void)
{
	return guard.active;
}

void guard_end(enum run_end how)
{
	guard.active = false;
	interrupts_on();
	jump_to(&guard.jump, (int)how);
}

void guard_why(const char *fmt, ...)
{
	va_list ap;

	if (guard.why[0])
		return;
	va_start(ap, fmt);
	str_vprintf(guard.why, sizeof(guard.why), fmt, ap);
	va_end(ap);
}

bool guard_expired(uint64_t now_us)
{
	return guard.active && now_us > guard.end_us;
}

void run_extend_us(uint64_t us)
{
	guard.end_us += us;
}

void run_escape(void)
{
	ASSERT(guard.active);
	guard_end(RUN_ESCAPED);
}

enum run_end run_guarded(void (*fn)(void *arg), void *arg, uint64_t budget_us, char *why)
{
	int how;

	guard.why[0] = 0;
	guard.end_us = time_us() + budget_us;
	how = jump_set(&guard.jump);
	if (how == 0) {
		guard.active = true;
		fn(arg);
		guard.active = false;
		how = RUN_RETURNED;
	}
	str_printf(why, RUN_WHY_MAX, "%s", guard.why);
	return (enum run_end)how;
}
