// runtime_error: the panics of the library itself that are runtime errors in Go.
#pragma once

#include <string_view>

#include "config.hpp"

namespace gossamer::inline v0::detail {

// Throws a runtime::error as a panic's value.
[[noreturn]] GOSSAMER_API void throw_runtime_error(std::string_view text);

// Panics as a call of a nil func does in Go.
[[noreturn]] inline void call_of_nil() {
  throw_runtime_error("runtime error: invalid memory address or nil pointer dereference");
}

}  // namespace gossamer::inline v0::detail
