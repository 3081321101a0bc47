// shared_context: the io_context that all share, and how the workers run its handlers.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

namespace gossamer::inline v0::event {

class shared_context {
 public:
  // Throws boost::system::system_error.
  shared_context() : stay_(context_.get_executor()) {}

  boost::asio::io_context& context() noexcept { return context_; }

  // Runs handlers: the first that comes, if it may wait, and some of those that are ready, until `enough` is set: what
  // that stands for must not wait for a handler that does not return. An exception that leaves a handler is a fatal
  // panic.
  void run(bool may_wait, const std::atomic<bool>& enough) noexcept;
  // Whether it has work besides what the caller has cancelled just before. Runs handlers that are ready. While nobody
  // else polls.
  bool has_work() noexcept;

 private:
  using work_guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  // Its own threads' lock is needed: workers poll at the same time, and anybody may post.
  boost::asio::io_context context_;
  std::optional<work_guard> stay_;  // without it a context that has nothing to do stops
};

// As an exception that leaves a fiber. In a catch clause.
[[noreturn]] void panic_in_handler() noexcept;

}  // namespace gossamer::inline v0::event
