// Without run-time type information there is no gossamer, and one sentence says so.
// case flags: -fno-rtti
#include <gossamer/gossamer.hpp>

#ifdef FAIL_no_rtti  // error: gossamer needs run-time type information .*: build without -fno-rtti
#endif
