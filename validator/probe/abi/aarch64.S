/* aarch64. */
	.section .note.GNU-stack, "", %progbits
	.text

	.globl _start
_start:
	mov	x29, #0
	mov	x30, #0
	mov	x0, sp
	bl	probe_main
	brk	#0

	.globl system_call, system_call_six
	.type system_call, %function
	.type system_call_six, %function
system_call:
system_call_six:
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	mov	x5, x6
	svc	#0
	ret
