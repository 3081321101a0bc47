/* note: tells where this copy of the library has its mark; see this_object.hpp. An ELF note: the name `gossamer`, type
   1, and as its content the distance from there to the mark, so that nothing needs relocating. */
	.section .note.gossamer, "a", %note
	.globl gossamer_note
	.hidden gossamer_note
	.hidden gossamer_copy
	.balign 4
gossamer_note:
	.long 9
	.long 4
	.long 1
	.asciz "gossamer"
	.balign 4
	.long gossamer_copy - .
	.section .note.GNU-stack, "", %progbits
