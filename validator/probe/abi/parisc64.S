/* 64-bit PA-RISC: the stack grows upwards, the first eight arguments are in registers, and %r29 points behind where the callee
 * may keep them. The kernel hands the width of the program on in the lowest bit of %sp. */
	.section .note.GNU-stack, "", @progbits
	.text
	.level	2.0w

	.globl	_start
	.type	_start, @function
_start:
	ldil	L%__gp, %r27
	ldo	R%__gp(%r27), %r27
	depdi	0, 63, 1, %r30
	ldo	-4(%r24), %r26		/* %r24 is argv, or 4 bytes less (docs/findings.md), and argc lies before it */
	depdi	0, 63, 3, %r26
	ldo	128(%r30), %r30
	ldo	-16(%r30), %r29
	copy	%r0, %r3
	b,l	probe_main, %r2
	nop
	break	0, 0

	/* A system call that is made again has its number taken from the delay slot (check_syscallno_in_delay_branch() of
	 * arch/parisc/kernel/signal.c). */
	.globl	system_call, system_call_six
	.type	system_call, @function
	.type	system_call_six, @function
system_call:
system_call_six:
	std	%r2, -16(%r30)
	copy	%r26, %r29
	copy	%r25, %r26
	copy	%r24, %r25
	copy	%r23, %r24
	copy	%r22, %r23
	copy	%r21, %r22
	copy	%r20, %r21
	ble	0x100(%sr2, %r0)
	copy	%r29, %r20
	ldd	-16(%r30), %r2
	bve	(%r2)
	nop

	/* By the address of the code, without a descriptor. */
	.globl	call_vdso
	.type	call_vdso, @function
call_vdso:
	std	%r2, -16(%r30)
	ldo	160(%r30), %r30
	std	%r27, -152(%r30)
	copy	%r26, %r1
	copy	%r25, %r26
	copy	%r24, %r25
	copy	%r23, %r24
	copy	%r22, %r23
	copy	%r21, %r22
	ldo	-16(%r30), %r29
	bve,l	(%r1), %r2
	nop
	ldd	-152(%r30), %r27
	ldo	-160(%r30), %r30
	ldd	-16(%r30), %r2
	bve	(%r2)
	nop

	/* Light-weight system calls, with the error of %r21 in the sixth argument's place. */
	.globl	call_lws_entry
	.type	call_lws_entry, @function
call_lws_entry:
	std	%r2, -16(%r30)
	std	%r21, -24(%r30)
	copy	%r26, %r20
	copy	%r25, %r26
	copy	%r24, %r25
	copy	%r23, %r24
	copy	%r22, %r23
	ble	0xb0(%sr2, %r0)
	nop
	ldd	-24(%r30), %r22
	std	%r21, 0(%r22)
	ldd	-16(%r30), %r2
	bve	(%r2)
	nop

	.globl	call_set_thread_pointer
	.type	call_set_thread_pointer, @function
call_set_thread_pointer:
	ble	0xe0(%sr2, %r0)
	nop
	bve	(%r2)
	mfctl	%cr27, %r28
