; What a call must keep (System V ABI, and Xen's own promise): the callee-saved registers.

bits 64
global xen_kept_registers
extern xen_enter

section .text

; uint64_t xen_kept_registers(const void *stub, uint64_t number, const uint64_t arguments[5])
; A bit for each register that the call changed: rbx, rbp, r12, r13, r14, r15.
xen_kept_registers:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	sub rsp, 8
	mov rbx, 0x1111111111111111
	mov rbp, 0x2222222222222222
	mov r12, 0x3333333333333333
	mov r13, 0x4444444444444444
	mov r14, 0x5555555555555555
	mov r15, 0x6666666666666666
	call xen_enter
	xor ecx, ecx
	mov rdx, 0x1111111111111111
%macro check 2
	mov rax, rdx
	imul rax, rax, %2
	cmp %1, rax
	setne al
	movzx eax, al
	shl eax, %2 - 1
	or ecx, eax
%endmacro
	check rbx, 1
	check rbp, 2
	check r12, 3
	check r13, 4
	check r14, 5
	check r15, 6
	mov eax, ecx
	add rsp, 8
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
