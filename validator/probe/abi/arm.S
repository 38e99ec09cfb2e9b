/* arm, EABI. */
	.section .note.GNU-stack, "", %progbits
	.syntax unified
	.arm
	.text

	.globl _start
	.type _start, %function
_start:
	mov	fp, #0
	mov	lr, #0
	mov	r0, sp
	bic	sp, sp, #7
	bl	probe_main
	udf	#0

	.globl system_call
	.type system_call, %function
system_call:
	push	{r4, r7}
	mov	r7, r0
	mov	r0, r1
	mov	r1, r2
	mov	r2, r3
	ldr	r3, [sp, #8]
	ldr	r4, [sp, #12]
	svc	#0
	pop	{r4, r7}
	bx	lr
