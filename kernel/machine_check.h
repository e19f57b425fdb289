/* Machine checks (SDM vol. 3, chapter 16): told, so that the test that ran has a reason. Metal only. */
#ifndef PORTCULLIS_KERNEL_MACHINE_CHECK_H
#define PORTCULLIS_KERNEL_MACHINE_CHECK_H

/* From now on a machine check is an exception instead of a reset, where the processor has it. Banks stay. */
void machine_check_init(void);
/* In its handler: tells every bank that holds an error and clears it, so that the next one can come. */
void machine_check_tell(void);

#endif
