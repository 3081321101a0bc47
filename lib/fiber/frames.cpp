// frames: see frames.hpp.
#include "fiber/frames.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/knob.hpp"
#include "machine/function_name.hpp"

namespace gossamer::inline v0::frames {

namespace {

bool begins_with(std::string_view text, std::string_view with) noexcept { return text.substr(0, with.size()) == with; }

bool begins_with_any(std::string_view text, std::span<const std::string_view> all) noexcept {
  return std::any_of(all.begin(), all.end(), [&](std::string_view one) { return begins_with(text, one); });
}

// The frames that throw, in a trace of a throw site; all up to the last of them goes.
constexpr std::array<std::string_view, 5> throwing{"_Unwind_RaiseException", "_Unwind_Resume_or_Rethrow", "__cxa_throw",
                                                   "__cxa_rethrow", "std::rethrow_exception"};
constexpr std::size_t throwing_at_most = 12;

constexpr std::string_view library = "gossamer::v0::";
// What no program has called by name.
constexpr std::array<std::string_view, 9> inner{
    "detail::", "sched::", "machine::", "wait::", "base::", "debug::", "frames::", "hook::", "net::operation::"};
constexpr std::array<std::string_view, 2> outside{"ontop_fcontext", "gossamer_watch"};

// What carries a call, of the standard libraries.
constexpr std::array<std::string_view, 2> standard{"std::", "std::__1::"};
constexpr std::array<std::string_view, 28> carriers{"__invoke",
                                                    "invoke<",
                                                    "invoke_r<",
                                                    "apply<",
                                                    "__apply_impl",
                                                    "__apply_tuple_impl",
                                                    "function<",
                                                    "_Function_",
                                                    "__function::",
                                                    "_Bind",
                                                    "bind<",
                                                    "bind_front",
                                                    "bind_back",
                                                    "move_only_function<",
                                                    "_Mofunc_base",
                                                    "copyable_function<",
                                                    "function_ref<",
                                                    "_Not_fn<",
                                                    "reference_wrapper<",
                                                    "_Mem_fn",
                                                    "visit<",
                                                    "__do_visit<",
                                                    "__detail::__variant::",
                                                    "__variant_detail::",
                                                    "thread::_Invoker",
                                                    "thread::_State_impl",
                                                    "mem_fn<",
                                                    "call_once<"};
// Those into which the lambda that they carry is inlined.
constexpr std::array<std::string_view, 5> bodies{"gossamer::detail::invoke_in_place<",
                                                 "gossamer::detail::invoke_on_heap<", "gossamer::run<",
                                                 "std::_Function_handler<", "std::__invoke_impl<"};
// Carriers, where the debug information leaves the namespace out.
constexpr std::array<std::string_view, 10> bare_carriers{"__invoke",     "invoke<",   "invoke_r<", "apply<",
                                                         "__apply_impl", "_M_invoke", "visit<",    "__do_visit<",
                                                         "call_once<",   "go<"};

bool is_in(std::string_view file, std::string_view part) noexcept { return file.find(part) != file.npos; }

bool is_of_standard_library(std::string_view file) noexcept { return is_in(file, "/include/c++/"); }

bool is_header_of_ours(std::string_view file) noexcept {
  return is_in(file, "include/gossamer/") && file.size() > 4 && file.substr(file.size() - 4) == ".hpp";
}

// Of the function `path`, without `gossamer::v0::`: a template or a local function, an operator, or what has a
// parameter that only the library can give.
bool is_inside(std::string_view path, std::string_view arguments, std::string_view file) noexcept {
  return begins_with_any(path, inner) || path.find_first_of("<{$") != path.npos || is_in(path, "operator") ||
         is_in(arguments, "gossamer::v0::wait::") || is_in(file, "/gossamer/detail/") || is_in(file, "/../detail/") ||
         is_in(file, "/gossamer/go.hpp");
}

std::string with_arguments(const std::string& function) {
  if (function.empty()) {
    return "(unknown)(...)";
  }
  return function.find('(') == std::string::npos ? function + "(...)" : function;
}

bool is_hidden(const line& l) noexcept { return l.kind == line_kind::hidden || l.kind == line_kind::throwing; }

// Of the last line, a carrier: whether its lambda is the line before it that is shown.
bool carries_inner(const std::vector<line>& all) noexcept {
  const auto before = std::find_if(all.rbegin() + 1, all.rend(), [](const line& l) { return !is_hidden(l); });
  const std::string_view lambda = all.back().source->function;
  return before != all.rend() && begins_with(before->source->function, lambda.substr(0, lambda.rfind("(...)")));
}

std::size_t lines_before_gap(std::span<const void* const> stack, names& known) {
  std::size_t n = 0;
  for (const void* address : stack.first(std::min(stack.size(), machine::stack_trace::half))) {
    n += known.shown(address).size();
  }
  return n;
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

line_kind kind_of(const machine::source_line& as_in_program) noexcept {
  const machine::function_parts parts = machine::parts_of(as_in_program.function);
  std::string_view path = parts.path;
  if (begins_with_any(path, throwing)) {
    return line_kind::throwing;
  }
  if (begins_with_any(path, outside)) {
    return line_kind::hidden;
  }
  if (begins_with(path, library)) {
    path.remove_prefix(library.size());
    return is_inside(path, parts.arguments, as_in_program.file) ? line_kind::hidden : line_kind::library;
  }
  for (const std::string_view s : standard) {
    if (begins_with(path, s) && begins_with_any(path.substr(s.size()), carriers)) {
      return line_kind::hidden;
    }
  }
  // The debug information may leave out what a function that was inlined is a member of.
  const bool is_bare = path.substr(0, path.find('<')).find("::") == path.npos;
  const bool is_carrier = is_of_standard_library(as_in_program.file) && begins_with_any(path, bare_carriers);
  const bool is_ours = is_header_of_ours(as_in_program.file) || is_in(as_in_program.file, "lib/net/fd.hpp");
  return is_bare && !path.empty() && (is_carrier || is_ours) ? line_kind::hidden : line_kind::program;
}

names::names() : raw_(base::the_knob().raw) {}

const names::entry& names::look_up(const void* return_address) {
  auto found = known_.find(return_address);
  if (found == known_.end()) {
    entry e;
    e.lines = machine::lines_of(return_address);
    e.shown = e.lines;
    for (machine::source_line& l : e.shown) {
      e.kinds.push_back(kind_of(l));
      l.function = raw_ ? l.function : machine::short_name(l.function);
      if (e.kinds.back() == line_kind::hidden && l.line == 0 && !raw_ && begins_with_any(l.function, bodies)) {
        // No debug information tells of what is inlined.
        if (const std::string lambda = machine::lambda_in(l.function); !lambda.empty()) {
          l.function = lambda + "(...)";
          e.kinds.back() = line_kind::carrier;
        }
      }
    }
    found = known_.emplace(return_address, std::move(e)).first;
  }
  return found->second;
}

std::string fitted(const std::string& function, std::size_t others, const names& known) {
  constexpr std::size_t least = 40;
  return known.raw() ? function : machine::fitted(function, std::max(columns - std::min(columns, others), least));
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
  std::size_t before_gap = 0;  // of those that are shown
  std::size_t shown = 0;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    before_gap = i == machine::stack_trace::half ? shown : before_gap;
    const auto& lines = known.shown(stack[i]);
    const auto& kinds = known.kinds(stack[i]);
    for (std::size_t n = 0; n < lines.size(); ++n) {
      if (kinds[n] == line_kind::throwing && i < throwing_at_most && !known.raw()) {
        std::for_each(all.begin(), all.end(), [](line& l) { l.kind = line_kind::throwing; });
        shown = 0;
      }
      all.push_back({stack[i], &lines[n], kinds[n]});
      if (kinds[n] == line_kind::carrier) {
        all.back().kind = carries_inner(all) ? line_kind::hidden : line_kind::program;
      }
      shown += is_hidden(all.back()) ? 0 : 1;
    }
  }
  const bool some = shown > 0 && !known.raw();  // else better those that are hidden than none
  if (some) {
    std::erase_if(all, is_hidden);
  }
  if (cut != nullptr) {
    *cut = stack.size() <= machine::stack_trace::half ? 0 : some ? before_gap : lines_before_gap(stack, known);
  }
  return all;
}

bool is_thrown_on(std::span<const void* const> stack, names& known) {
  constexpr std::array<std::string_view, 2> again{"__cxa_rethrow", "std::rethrow_exception"};
  const auto throws = stack.first(std::min(stack.size(), throwing_at_most));
  return std::any_of(throws.begin(), throws.end(), [&](const void* address) {
    const std::vector<machine::source_line>& all = known.of(address);
    return std::any_of(all.begin(), all.end(),
                       [&](const machine::source_line& l) { return begins_with_any(l.function, again); });
  });
}

const machine::source_line& spawner(const void* spawn_site, names& known) {
  const auto& kinds = known.kinds(spawn_site);
  const auto& lines = known.shown(spawn_site);
  const auto own = std::find_if(kinds.begin(), kinds.end(),
                                [](line_kind k) { return k == line_kind::program || k == line_kind::carrier; });
  return own != kinds.end() ? lines[static_cast<std::size_t>(own - kinds.begin())] : lines.back();
}

namespace {

bool is_system_header(std::string_view file) noexcept {
  return is_of_standard_library(file) || begins_with(file, "/usr/include/");
}

std::string place(std::string_view file, std::uint_least32_t line) {
  return line == 0 ? std::string() : std::string(file) + ":" + std::to_string(line);
}

}  // namespace

bool is_in_system_header(const std::source_location& where) noexcept { return is_system_header(where.file_name()); }

std::string blocked_at(const std::source_location& where, std::span<const void* const> stack, names& known) {
  if (is_in_system_header(where)) {
    for (const line& l : lines_of(stack, known)) {
      const machine::source_line& s = *l.source;
      if (l.kind != line_kind::program || s.function.empty() ||
          (s.line > 0 ? is_system_header(s.file) : begins_with(machine::parts_of(s.function).path, "std::"))) {
        continue;
      }
      return s.line > 0 ? place(s.file, static_cast<std::uint_least32_t>(s.line)) : s.function + " +" + hex(s.offset);
    }
  }
  return place(where.file_name(), where.line());
}

void append(std::string& to, std::span<const void* const> stack, std::size_t elided, names& known,
            const std::source_location* where) {
  std::size_t cut = 0;
  std::size_t n = 0;
  bool placed = where == nullptr || where->line() == 0;
  std::vector<line> lines = lines_of(stack, known, &cut);
  if (!placed && !known.raw() && std::all_of(lines.begin(), lines.end(), is_hidden)) {
    lines.clear();  // the place of the call says more
  }
  for (const line& l : lines) {
    if (elided > 0 && n++ == cut) {
      to += "..." + std::to_string(elided) + " frames elided...\n";
    }
    to += fitted(with_arguments(l.source->function), 0, known) + "\n";
    machine::source_line source = *l.source;
    if (!placed && l.kind == line_kind::program) {
      placed = true;
      if (source.line == 0) {
        source.file = where->file_name();
        source.line = static_cast<int>(where->line());
      }
    }
    append_place(to, source);
  }
  if (!placed) {  // no stack, or the call was the last that its caller did, which is not in the stack any more
    const std::string caller = known.raw() ? where->function_name() : machine::short_name(where->function_name());
    to += fitted(caller, 0, known) + "\n\t" + where->file_name() + ":" + std::to_string(where->line()) + "\n";
  }
}

void append_origin(std::string& to, const void* spawn_site, std::uint64_t parent, names& known) {
  const machine::source_line& l = spawner(spawn_site, known);
  const std::string by = parent == 0 ? std::string("a plain thread") : "fiber " + std::to_string(parent);
  constexpr std::size_t words = sizeof "created by  in " - 1;
  to += "created by " + (l.function.empty() ? "(unknown)" : fitted(l.function, words + by.size(), known)) + " in " +
        by + "\n";
  append_place(to, l);
}

}  // namespace gossamer::inline v0::frames
