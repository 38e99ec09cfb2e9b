/* 32-bit SuperH. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl	_start
	.type	_start, @function
	.balign	4
_start:
	mov.l	1f, r0
	mov	#0, r14
	jsr	@r0
	 mov	r15, r4
	trapa	#0xff
	.balign	4
1:	.long	probe_main

	.globl	system_call
	.type	system_call, @function
system_call:
	mov	r4, r3
	mov	r5, r4
	mov	r6, r5
	mov	r7, r6
	mov.l	@r15, r7
	mov.l	@(4, r15), r0
	trapa	#0x15
	rts
	 nop

	/* superh.c */
	.globl	enter_from_handler
	.type	enter_from_handler, @function
	.balign	4
enter_from_handler:
	mov.l	2f, r0
	mov.l	@r0, r4
	mov.l	1f, r0
	mov.l	@r0, r0
	jmp	@r0
	 mov	#SYS_umask, r3
	.balign	4
1:	.long	entry
2:	.long	entry_mask
