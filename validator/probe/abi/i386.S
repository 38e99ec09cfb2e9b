/* i386. */
	.section .note.GNU-stack, "", @progbits
	.text

	.globl _start
_start:
	xorl	%ebp, %ebp
	movl	%esp, %eax
	andl	$-16, %esp
	subl	$12, %esp
	pushl	%eax
	call	probe_main
	ud2

	.globl system_call
system_call:
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	16(%esp), %eax
	movl	20(%esp), %ebx
	movl	24(%esp), %ecx
	movl	28(%esp), %edx
	movl	32(%esp), %esi
	movl	36(%esp), %edi
	int	$0x80
	popl	%edi
	popl	%esi
	popl	%ebx
	ret
