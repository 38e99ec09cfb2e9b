/* 32-bit PowerPC: CR0.SO tells an error, in system calls and in the vDSO. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl	_start
_start:
	mr	3, 1
	rlwinm	1, 1, 0, 0, 27
	li	0, 0
	stwu	0, -16(1)
	mtlr	0
	bl	probe_main
	trap

	.globl	system_call, system_call_six
	.type	system_call, @function
	.type	system_call_six, @function
system_call:
system_call_six:
	mr	0, 3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	mr	8, 9
	sc
	bnslr
	neg	3, 3
	blr

	.globl	call_vdso
	.type	call_vdso, @function
call_vdso:
	mflr	0
	stw	0, 4(1)
	stwu	1, -32(1)
	mtctr	3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	bctrl
	lwz	0, 36(1)
	mtlr	0
	addi	1, 1, 32
	bns	1f
	neg	3, 3
	blr
	/* -errno without CR0.SO is the convention of others: a number that nobody takes for an error. */
1:	li	0, -4096
	cmplw	3, 0
	blelr
	lis	3, 0x7fff
	blr
