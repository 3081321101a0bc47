// panic_chain: what Go prints of an exception that nobody handles.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include "gossamer/panic.hpp"

namespace gossamer::inline v0::base {

// A C++ name as a person reads it; as it is where it cannot be demangled.
std::string demangled(const char* name);

// What stands after `panic: `: the text of a panic, what() of a std::exception, a string, or the type.
std::string panic_text(const std::exception_ptr& e);

// The frames that threw it, where it is a panic, which carries them; else null.
detail::trace_reference panic_site(const std::exception_ptr& e) noexcept;

// Whether the payload is that of e, or of a panic before it.
bool is_in_chain(std::exception_ptr e, const detail::panic_payload& payload) noexcept;

// Puts `first`, and what stands before it, before the first in the chain of `later`, unless it stands there already. An
// exception that is no panic has no chain: nothing stands before it.
void begin_during(std::exception_ptr later, const std::exception_ptr& first, bool was_recovered) noexcept;

// `panic: TEXT`, after a line for each panic during which it began, the first first; a line but the first begins with a
// TAB. What was recovered, or is nested in a std::nested_exception, is `[recovered]`, and `[recovered, repanicked]`
// where the next one has the same value: that one has no line.
std::string panic_chain(const std::exception_ptr& e);

}  // namespace gossamer::inline v0::base
