// frame_rules: see frame_rules.hpp.
#include "machine/frame_rules.hpp"

#include "machine/unwind_row.hpp"

extern "C" {
[[gnu::visibility("hidden")]] void gossamer_watch(void (*body)(void*), void* argument, void** slot);
[[gnu::visibility("hidden")]] void gossamer_watch_inside(void (*body)(void*), void* argument, void** slot);
}

namespace gossamer::inline v0::machine {

#if defined(__x86_64__)

namespace {

// A word of a stack that is not the caller's, of which the address sanitizer knows nothing.
#if GOSSAMER_ASAN
[[gnu::no_sanitize("address")]]
#endif
std::uintptr_t word_at(std::uintptr_t at) noexcept {
  return *reinterpret_cast<const std::uintptr_t*>(at);
}

template <class Function>
bool is(const void* begin, Function* f) noexcept {
  return begin == reinterpret_cast<const void*>(f);
}

// Reads no stack.
frame_rule rule_at(const void* return_address) noexcept {
  const unwind_row row = unwind_row_at(reinterpret_cast<std::uintptr_t>(return_address) - 1);  // in the call
  frame_rule rule;
  rule.function = row.function;
  if (!row.returns || row.frame_pointer_is == unwind_row::kept::unknown ||
      (row.base != unwind_row::stack_pointer && row.base != unwind_row::frame_pointer)) {
    return rule;
  }
  rule.from = row.base == unwind_row::stack_pointer ? frame_rule::base::stack_pointer : frame_rule::base::frame_pointer;
  rule.size = static_cast<std::int32_t>(row.offset);
  rule.keeps_frame_pointer = row.frame_pointer_is == unwind_row::kept::in_frame;
  rule.kept_at = static_cast<std::int32_t>(row.frame_pointer_at);
  return rule;
}

}  // namespace

const frame_rule& frame_rules::at(const void* return_address) noexcept {
  const auto n = reinterpret_cast<std::uintptr_t>(return_address);
  entry& e = known_[(n ^ (n >> 9U)) % entries];
  if (e.return_address != return_address) {
    e = {return_address, rule_at(return_address)};
  }
  return e.rule;
}

template <class Trace>
bool frame_rules::trace_from(position p, const void* high, Trace& to) noexcept {
  to.clear();
  const auto end = reinterpret_cast<std::uintptr_t>(high);
  for (;;) {
    const auto* const address = reinterpret_cast<const void*>(p.goes_on);
    const frame_rule& rule = at(address);
    if (is(rule.function, &gossamer_watch)) {
      to.end();
      return true;
    }
    if (to.full()) {
      return true;
    }
    const bool by_pointer = rule.from == frame_rule::base::frame_pointer;
    const std::uintptr_t above = (by_pointer ? p.frame_pointer : p.stack) + static_cast<std::uintptr_t>(rule.size);
    // Each frame lies above the one before, with its way back.
    if (rule.from == frame_rule::base::unknown || above < p.stack + sizeof(void*) || above > end ||
        above % sizeof(void*) != 0) {
      to.clear();
      return false;
    }
    if (!is(rule.function, &gossamer_watch_inside)) {
      to.add(const_cast<void*>(address));
    }
    if (rule.keeps_frame_pointer) {
      const std::uintptr_t kept = above + static_cast<std::uintptr_t>(rule.kept_at);
      if (kept < p.stack || kept + sizeof(void*) > above) {
        to.clear();
        return false;
      }
      p.frame_pointer = word_at(kept);
    }
    p.goes_on = word_at(above - sizeof(void*));
    p.stack = above;
  }
}

frame_rules::position frame_rules::caller_of(const void* frame) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(frame);
  return {word_at(at + sizeof(void*)), at + 2 * sizeof(void*), word_at(at)};
}

bool frame_rules::trace(context parked, const void* low, const void* high, stack_trace& to) noexcept {
  const auto register_at = [&](std::size_t i) {
    return word_at(reinterpret_cast<std::uintptr_t>(parked) + saved_registers[i].offset);
  };
  static_assert(saved_registers[5].name[2] == 'p' && saved_registers[6].name[0] == 'r');
  if (reinterpret_cast<std::uintptr_t>(parked) < reinterpret_cast<std::uintptr_t>(low)) {
    to.clear();
    return false;
  }
  return trace_from({register_at(6), reinterpret_cast<std::uintptr_t>(parked) + saved_bytes, register_at(5)}, high, to);
}

bool frame_rules::trace_callers(const void* frame, const void* high, stack_trace& to) noexcept {
  return trace_from(caller_of(frame), high, to);
}

bool frame_rules::trace_callers(const void* frame, const void* high, address_list& to) noexcept {
  return trace_from(caller_of(frame), high, to);
}

#else

bool frame_rules::trace(context, const void*, const void*, stack_trace&) noexcept { return false; }
bool frame_rules::trace_callers(const void*, const void*, stack_trace&) noexcept { return false; }
bool frame_rules::trace_callers(const void*, const void*, address_list&) noexcept { return false; }

#endif

}  // namespace gossamer::inline v0::machine
