// symbols: what stands at an address of code: function, file and line, with the functions that were inlined there.
//
// From libbacktrace, where the library was built with it, which reads the programs' debug information and local symbols
// at the first question (some 0.1 s for a large program); else the exported names that the dynamic linker knows.
// Never in a signal handler. From any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gossamer::inline v0::machine {

struct source_line {
  std::string function;  // demangled; empty: not known
  std::string file;      // the module where `line` is 0; empty: not known
  int line = 0;
  std::uintptr_t offset =
      0;  // of the address, from where its function begins; from its module, where that is not known
};

// Of a return address: the call stands before it. The innermost inlined function first; at least one.
std::vector<source_line> lines_of(const void* return_address);

// As it is in the program: mangled. Empty: not known.
std::string symbol_of(const void* return_address);

}  // namespace gossamer::inline v0::machine
