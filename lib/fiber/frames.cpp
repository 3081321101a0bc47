// frames: see frames.hpp.
#include "fiber/frames.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gossamer::inline v0::frames {

namespace {

// Whether that is the function's name, or what it begins with. What it returns may stand before it.
bool is_in(std::string_view function, std::string_view name) noexcept {
  const std::size_t at = function.find(name);
  return at != std::string_view::npos && (at == 0 || function[at - 1] == ' ') &&
         function.substr(0, at).find_first_of("(<{") == std::string_view::npos;
}

bool is_in_any(std::string_view function, std::span<const std::string_view> names) noexcept {
  return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return is_in(function, n); });
}

// The frames that throw, in a trace of a throw site; all up to the last of them goes.
constexpr std::array<std::string_view, 5> throwing{"_Unwind_RaiseException", "_Unwind_Resume_or_Rethrow", "__cxa_throw",
                                                   "__cxa_rethrow", "std::rethrow_exception"};
constexpr std::size_t throwing_at_most = 12;

constexpr std::string_view library = "gossamer::v0::";
// What no program has called by name.
constexpr std::array<std::string_view, 11> inner{"gossamer::v0::detail::",
                                                 "gossamer::v0::sched::",
                                                 "gossamer::v0::machine::",
                                                 "gossamer::v0::wait::",
                                                 "gossamer::v0::base::",
                                                 "gossamer::v0::debug::",
                                                 "gossamer::v0::frames::",
                                                 "gossamer::v0::net::wait_in",
                                                 "gossamer::v0::net::operation::",
                                                 "gossamer::v0::sync::blocking::",
                                                 "ontop_fcontext"};
// With and without the namespace, which the debug information leaves out of what was inlined.
constexpr std::array<std::string_view, 10> plumbing{
    "std::__invoke", "__invoke",          "std::invoke",  "invoke<", "std::apply<",
    "apply<",        "std::__apply_impl", "__apply_impl", "go<",     "gossamer_watch"};
constexpr std::array<std::string_view, 4> inner_files{"/gossamer/detail/", "/../detail/", "/gossamer/go.hpp",
                                                      "/net/fd.hpp"};

bool is_from_any(std::string_view file, std::span<const std::string_view> parts) noexcept {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view p) { return file.find(p) != file.npos; });
}

bool is_ours(const machine::source_line& l) noexcept {
  return is_in_any(l.function, inner) || is_in_any(l.function, plumbing) || is_from_any(l.file, inner_files);
}
bool is_ours(const line& l) noexcept { return is_ours(*l.source); }

std::string with_arguments(const std::string& function) {
  if (function.empty()) {
    return "(unknown)(...)";
  }
  return function.find('(') == std::string::npos ? function + "(...)" : function;
}

void append_place(std::string& to, const machine::source_line& l) {
  to += "\t";
  if (!l.file.empty()) {
    to += l.file;
    to += l.line > 0 ? ":" + std::to_string(l.line) : "";
    to += " +";
  }
  to += hex(l.offset) + "\n";
}

}  // namespace

std::string hex(std::uintptr_t n) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(n));
  return text;
}

const std::vector<machine::source_line>& names::of(const void* return_address) {
  auto found = known_.find(return_address);
  if (found == known_.end()) {
    found = known_.emplace(return_address, machine::lines_of(return_address)).first;
  }
  return found->second;
}

std::vector<const void*> addresses_of(const machine::stack_trace& trace) {
  std::vector<const void*> all(trace.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = trace.at(i);
  }
  return all;
}

std::vector<line> lines_of(std::span<const void* const> stack, names& known, std::size_t* cut) {
  std::vector<line> all;
  std::size_t before_gap = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    if (i == machine::stack_trace::half) {
      before_gap = all.size();
    }
    for (const machine::source_line& l : known.of(stack[i])) {
      all.push_back({stack[i], &l});
      if (i < throwing_at_most && is_in_any(l.function, throwing)) {
        first = all.size();
      }
    }
  }
  const std::size_t whole = all.size();
  while (first < all.size() && is_ours(all[first])) {
    ++first;
  }
  while (all.size() > first && is_ours(all.back())) {
    all.pop_back();
  }
  if (first == all.size()) {
    first = 0;  // it has nothing else: better these than none
    all.clear();
    for (const void* address : stack) {
      for (const machine::source_line& l : known.of(address)) {
        all.push_back({address, &l});
      }
    }
  }
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
  if (cut != nullptr) {
    *cut =
        stack.size() > machine::stack_trace::half && before_gap <= whole && before_gap > first ? before_gap - first : 0;
  }
  return all;
}

bool is_thrown_on(std::span<const void* const> stack, names& known) {
  constexpr std::array<std::string_view, 2> again{"__cxa_rethrow", "std::rethrow_exception"};
  const auto throws = stack.first(std::min(stack.size(), throwing_at_most));
  return std::any_of(throws.begin(), throws.end(), [&](const void* address) {
    const std::vector<machine::source_line>& all = known.of(address);
    return std::any_of(all.begin(), all.end(),
                       [&](const machine::source_line& l) { return is_in_any(l.function, again); });
  });
}

const machine::source_line& spawner(const void* spawn_site, names& known) {
  const std::vector<machine::source_line>& all = known.of(spawn_site);
  const auto own = std::find_if(
      all.begin(), all.end(), [](const machine::source_line& l) { return !is_in(l.function, library) && !is_ours(l); });
  return own != all.end() ? *own : all.back();
}

void append(std::string& to, std::span<const void* const> stack, std::size_t elided, names& known,
            const std::source_location* where) {
  std::size_t cut = 0;
  std::size_t n = 0;
  bool placed = where == nullptr || where->line() == 0;
  for (const line& l : lines_of(stack, known, &cut)) {
    if (elided > 0 && n++ == cut) {
      to += "..." + std::to_string(elided) + " frames elided...\n";
    }
    to += with_arguments(l.source->function) + "\n";
    machine::source_line source = *l.source;
    if (!placed && !is_in(source.function, library)) {
      placed = true;
      if (source.line == 0) {
        source.file = where->file_name();
        source.line = static_cast<int>(where->line());
      }
    }
    append_place(to, source);
  }
  if (!placed) {  // no stack, or the call was the last that its caller did, which is not in the stack any more
    to +=
        std::string(where->function_name()) + "\n\t" + where->file_name() + ":" + std::to_string(where->line()) + "\n";
  }
}

void append_origin(std::string& to, const void* spawn_site, std::uint64_t parent, names& known) {
  const machine::source_line& l = spawner(spawn_site, known);
  to += "created by " + (l.function.empty() ? "(unknown)" : l.function) + " in ";
  to += parent == 0 ? std::string("a plain thread") : "fiber " + std::to_string(parent);
  to += "\n";
  append_place(to, l);
}

}  // namespace gossamer::inline v0::frames
