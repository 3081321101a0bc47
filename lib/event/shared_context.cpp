// shared_context: see shared_context.hpp.
#include "event/shared_context.hpp"

#include <exception>

#include "base/fatal.hpp"
#include "base/panic_chain.hpp"

namespace gossamer::inline v0::event {

namespace {

// Handlers that one call runs at most: others of the worker's duties come in between.
constexpr int most_handlers = 64;

}  // namespace

void panic_in_handler() noexcept {
  base::begin_report();
  base::print_error(base::panic_chain(std::current_exception()) + "\nin a handler of the runtime's io_context\n");
  base::quit(2);
}

void shared_context::run(bool may_wait, const std::atomic<bool>& enough) noexcept {
  try {
    if (may_wait) {
      context_.run_one();
    }
    // relaxed: it is this thread's own handlers that matter.
    for (int i = 0; i < most_handlers && !enough.load(std::memory_order_relaxed) && context_.poll_one() != 0; ++i) {
    }
  } catch (...) {
    panic_in_handler();
  }
}

// Without the guard the context stops by itself as soon as it has nothing to do.
bool shared_context::has_work() noexcept {
  try {
    for (int i = 0; i < most_handlers && context_.poll_one() != 0; ++i) {
    }
    stay_.reset();
    const bool idle = context_.stopped();
    if (idle) {
      context_.restart();
    }
    stay_.emplace(context_.get_executor());
    return !idle;
  } catch (...) {
    panic_in_handler();
  }
}

}  // namespace gossamer::inline v0::event
