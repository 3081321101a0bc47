// equal_to: std::equal_to without the rest of <functional>, a fifth of what a program that includes gossamer.hpp would
// parse. libstdc++ defines it beside std::less, which <map> brings.
#pragma once

#include <version>

#if defined(__GLIBCXX__)
#include <map>  // IWYU pragma: export
#else
#include <functional>  // IWYU pragma: export
#endif
