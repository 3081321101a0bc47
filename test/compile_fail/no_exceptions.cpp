// Without exceptions there is no gossamer, and one sentence says so.
// case flags: -fno-exceptions
#include <gossamer/gossamer.hpp>

#ifdef FAIL_no_exceptions  // error: gossamer needs exceptions .*: build without -fno-exceptions
#endif
