// function_name: demangled names of functions, as people write them. Pure text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gossamer::inline v0::machine {

// `main::{lambda()#1}::operator()` and `(int)` of `auto main::{lambda()#1}::operator()(int) const [clone .cold]`.
struct function_parts {
  std::string_view path;       // without what it returns
  std::string_view arguments;  // with their parentheses; empty: the name has none
};
function_parts parts_of(std::string_view demangled) noexcept;

// Without what it returns, its qualifiers, what a compiler adds to it (`[clone .cold]`, `.constprop.0`), inline
// namespaces (`gossamer::v0`, `std::__cxx11`), template arguments that are the default, and the parameters of functions
// that it is local to: `std::string`, `std::map<int, std::string>`, `std::chrono::nanoseconds`; a lambda's call
// operator is `main::{lambda(int)#1}(int)`. Names of g++, clang, and __PRETTY_FUNCTION__.
std::string short_name(std::string_view demangled);

// The first lambda of the program's among the template arguments of a short name; empty: there is none.
std::string lambda_in(std::string_view shortened);

// A name in so many columns at most: the innermost arguments become `...` first; then the middle is cut.
std::string fitted(std::string name, std::size_t columns);

}  // namespace gossamer::inline v0::machine
