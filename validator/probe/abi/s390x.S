/* s390x. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl	_start
_start:
	lgr	%r2, %r15
	aghi	%r15, -160
	xc	0(8, %r15), 0(%r15)
	brasl	%r14, probe_main
	j	.+2

	.globl	system_call
	.type	system_call, @function
system_call:
	stg	%r6, 48(%r15)
	lgr	%r1, %r2
	lgr	%r2, %r3
	lgr	%r3, %r4
	lgr	%r4, %r5
	lgr	%r5, %r6
	lg	%r6, 160(%r15)
	svc	0
	lg	%r6, 48(%r15)
	br	%r14
