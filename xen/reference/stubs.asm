; A hypercall page of 128 stubs of 32 bytes, as Xen fills one in: each loads its number and goes to the hypervisor. Here
; that is a call where Xen has VMCALL or VMMCALL, and everything else is the same for who calls: number in rax,
; arguments in rdi, rsi, rdx, r10, r8, result in rax; the argument registers are lost, all others are kept. A call that
; was interrupted begins again at its stub, with the registers that it had.

%define STUB_BYTES 32
%define STUBS      128
%define LOST       0xdeadbeefdeadf00d

extern pvref_page_enter
global pvref_page

bits 64
section .text align=4096

pvref_page:
%assign number 0
%rep STUBS
	mov eax, number
	call enter
	ret
	times number * STUB_BYTES + STUB_BYTES - ($ - pvref_page) int3
%assign number number + 1
%endrep

enter:
	push r11
	push r9
	push rcx
	push r8
	push r10
	push rdx
	push rsi
	push rdi
	push rax
	mov rdi, rsp
	sub rsp, 8              ; the C side wants 16-byte alignment
	call pvref_page_enter
	add rsp, 8
	test al, al
	pop rax
	jnz .again
	mov rdi, LOST
	mov rsi, rdi
	mov rdx, rdi
	mov r10, rdi
	mov r8, rdi
	lea rsp, [rsp + 5 * 8]  ; flags stay
	jmp .kept
.again:
	pop rdi
	pop rsi
	pop rdx
	pop r10
	pop r8
.kept:
	pop rcx
	pop r9
	pop r11
	jz .done
	and qword [rsp], -STUB_BYTES
.done:
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
