// panic_chain: what Go prints of an exception that nobody handles.
#pragma once

#include <exception>
#include <string>

namespace gossamer::inline v0::base {

// A C++ name as a person reads it; as it is where it cannot be demangled.
std::string demangled(const char* name);

// What stands after `panic: `: the text of a panic, what() of a std::exception, a string, or the type.
std::string panic_text(const std::exception_ptr& e);

// `panic: TEXT`, after a line for each panic during which it began, the first first; a line but the first begins with a
// TAB, and what was recovered, or is nested in a std::nested_exception, is `[recovered]`.
std::string panic_chain(const std::exception_ptr& e);

}  // namespace gossamer::inline v0::base
