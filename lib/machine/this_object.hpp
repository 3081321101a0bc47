// this_object: the file, a program or a shared object, that this copy of the library was linked into.
//
// Two copies can come together: a static one in a plugin, or a program linked statically that loads a plugin which
// brings libgossamer.so. Their symbols do not see each other, so each copy carries an ELF note (note.S) that says where
// its mark is, and a copy that starts looks through the notes of all that is loaded. Nothing is left behind that a
// child could inherit, and a copy that does not start is not noticed.
#pragma once

namespace gossamer::inline v0::machine {

// Before anything is started. The object stays loaded from here on, since threads run in it. Ends the process with a
// report that names both files if another copy runs fibers already: each would start workers for every CPU, take the
// other's threads for the program's and so never report a deadlock, and stop its own workers only when exit() comes.
// Ends it, too, if the process has the address or the thread sanitizer and this copy was built without: which of them
// is said, and how to build the library for it.
void claim_process() noexcept;

}  // namespace gossamer::inline v0::machine
