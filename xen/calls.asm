; The way into the hypervisor: the instruction of either vendor, and the page that Xen fills with one stub for each
; hypercall (32 bytes each). The page lies in the image's text: executable, and ours from the first instruction on.

bits 64
global xen_enter
global xen_stub_vmcall
global xen_stub_vmmcall
global xen_hypercall_page

section .text

; int64_t xen_enter(const void *stub, uint64_t number, const uint64_t arguments[5])
; Xen may destroy the argument registers; all of them are the caller's to lose.
xen_enter:
	mov r11, rdi
	mov rax, rsi
	mov rcx, rdx
	mov rdi, [rcx]
	mov rsi, [rcx + 8]
	mov rdx, [rcx + 16]
	mov r10, [rcx + 24]
	mov r8, [rcx + 32]
	call r11
	ret

align 32
xen_stub_vmcall:
	vmcall
	ret

align 32
xen_stub_vmmcall:
	vmmcall
	ret

align 4096
xen_hypercall_page:
	times 4096 db 0xc3
