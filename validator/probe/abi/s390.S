/* 31-bit s390. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl	_start
_start:
	lr	%r2, %r15
	ahi	%r15, -96
	xc	0(4, %r15), 0(%r15)
	brasl	%r14, probe_main
	j	.+2

	.globl	system_call
	.type	system_call, @function
system_call:
	st	%r6, 24(%r15)
	lr	%r1, %r2
	lr	%r2, %r3
	lr	%r3, %r4
	lr	%r4, %r5
	lr	%r5, %r6
	l	%r6, 96(%r15)
	svc	0
	l	%r6, 24(%r15)
	br	%r14
