// asio_part: see asio_part.hpp.
#include "event/asio_part.hpp"

namespace gossamer::inline v0::event {

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

// Until the report is taken nothing wakes whoever waits: neither descriptors, nor the interrupt, nor the alarm.
bool asio_part::run(bool may_wait) noexcept {
  arm();
  context_.run(may_wait, reported_);
  return reported_.exchange(false, std::memory_order_acq_rel);
}

bool asio_part::has_work() noexcept {
  boost::system::error_code ignored;
  set_.cancel(ignored);
  const bool has = context_.has_work();
  arm();
  return has;
}

}  // namespace gossamer::inline v0::event
