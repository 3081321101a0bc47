// asio/join: an io_context of one's own beside the runtime.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <exception>
#include <source_location>
#include <thread>

#include "../detail/completion.hpp"
#include "../detail/stop.hpp"
#include "../runtime.hpp"

namespace gossamer::inline v0::runtime {

// Runs an io_context that is not the runtime's, as its run() does, until it has no work left, is stopped, or `ended`
// (a context, say) is set, which stops it. The caller waits: a fiber parks. Returns the number of handlers that were
// run; an exception that leaves a handler leaves join(). As with run(), a context that was stopped must be restarted
// first. Several at once: several threads run it.
//
//   go([&] { runtime::join(c, ctx); });
//
// It has a thread of its own, not a worker's: what c's handlers do is not the runtime's affair, and they may block, as
// on any plain thread. (An io_context cannot wait for another; and a fiber that ran it on its own stack could not park
// in a handler, since Asio remembers in the thread which contexts it is in.) That thread goes on when main returns: let
// join() return before. Throws std::system_error where no thread can be made. From a fiber or a plain thread.
inline std::size_t join(boost::asio::io_context& c, wait::stop ended = {},
                        std::source_location where = std::source_location::current()) {
  detail::check_may_wait();
  if (ended.is_set()) {
    return 0;
  }
  std::size_t handlers = 0;
  std::exception_ptr thrown;
  detail::completion over;
  std::thread runs([&] {
    try {
      handlers = c.run();
    } catch (...) {
      thrown = std::current_exception();
    }
    over.finish();
  });
  if (!over.wait(ended, where)) {
    c.stop();
    over.wait({}, where);
  }
  blocking([&] { runs.join(); });
  if (thrown != nullptr) {
    std::rethrow_exception(thrown);
  }
  return handlers;
}

}  // namespace gossamer::inline v0::runtime
