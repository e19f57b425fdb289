; Exception and interrupt entries, non-local jumps and the stack switch: what C cannot say.

bits 64
default rel
extern exception_dispatch
global vector_table
global stack_switch
global jump_set
global jump_to

section .text

%assign v 0
%rep 256
align 16
vector_%+v:
%if v = 8 || (v >= 10 && v <= 14) || v = 17 || v = 21 || v = 29 || v = 30
	push v
%else
	push 0
	push v
%endif
	jmp vector_common
%assign v v + 1
%endrep

; Stack from the top: vector, error code, rip, cs, rflags, rsp, ss.
vector_common:
	cld
	push rax
	push rbx
	push rcx
	push rdx
	push rsi
	push rdi
	push rbp
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	mov rdi, rsp
	mov rbp, rsp
	and rsp, -16
	call exception_dispatch
	mov rsp, rbp
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rbp
	pop rdi
	pop rsi
	pop rdx
	pop rcx
	pop rbx
	pop rax
	add rsp, 16
	iretq

; void stack_switch(uint64_t top, void (*fn)(void *), void *arg)
stack_switch:
	mov rsp, rdi
	xor ebp, ebp
	mov rdi, rdx
	push 0
	jmp rsi

; int jump_set(struct jump *j): 0 at first, later what jump_to() passes (not 0).
jump_set:
	mov [rdi], rbx
	mov [rdi + 8], rbp
	mov [rdi + 16], r12
	mov [rdi + 24], r13
	mov [rdi + 32], r14
	mov [rdi + 40], r15
	lea rax, [rsp + 8]
	mov [rdi + 48], rax
	mov rax, [rsp]
	mov [rdi + 56], rax
	xor eax, eax
	ret

; void jump_to(struct jump *j, int value)
jump_to:
	mov rbx, [rdi]
	mov rbp, [rdi + 8]
	mov r12, [rdi + 16]
	mov r13, [rdi + 24]
	mov r14, [rdi + 32]
	mov r15, [rdi + 40]
	mov rsp, [rdi + 48]
	mov eax, esi
	jmp [rdi + 56]

section .rodata
align 8
vector_table:
%assign v 0
%rep 256
	dq vector_%+v
%assign v v + 1
%endrep
