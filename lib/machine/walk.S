/* walk: a frame whose caller, as its unwind information says, is a parked context; see walk.hpp.
   void gossamer_walk_from(void* context, void (*body)(void*), void* argument): calls body(argument), which may unwind.
   What stands where is Boost.Context's (jump_x86_64_sysv_elf, from 1.81 on): above the context 0x48 bytes, of which the
   highest is the place where it goes on. While body runs, rbx is the context. */
#if defined(__x86_64__)
	.text
	.globl gossamer_walk_from
	.hidden gossamer_walk_from
	.type gossamer_walk_from, @function
gossamer_walk_from:
	.cfi_startproc
	endbr64
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	movq %rdi, %rbx
	movq %rsi, %rax
	movq %rdx, %rdi
	.cfi_remember_state
	.cfi_def_cfa rbx, 0x48
	.cfi_offset rip, -0x08
	.cfi_offset rbp, -0x10
	.cfi_offset rbx, -0x18
	.cfi_offset r15, -0x20
	.cfi_offset r14, -0x28
	.cfi_offset r13, -0x30
	.cfi_offset r12, -0x38
	callq *%rax
	.cfi_restore_state
	popq %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	retq
	.cfi_endproc
	.size gossamer_walk_from, .-gossamer_walk_from
#endif
	.section .note.GNU-stack,"",@progbits
