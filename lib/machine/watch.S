/* watch: the frame below which an exception that leaves a fiber is seen. See throw_site.hpp.
   void gossamer_watch(void (*body)(void*), void* argument, void** slot): calls body(argument). The slot's address lies
   at the frame's stack pointer while the call runs, where the personality routine finds it. */
#if defined(__x86_64__)
	.text
	.globl gossamer_watch
	.hidden gossamer_watch
	.hidden gossamer_watch_personality
	.type gossamer_watch, @function
gossamer_watch:
	.cfi_startproc
	.cfi_personality 0x1b, gossamer_watch_personality
	endbr64
	subq $24, %rsp
	.cfi_adjust_cfa_offset 24
	movq %rdx, (%rsp)
	movq %rdi, %rax
	movq %rsi, %rdi
	callq *%rax
	addq $24, %rsp
	.cfi_adjust_cfa_offset -24
	retq
	.cfi_endproc
	.size gossamer_watch, .-gossamer_watch
#endif
	.section .note.GNU-stack,"",@progbits
