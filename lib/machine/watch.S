/* watch: the frame below which an exception that leaves a fiber is seen. See throw_site.hpp.
   void gossamer_watch(void (*body)(void*), void* argument, void** slot): calls body(argument). The slot's address lies
   at the frame's stack pointer while the call runs, where the personality routine finds it. gossamer_watch_inside does
   the same under another name, by which a trace knows that it has not come to the fiber's first frame. */
#if defined(__x86_64__)
	.macro watcher name
	.text
	.globl \name
	.hidden \name
	.hidden gossamer_watch_personality
	.type \name, @function
\name:
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
	.size \name, .-\name
	.endm

	watcher gossamer_watch
	watcher gossamer_watch_inside
#endif
	.section .note.GNU-stack,"",@progbits
