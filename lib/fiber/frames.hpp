// frames: how stacks and spawn sites are shown, in every report and dump: Go's layout, without the frames of the
// library that lie at both ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "machine/symbols.hpp"
#include "machine/throw_site.hpp"

namespace gossamer::inline v0::frames {

// What addresses are: looked up once, kept as long as it lives. For one thread.
class names {
 public:
  const std::vector<machine::source_line>& of(const void* return_address);

 private:
  std::unordered_map<const void*, std::vector<machine::source_line>> known_;
};

// A line of a stack, and the address to which it belongs, of which it may be one of several.
struct line {
  const void* address;
  const machine::source_line* source;
};

// The lines of a stack, innermost first, without those of parking, throwing and spawning at its ends. Where addresses
// are missing behind the first `half` of a machine::stack_trace, *cut is the number of lines before the gap.
// They live as long as `known`.
std::vector<line> lines_of(std::span<const void* const> stack, names& known, std::size_t* cut = nullptr);

// Whether the stack is of a throw of what had been caught before: by `throw;`, or std::rethrow_exception().
bool is_thrown_on(std::span<const void* const> stack, names& known);

// The line of the program's own code that called go().
const machine::source_line& spawner(const void* spawn_site, names& known);

// `function(...)`, TAB `file:line +0xOFF`, for each line. `where`, unless it is null or empty, is the place of the call
// that blocks: for programs without debug information.
void append(std::string& to, std::span<const void* const> stack, std::size_t elided, names& known,
            const std::source_location* where = nullptr);
// `created by FUNCTION in fiber P`, TAB `file:line +0xOFF`.
void append_origin(std::string& to, const void* spawn_site, std::uint64_t parent, names& known);

// The addresses of a trace, as the above want them.
std::vector<const void*> addresses_of(const machine::stack_trace& trace);

// `0x1f`
std::string hex(std::uintptr_t n);

}  // namespace gossamer::inline v0::frames
