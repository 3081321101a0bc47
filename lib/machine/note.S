/* note: tells where this copy of the library has its mark; see this_object.hpp. An ELF note: the name `gossamer`, type
   1, and as its content the distance from there to the mark, so that nothing needs relocating. A second one, of type 2,
   tells in the same way where the description of the tables is, for debuggers; see lib/debug/layout.hpp. */
	.section .note.gossamer, "a", %note
	.globl gossamer_note
	.hidden gossamer_note
	.hidden gossamer_copy
	.hidden gossamer_own_layout
	.balign 4
gossamer_note:
	.long 9
	.long 4
	.long 1
	.asciz "gossamer"
	.balign 4
	.long gossamer_copy - .
	.long 9
	.long 4
	.long 2
	.asciz "gossamer"
	.balign 4
	.long gossamer_own_layout - .
	.section .note.GNU-stack, "", %progbits
