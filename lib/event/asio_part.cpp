// asio_part: see asio_part.hpp. All of Asio that the runtime itself uses is here.
#include "event/asio_part.hpp"

#include <unistd.h>

#include <exception>

#include "base/fatal.hpp"
#include "base/panic_chain.hpp"

namespace gossamer::inline v0::event {

namespace {

// Handlers that one call runs at most: others of the worker's duties come in between.
constexpr int most_handlers = 64;

// As an exception that leaves a fiber.
[[noreturn]] void panic_in_handler() noexcept {
  base::begin_report();
  base::print_error(base::panic_chain(std::current_exception()) + "\nin a handler of the runtime's io_context\n");
  base::quit(2);
}

}  // namespace

asio_part::asio_part(int epoll) : stay_(context_.get_executor()), set_(context_, epoll) {}

// Under no lock: whoever turns armed_ on has the descriptor for itself.
void asio_part::arm() noexcept {
  // acquire: pairs with the release below; the last wait is over.
  if (armed_.exchange(true, std::memory_order_acquire)) {
    return;
  }
  try {
    set_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& problem) {
      armed_.store(false, std::memory_order_release);
      if (!problem) {
        // After armed_: whoever takes the report arms again.
        reported_.store(true, std::memory_order_release);
      }
    });
  } catch (...) {
    panic_in_handler();
  }
}

bool asio_part::run(bool may_wait) noexcept {
  arm();
  try {
    if (may_wait) {
      context_.run_one();
    }
    for (int i = 0; i < most_handlers && context_.poll_one() != 0; ++i) {
    }
  } catch (...) {
    panic_in_handler();
  }
  return reported_.exchange(false, std::memory_order_acq_rel);
}

// Without our own wait the context stops by itself as soon as it has nothing else to do.
bool asio_part::has_work() noexcept {
  try {
    boost::system::error_code ignored;
    set_.cancel(ignored);
    for (int i = 0; i < most_handlers && context_.poll_one() != 0; ++i) {
    }
    stay_.reset();
    const bool idle = context_.stopped();
    if (idle) {
      context_.restart();
    }
    stay_.emplace(context_.get_executor());
    arm();
    return !idle;
  } catch (...) {
    panic_in_handler();
  }
}

}  // namespace gossamer::inline v0::event
