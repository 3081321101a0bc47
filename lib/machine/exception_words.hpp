// exception_words: the two words that the C++ runtime keeps per thread (what is being caught, how many are in flight).
// They belong to a fiber, so they are exchanged at each switch, through a pointer that a worker caches at its start:
// __cxa_get_globals is declared const and compilers keep its result across a switch.
#pragma once

#include <cxxabi.h>

namespace gossamer::inline v0::machine {

// Layout of __cxa_eh_globals, the same in libstdc++ and libc++abi (Itanium C++ ABI, section 2.2.2).
struct exception_words {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

inline exception_words* thread_exception_words() noexcept {
  return reinterpret_cast<exception_words*>(abi::__cxa_get_globals());
}

}  // namespace gossamer::inline v0::machine
