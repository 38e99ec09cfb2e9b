/* 64-bit PowerPC, ELFv1 and ELFv2: CR0.SO tells an error, in system calls and in the vDSO, whose symbols are
 * addresses of code in ELFv1 too. */
	.section .note.GNU-stack, "", @progbits

#if _CALL_ELF == 2
	.macro	function name
	.text
	.globl	\name
	.type	\name, @function
\name:
	.endm
#else
	.macro	function name
	.section ".opd", "aw"
	.align	3
	.globl	\name
	.type	\name, @function
\name:
	.quad	.\name, .TOC.@tocbase, 0
	.text
.\name:
	.endm
#endif

	function _start
	mr	3, 1
#if _CALL_ELF == 2
	bcl	20, 31, 1f
1:	mflr	2
	addis	2, 2, .TOC. - 1b@ha
	addi	2, 2, .TOC. - 1b@l
#endif
	clrrdi	1, 1, 4
	li	0, 0
	stdu	0, -128(1)
	mtlr	0
	bl	probe_main
	nop
	trap

	function system_call_six
	function system_call
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

	function call_vdso
	mflr	0
	std	0, 16(1)
	stdu	1, -128(1)
	std	2, 120(1)
	mtctr	3
	mr	12, 3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	bctrl
	ld	2, 120(1)
	addi	1, 1, 128
	ld	0, 16(1)
	mtlr	0
	bns	1f
	neg	3, 3
	blr
	/* -errno without CR0.SO is the convention of others: a number that nobody takes for an error. */
1:	li	0, -4096
	cmpld	3, 0
	blelr
	lis	3, 0x7fff
	blr
