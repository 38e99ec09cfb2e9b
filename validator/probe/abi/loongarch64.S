/* loongarch64. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl	_start
_start:
	move	$fp, $zero
	move	$ra, $zero
	move	$a0, $sp
	bstrins.d $sp, $zero, 3, 0
	bl	probe_main
	break	0

	.globl	system_call, system_call_six
	.type	system_call, @function
	.type	system_call_six, @function
system_call:
system_call_six:
	move	$a7, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	move	$a3, $a4
	move	$a4, $a5
	move	$a5, $a6
	syscall	0
	jr	$ra
