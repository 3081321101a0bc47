// running_trace: see running_trace.hpp.
#include "sched/running_trace.hpp"

#include <link.h>

#include <atomic>
#include <new>

#include "machine/frame_rules.hpp"
#include "machine/stack.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::sched {

namespace {

// For one walk at a time: one that finds them in use goes the long way.
class shared_rules {
 public:
  // Of the callers of the function with that frame, which runs in f.
  template <class Trace>
  bool trace(const fiber& f, const void* frame, Trace& to) noexcept {
    if (in_use_.test_and_set(std::memory_order_acquire)) {  // acquire: pairs with the release below
      return false;
    }
    const unsigned long long modules_gone = count_of_modules_gone();
    if (modules_gone != modules_gone_) {
      ::new (&rules_) machine::frame_rules;  // another may lie where one has gone
      modules_gone_ = modules_gone;
    }
    const bool found = rules_.trace_callers(frame, machine::stack_top(f.stack, f.size_class), to);
    in_use_.clear(std::memory_order_release);
    return found;
  }

 private:
  static unsigned long long count_of_modules_gone() noexcept {
    unsigned long long gone = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* result) {
          *static_cast<unsigned long long*>(result) = info->dlpi_subs;
          return 1;
        },
        &gone);
    return gone;
  }

  std::atomic_flag in_use_;
  unsigned long long modules_gone_ = 0;
  machine::frame_rules rules_;
};

constinit shared_rules known_rules;

template <class Trace>
bool trace(const void* frame, Trace& to) noexcept {
  const fiber* const f = this_fiber();
  return f != nullptr && known_rules.trace(*f, frame, to);
}

}  // namespace

bool trace_callers(const void* frame, machine::stack_trace& to) noexcept { return trace(frame, to); }
bool trace_callers(const void* frame, machine::address_list& to) noexcept { return trace(frame, to); }

}  // namespace gossamer::inline v0::sched
