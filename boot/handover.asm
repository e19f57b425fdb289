; The 64-bit way in: how boot/efi enters the kernel. Long mode, interrupts off, at least the first 4 GiB mapped at
; their own addresses by whoever calls; rdi = physical address of a struct boot_info. The image lies anywhere below
; 4 GiB, as far off a multiple of 2 MiB as it is linked. Builds the same boot page tables as pvh.asm does and calls
; handover_main(). Five levels of page tables, where firmware has switched them on, stay on: leaving them would mean to
; leave long mode, and the kernel's tables work either way.

KERNEL_VMA equ 0xffffffff80000000
%define PHYS(s) ((s) - KERNEL_VMA)

NOTE_HANDOVER equ 1 ; of the name "Portcullis": the address of the entry, where it is linked

CR0_PE equ 1 << 0
CR0_MP equ 1 << 1
CR0_EM equ 1 << 2
CR0_TS equ 1 << 3
CR0_NE equ 1 << 5
CR0_WP equ 1 << 16
CR0_PG equ 1 << 31
CR4_PAE equ 1 << 5
CR4_OSFXSR equ 1 << 9      ; runtime services of the firmware may use SSE
CR4_OSXMMEXCPT equ 1 << 10
CR4_LA57 equ 1 << 12
MSR_EFER equ 0xc0000080
EFER_NXE equ 1 << 11
PTE_P_RW equ 3
PDE_LARGE equ 1 << 7
IMAGE_PDES equ 16

extern kernel_start, handover_main
extern boot_pml4, boot_pdpt_low, boot_pdpt_high, boot_pd, boot_gdt, boot_stack_top

section .note.portcullis note alloc noexec nowrite align=4
	dd 11, 8, NOTE_HANDOVER
	db "Portcullis", 0, 0
	dq handover_entry

section .text.boot progbits alloc exec nowrite align=16
bits 64
default rel
handover_entry:
	cli
	cld
	mov rsi, rdi

	; What firmware may have on and nobody here uses (PCID, global pages, CET) goes off.
	mov rax, cr4
	and eax, CR4_LA57
	or eax, CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT
	mov r8d, eax
	mov rax, cr0
	and eax, ~(CR0_EM | CR0_TS)
	or eax, CR0_PG | CR0_PE | CR0_MP | CR0_NE | CR0_WP
	mov cr4, r8
	mov cr0, rax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_NXE
	wrmsr

	; The first 4 GiB at their own addresses.
	lea rdi, [boot_pd]
	mov eax, PTE_P_RW | PDE_LARGE
	mov ecx, 4 * 512
.fill:
	mov [rdi], rax
	add rax, 0x200000
	add rdi, 8
	dec ecx
	jnz .fill
	lea rax, [boot_pd + PTE_P_RW]
	lea rdi, [boot_pdpt_low]
	mov ecx, 4
.link:
	mov [rdi], rax
	add rax, 4096
	add rdi, 8
	dec ecx
	jnz .link

	; The image at its linked place, wherever it lies.
	lea rax, [kernel_start]
	sub rax, PHYS(kernel_start)
	or rax, PTE_P_RW | PDE_LARGE
	lea rdi, [image_pd]
	mov ecx, IMAGE_PDES
.image:
	mov [rdi], rax
	add rax, 0x200000
	add rdi, 8
	dec ecx
	jnz .image
	lea rax, [image_pd + PTE_P_RW]
	mov [boot_pdpt_high + 510 * 8], rax
	lea rax, [boot_pdpt_low + PTE_P_RW]
	mov [boot_pml4], rax
	lea rax, [boot_pdpt_high + PTE_P_RW]
	mov [boot_pml4 + 511 * 8], rax

	lea rdi, [boot_pml4]
	test r8d, CR4_LA57
	jz .load
	lea rax, [boot_pml4 + PTE_P_RW]
	lea rdi, [boot_pml5]
	mov [rdi], rax
	mov [rdi + 511 * 8], rax
.load:
	mov cr3, rdi
	mov rax, .high
	jmp rax
.high:
	lgdt [gdt_pointer]
	mov eax, 0x10
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	lea rsp, [boot_stack_top]
	xor ebp, ebp
	push 0x08
	lea rax, [.reloaded]
	push rax
	retfq
.reloaded:
	mov rdi, rsi
	call handover_main
.stop:
	hlt
	jmp .stop

section .rodata
align 8
gdt_pointer:
	dw 3 * 8 - 1
	dq boot_gdt

section .bss nobits alloc write align=4096
boot_pml5: resb 4096
image_pd: resb 4096
