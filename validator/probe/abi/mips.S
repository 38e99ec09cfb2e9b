/* MIPS o32, n32 and n64: $7 tells an error of a system call, and position-independent code wants its address in $25.
 * The probe itself is built without abicalls, so $28 is nobody's. */
	.section .note.GNU-stack, "", @progbits
	.text
	.set	noreorder

	.globl	_start
	.type	_start, @function
_start:
	move	$31, $0
	move	$4, $29
#if _MIPS_SIM == _ABIO32
	li	$8, -8
	and	$29, $29, $8
	addiu	$29, $29, -32
#else
	li	$8, -16
	and	$29, $29, $8
#endif
	jal	probe_main
	nop
	break

	.globl	system_call
	.type	system_call, @function
system_call:
	move	$2, $4
	move	$4, $5
	move	$5, $6
	move	$6, $7
#if _MIPS_SIM == _ABIO32
	/* The fourth argument is in a register for the kernel, the fifth at 16 of the stack. */
	lw	$7, 16($29)
	lw	$8, 20($29)
	addiu	$29, $29, -32
	sw	$8, 16($29)
	syscall
	addiu	$29, $29, 32
	bnez	$7, 1f
	nop
	jr	$31
	nop
1:	jr	$31
	negu	$2, $2
#else
	move	$7, $8
	move	$8, $9
	syscall
	bnez	$7, 1f
	nop
	jr	$31
	nop
1:	jr	$31
	dnegu	$2, $2
#endif

	.globl	call_vdso
	.type	call_vdso, @function
call_vdso:
	move	$25, $4
	move	$4, $5
	move	$5, $6
	move	$6, $7
#if _MIPS_SIM == _ABIO32
	lw	$7, 16($29)
	lw	$8, 20($29)
	addiu	$29, $29, -32
	sw	$8, 16($29)
	sw	$31, 28($29)
	jalr	$25
	nop
	lw	$31, 28($29)
	jr	$31
	addiu	$29, $29, 32
#else
	move	$7, $8
	move	$8, $9
	daddiu	$29, $29, -16
	sd	$31, 8($29)
	jalr	$25
	nop
	ld	$31, 8($29)
	jr	$31
	daddiu	$29, $29, 16
#endif
