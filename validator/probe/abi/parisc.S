/* 32-bit PA-RISC: the stack grows upwards, arguments beyond the fourth lie below %sp, and whoever calls the kernel
 * through the gateway page loses %r2, unless it kept it where C does. */
	.section .note.GNU-stack, "", @progbits
	.text
	.level	1.1

	.globl	_start
	.type	_start, @function
_start:
	ldil	L%$global$, %r27
	ldo	R%$global$(%r27), %r27
	ldo	-4(%r24), %r26		/* %r24 is argv, and argc lies before it */
	ldo	64(%r30), %r30
	copy	%r0, %r3
	bl	probe_main, %r2
	nop
	break	0, 0

	/* A system call that is made again has its number taken from the delay slot (check_syscallno_in_delay_branch() of
	 * arch/parisc/kernel/signal.c). */
	.globl	system_call, system_call_six
	.type	system_call, @function
	.type	system_call_six, @function
system_call:
system_call_six:
	stw	%r2, -20(%r30)
	copy	%r26, %r29
	copy	%r25, %r26
	copy	%r24, %r25
	copy	%r23, %r24
	ldw	-52(%r30), %r23
	ldw	-56(%r30), %r22
	ldw	-60(%r30), %r21
	ble	0x100(%sr2, %r0)
	copy	%r29, %r20
	ldw	-20(%r30), %r2
	bv	%r0(%r2)
	nop

	/* Light-weight system calls, with the error of %r21 in the sixth argument's place. */
	.globl	call_lws_entry
	.type	call_lws_entry, @function
call_lws_entry:
	stw	%r2, -20(%r30)
	copy	%r26, %r20
	copy	%r25, %r26
	copy	%r24, %r25
	copy	%r23, %r24
	ldw	-52(%r30), %r23
	ble	0xb0(%sr2, %r0)
	nop
	ldw	-56(%r30), %r22
	stw	%r21, 0(%r22)
	ldw	-20(%r30), %r2
	bv	%r0(%r2)
	nop

	.globl	call_set_thread_pointer
	.type	call_set_thread_pointer, @function
call_set_thread_pointer:
	ble	0xe0(%sr2, %r0)
	nop
	bv	%r0(%r2)
	mfctl	%cr27, %r28
