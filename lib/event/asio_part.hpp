// asio_part: the shared io_context, with our epoll set as one of its descriptors.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <optional>

namespace gossamer::inline v0::event {

class asio_part {
 public:
  // Throws boost::system::system_error.
  explicit asio_part(int epoll);

  boost::asio::io_context& context() noexcept { return context_; }

  // Runs handlers: the first that comes, if it may wait, and some of those that are ready. True if our set has
  // something to report. An exception that leaves a handler is a fatal panic.
  bool run(bool may_wait) noexcept;
  // Our set is to be reported, once.
  void arm() noexcept;
  // Whether it has work besides our set. Runs handlers that are ready. While nobody else polls.
  bool has_work() noexcept;

 private:
  using work_guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  // Its own threads' lock is needed: workers poll at the same time, and anybody may post.
  boost::asio::io_context context_;
  std::optional<work_guard> stay_;  // without it a context that has nothing to do stops
  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> set_;
  std::atomic<bool> armed_{false};
  std::atomic<bool> reported_{false};
};

}  // namespace gossamer::inline v0::event
