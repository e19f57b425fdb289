; The kernel, as it is, and a font: one file is all that firmware, a boot server or virtual media have to bring.
global kernel_elf, kernel_elf_end, font_psf, font_psf_end
section .rodata
align 16
kernel_elf:
	incbin "portcullis.elf"
kernel_elf_end:
align 16
font_psf:
	incbin "gen/font.psf"
font_psf_end:
