// panic: see gossamer/panic.hpp.
#include "gossamer/panic.hpp"

#include <string>

namespace gossamer::inline v0 {

panic_error::~panic_error() = default;

void panic(std::string_view text) { throw panic_error(std::string(text)); }

}  // namespace gossamer::inline v0
