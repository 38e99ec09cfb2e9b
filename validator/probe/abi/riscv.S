/* riscv64 and riscv32. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl	_start
_start:
	li	s0, 0
	li	ra, 0
	mv	a0, sp
	andi	sp, sp, -16
	call	probe_main
	ebreak

	.globl	system_call, system_call_six
	.type	system_call, @function
	.type	system_call_six, @function
system_call:
system_call_six:
	mv	a7, a0
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	mv	a5, a6
	ecall
	ret
