; The PVH way in (Xen's "x86/HVM direct boot ABI"): QEMU -kernel, Xen PVH dom0 and domU.
; 32-bit protected mode, paging off, ebx = physical address of the start info. Builds boot page tables that map the
; first 4 GiB at 0 and the first GiB at the kernel's place, enters long mode and calls pvh_main().

KERNEL_VMA equ 0xffffffff80000000
%define PHYS(s) ((s) - KERNEL_VMA)

XEN_ELFNOTE_PHYS32_ENTRY equ 18

CR0_PG equ 1 << 31
CR0_WP equ 1 << 16
CR0_EM equ 1 << 2
CR4_PAE equ 1 << 5
MSR_EFER equ 0xc0000080
EFER_LME equ 1 << 8
EFER_NXE equ 1 << 11
PTE_P_RW equ 3
PDE_LARGE equ 1 << 7

extern pvh_main
global pvh_entry
global boot_pml4, boot_pdpt_low, boot_pdpt_high, boot_pd, boot_gdt, boot_stack_top

section .note.pvh note alloc noexec nowrite align=4
	dd 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd PHYS(pvh_entry)

section .text.boot progbits alloc exec nowrite align=16
bits 32
pvh_entry:
	cli
	cld
	mov esp, PHYS(boot_stack_top)
	mov esi, ebx

	; Four page directories of 2 MiB pages: the first 4 GiB.
	mov edi, PHYS(boot_pd)
	mov eax, PTE_P_RW | PDE_LARGE
	mov ecx, 4 * 512
.fill:
	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 0x200000
	add edi, 8
	dec ecx
	jnz .fill

	mov eax, PHYS(boot_pd) + PTE_P_RW
	mov edi, PHYS(boot_pdpt_low)
	mov [PHYS(boot_pdpt_high) + 510 * 8], eax
	mov ecx, 4
.link:
	mov [edi], eax
	add eax, 4096
	add edi, 8
	dec ecx
	jnz .link
	mov dword [PHYS(boot_pml4)], PHYS(boot_pdpt_low) + PTE_P_RW
	mov dword [PHYS(boot_pml4) + 511 * 8], PHYS(boot_pdpt_high) + PTE_P_RW

	mov eax, cr4
	or eax, CR4_PAE
	mov cr4, eax
	mov eax, PHYS(boot_pml4)
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME | EFER_NXE
	wrmsr
	mov eax, cr0
	and eax, ~CR0_EM
	or eax, CR0_PG | CR0_WP
	mov cr0, eax
	lgdt [PHYS(boot_gdt_pointer)]
	jmp 0x08:PHYS(.long_low)

bits 64
.long_low:
	mov rax, .long_high
	jmp rax
.long_high:
	mov eax, 0x10
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rsp, boot_stack_top
	xor ebp, ebp
	mov edi, esi
	call pvh_main
.stop:
	hlt
	jmp .stop

section .rodata
align 8
boot_gdt:
	dq 0
	dq 0x00af9b000000ffff ; 64-bit code
	dq 0x00cf93000000ffff ; data
boot_gdt_pointer:
	dw $ - boot_gdt - 1
	dd PHYS(boot_gdt)

section .bss nobits alloc write align=4096
boot_pml4: resb 4096
boot_pdpt_low: resb 4096
boot_pdpt_high: resb 4096
boot_pd: resb 4 * 4096
boot_stack: resb 16384
boot_stack_top:
