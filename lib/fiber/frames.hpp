// frames: how stacks and spawn sites are shown, in every report and dump: Go's layout; without what carries a call from
// the library to the program (closures, std::invoke, std::apply, std::function) and the library's templates; with names
// as people write them. Where GOSSAMER=traceback=...,raw asks for it, everything is shown, as it is called in the
// program.
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

// What a line of a stack is, to one who looks for a fault in the program.
enum class line_kind : std::uint8_t {
  program,  // or of another library
  library,  // a function of ours that the program has called by name
  hidden,   // what carries a call, or is ours inside
  carrier,  // hidden, if the lambda that it carries stands before it; else it is inlined there, and shown
  throwing,
};
line_kind kind_of(const machine::source_line& as_in_program) noexcept;

// What addresses are: looked up once, kept as long as it lives. For one thread.
class names {
 public:
  // Where nobody says it, the environment does.
  names();
  explicit names(bool raw) : raw_(raw) {}

  // As it is called in the program.
  const std::vector<machine::source_line>& of(const void* return_address) { return look_up(return_address).lines; }
  // As it is shown; kinds(): what each of them is.
  const std::vector<machine::source_line>& shown(const void* return_address) { return look_up(return_address).shown; }
  const std::vector<line_kind>& kinds(const void* return_address) { return look_up(return_address).kinds; }
  bool raw() const noexcept { return raw_; }

 private:
  struct entry {
    std::vector<machine::source_line> lines;
    std::vector<machine::source_line> shown;
    std::vector<line_kind> kinds;
  };
  const entry& look_up(const void* return_address);

  bool raw_;
  std::unordered_map<const void*, entry> known_;
};

// A line of a stack, and the address to which it belongs, of which it may be one of several.
struct line {
  const void* address;
  const machine::source_line* source;
  line_kind kind;
};

// The lines of a stack that are shown, innermost first; all of them, where none would be. Where addresses are missing
// behind the first `half` of a machine::stack_trace, *cut is the number of lines before the gap. They live as long as
// `known`.
std::vector<line> lines_of(std::span<const void* const> stack, names& known, std::size_t* cut = nullptr);

// Whether the stack is of a throw of what had been caught before: by `throw;`, or std::rethrow_exception().
bool is_thrown_on(std::span<const void* const> stack, names& known);

// The line of the program's own code that called go().
const machine::source_line& spawner(const void* spawn_site, names& known);

// Where the program called what blocks, `file:line`: that is `where`, unless a header of the system did
// (std::scoped_lock locks mutexes so): then it is the first line of the stack that is none of theirs, and without
// debug information `function +0xOFF`. Empty: not known.
bool is_in_system_header(const std::source_location& where) noexcept;
std::string blocked_at(const std::source_location& where, std::span<const void* const> stack, names& known);

// How wide a line with a function's name gets.
inline constexpr std::size_t columns = 200;

// The name, made to fit in a line that has so many other columns. Unchanged where everything is to be shown.
std::string fitted(const std::string& function, std::size_t others, const names& known);

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
