// forked: see forked.hpp; and the slow turn of a spin lock, which must not wait for a thread that only the parent has.
#include "base/forked.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdio>

#include "base/fatal.hpp"
#include "gossamer/detail/spin_lock.hpp"

namespace gossamer::inline v0 {

namespace base {

constinit std::atomic<bool> forked_child{false};

namespace {

constinit std::uint64_t forking_fiber = 0;

}  // namespace

void mark_forked_child(std::uint64_t fiber) noexcept {
  forking_fiber = fiber;
  forget_report();  // whoever began one is not here to finish it
  forked_child.store(true, std::memory_order_relaxed);
}

void fatal_in_forked_child() noexcept {
  char text[160];
  if (forking_fiber != 0) {
    std::snprintf(text, sizeof text, "fatal error: the child of a fork() by fiber %llu uses the runtime",
                  static_cast<unsigned long long>(forking_fiber));
  } else {
    std::snprintf(text, sizeof text, "fatal error: the child of a fork() uses the runtime");
  }
  begin_report();
  print_error(text);
  print_error(": after fork() a child may only exec or _exit\n");
  on_fatal();
  ::_exit(2);
}

}  // namespace base

void detail::yield_slice() noexcept {
  base::not_in_forked_child();
  ::sched_yield();
}

}  // namespace gossamer::inline v0
