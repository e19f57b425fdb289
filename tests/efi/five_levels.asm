; void five_levels(uint64_t *root): CR4.LA57 changes only while paging is off, so the way leads through 32-bit code
; (SDM vol. 3, 4.5.1 and 10.8.5). Code, stack and root lie below 4 GiB, where firmware maps memory at its own address.

CR0_PG equ 1 << 31
CR4_LA57 equ 1 << 12
PTE_P_RW equ 3

global five_levels

section .text
bits 64
default rel
five_levels:
	pushfq
	cli
	push rbx
	push rbp
	mov rax, cr3
	and rax, ~0xfff
	or rax, PTE_P_RW
	mov [rdi], rax
	sub rsp, 16
	sgdt [rsp]
	movzx eax, word [rsp]
	mov [old_gdt], ax
	mov rax, [rsp + 2]
	mov [old_gdt + 2], rax
	add rsp, 16
	mov ebp, cs
	mov r9d, ds
	mov r10d, ss
	lea rax, [gdt]
	mov [new_gdt + 2], rax
	lgdt [new_gdt]
	lea rbx, [back]
	lea rax, [without_paging]
	push 0x18
	push rax
	retfq

bits 32
without_paging:
	mov eax, 0x10
	mov ds, eax
	mov ss, eax
	mov eax, cr0
	and eax, ~CR0_PG
	mov cr0, eax
	mov eax, cr4
	or eax, CR4_LA57
	mov cr4, eax
	mov cr3, edi
	mov eax, cr0
	or eax, CR0_PG
	mov cr0, eax
	push dword 0x08
	push ebx
	retf

bits 64
back:
	lgdt [old_gdt]
	mov ds, r9d
	mov es, r9d
	mov ss, r10d
	lea rax, [done]
	push rbp
	push rax
	retfq
done:
	pop rbp
	pop rbx
	popfq
	ret

section .data
align 8
gdt:
	dq 0
	dq 0x00af9b000000ffff ; 64-bit code
	dq 0x00cf93000000ffff ; data
	dq 0x00cf9b000000ffff ; 32-bit code
new_gdt:
	dw 4 * 8 - 1
	dq 0
old_gdt:
	dw 0
	dq 0
