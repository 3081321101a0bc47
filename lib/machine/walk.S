/* walk: frames whose caller, as their unwind information says, is a context that does not run; see walk.hpp.
   void gossamer_walk_from(void* context, void (*body)(void*), void* argument): calls body(argument), which may unwind.
   What stands where is Boost.Context's (jump_x86_64_sysv_elf, from 1.81 on): above the context 0x48 bytes, of which the
   highest is the place where it goes on. While body runs, rbx is the context. */
#if defined(__x86_64__)
	.text

	/* Between the two stands what the unwinder is told while body runs, in terms of rbx. */
	.macro begin_walk name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.cfi_startproc
	endbr64
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	movq %rdi, %rbx
	movq %rsi, %rax
	movq %rdx, %rdi
	.cfi_remember_state
	.endm
	.macro end_walk name
	callq *%rax
	.cfi_restore_state
	popq %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	retq
	.cfi_endproc
	.size \name, .-\name
	.endm

	begin_walk gossamer_walk_from
	.cfi_def_cfa rbx, 0x48
	.cfi_offset rip, -0x08
	.cfi_offset rbp, -0x10
	.cfi_offset rbx, -0x18
	.cfi_offset r15, -0x20
	.cfi_offset r14, -0x28
	.cfi_offset r13, -0x30
	.cfi_offset r12, -0x38
	end_walk gossamer_walk_from

/* void gossamer_walk_kept(const void* frame, void (*body)(void*), void* argument): the same from a frame that was kept:
   the registers lie as in a context, and behind them, at 0x48, is the stack pointer of the caller's caller. */
	begin_walk gossamer_walk_kept
	/* The frame's address is what rbx + 0x48 points to; each register is at rbx + so much. */
	.cfi_escape 0x0f, 4, 0x73, 0xc8, 0x00, 0x06
	.cfi_escape 0x10, 16, 3, 0x73, 0xc0, 0x00
	.cfi_escape 0x10, 6, 2, 0x73, 0x38
	.cfi_escape 0x10, 3, 2, 0x73, 0x30
	.cfi_escape 0x10, 15, 2, 0x73, 0x28
	.cfi_escape 0x10, 14, 2, 0x73, 0x20
	.cfi_escape 0x10, 13, 2, 0x73, 0x18
	.cfi_escape 0x10, 12, 2, 0x73, 0x10
	end_walk gossamer_walk_kept

/* bool gossamer::detail::blocking_begin() noexcept: shows who has called it, as a frame that can be kept, to
   bool gossamer_begin_call(const kept_frame*), and returns what that returns. */
	.globl _ZN8gossamer2v06detail14blocking_beginEv
	.hidden gossamer_begin_call
	.type _ZN8gossamer2v06detail14blocking_beginEv, @function
_ZN8gossamer2v06detail14blocking_beginEv:
	.cfi_startproc
	endbr64
	subq $88, %rsp
	.cfi_adjust_cfa_offset 88
	movq %r12, 0x10(%rsp)
	movq %r13, 0x18(%rsp)
	movq %r14, 0x20(%rsp)
	movq %r15, 0x28(%rsp)
	movq %rbx, 0x30(%rsp)
	movq %rbp, 0x38(%rsp)
	movq 88(%rsp), %rax
	movq %rax, 0x40(%rsp)
	leaq 96(%rsp), %rax
	movq %rax, 0x48(%rsp)
	movq %rsp, %rdi
	callq gossamer_begin_call
	addq $88, %rsp
	.cfi_adjust_cfa_offset -88
	retq
	.cfi_endproc
	.size _ZN8gossamer2v06detail14blocking_beginEv, .-_ZN8gossamer2v06detail14blocking_beginEv
#endif
	.section .note.GNU-stack,"",@progbits
