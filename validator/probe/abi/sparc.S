/* 32-bit and 64-bit SPARC: the carry bit tells an error of a system call, and after clone %o1 tells the child, which has
 * its parent's number in %o0. The functions of the vDSO are called as C does. */
	.section .note.GNU-stack, "", @progbits
	.text

#ifdef __arch64__
#define BIAS 2047
#define WINDOW 176
#define REGISTER 8
#define KERNEL 0x6d
#define IF_CARRY(label) bcs,pn %xcc, label
#else
#define BIAS 0
#define WINDOW 96
#define REGISTER 4
#define KERNEL 0x10
#define IF_CARRY(label) bcs label
#endif

	.globl	_start
	.type	_start, #function
_start:
	clr	%fp
	/* What the kernel filled in lies behind room for one window. */
	add	%sp, BIAS + 16 * REGISTER, %o0
	sub	%sp, WINDOW - 16 * REGISTER, %sp
	call	probe_main
	 nop
	ta	1

	.globl	system_call
	.type	system_call, #function
system_call:
	mov	%o0, %g1
	mov	%o1, %o0
	mov	%o2, %o1
	mov	%o3, %o2
	mov	%o4, %o3
	mov	%o5, %o4
	ta	KERNEL
	IF_CARRY(1f)
	 cmp	%g1, SYS_clone
	bne	2f
	 nop
	/* 1 in the child becomes 0, 0 in the parent all bits. */
	sub	%o1, 1, %o1
	and	%o0, %o1, %o0
2:	retl
	 nop
1:	retl
	 neg	%o0
