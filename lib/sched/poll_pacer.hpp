// poll_pacer: how often busy workers ask the poller, all together. From any of them; times are the steady clock's, in
// ns. relaxed, throughout: rates only.
#pragma once

#include <atomic>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

class poll_pacer {
 public:
  // A look at the descriptors costs about 160 ns, one at the io_context 210.
  static constexpr detail::deadline descriptor_interval = 20'000;
  static constexpr detail::deadline asio_interval = 100'000;

  constexpr poll_pacer() noexcept = default;

  // True for one worker an interval.
  bool is_due(detail::deadline now) noexcept {
    detail::deadline last = asked_at_.load(std::memory_order_relaxed);
    return now - last >= descriptor_interval && asked_at_.compare_exchange_strong(last, now, std::memory_order_relaxed);
  }
  // By that one: whether it asks the io_context too.
  bool asio_is_due(detail::deadline now) noexcept {
    if (now - asked_asio_at_.load(std::memory_order_relaxed) < asio_interval) {
      return false;
    }
    asked_asio_at_.store(now, std::memory_order_relaxed);
    return true;
  }

 private:
  std::atomic<detail::deadline> asked_at_{0};
  std::atomic<detail::deadline> asked_asio_at_{0};
};

}  // namespace gossamer::inline v0::sched
