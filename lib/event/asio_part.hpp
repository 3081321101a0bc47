// asio_part: the shared io_context, with our epoll set as one of its descriptors.
#pragma once

#include <atomic>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "event/shared_context.hpp"

namespace gossamer::inline v0::event {

class asio_part {
 public:
  // Throws boost::system::system_error.
  explicit asio_part(int epoll) : set_(context_.context(), epoll) {}

  boost::asio::io_context& context() noexcept { return context_.context(); }

  // Runs handlers. True if our set has something to report.
  bool run(bool may_wait) noexcept;
  // Our set is to be reported, once.
  void arm() noexcept;
  // Whether it has work besides our set. Runs handlers that are ready. While nobody else polls.
  bool has_work() noexcept;

 private:
  shared_context context_;
  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> set_;
  std::atomic<bool> armed_{false};
  std::atomic<bool> reported_{false};
};

}  // namespace gossamer::inline v0::event
