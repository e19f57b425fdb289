; The kernel, as it is: one file is all that firmware, a boot server or virtual media have to bring.
global kernel_elf, kernel_elf_end
section .rodata
align 16
kernel_elf:
	incbin "portcullis.elf"
kernel_elf_end:
