// held_answers: answers to pipelined requests, kept to be sent together.
#pragma once

#include <cstddef>
#include <string>

#include "gossamer/net/conn.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/sync/wait_group.hpp"

namespace gossamer::inline v0::http {

// While a client's next request is there already, the answer to the last one need not go out by itself: a system call
// for several is cheaper than one for each. A slow handler must not keep answers back that are complete. So with the
// first that is held a fiber is started that sends what is held then: it runs as soon as the connection's own fiber
// waits for anything, or is overdue on another worker. Mostly the connection comes first, when it has answered all, and
// that fiber finds nothing.
//
// All calls are made by the connection's fiber.
class held_answers {
 public:
  explicit held_answers(const net::conn& to) noexcept : to_(to) {}
  held_answers(const held_answers&) = delete;
  held_answers& operator=(const held_answers&) = delete;

  // Takes what `answer` holds, behind what is held already. False, and nothing is taken: there is too much.
  bool hold(std::string& answer);
  // Sends what is held. Whatever else is written must come after it. The error is that of the first write that failed.
  gossamer::error send();
  // The same, and waits for the fiber.
  void end();

 private:
  // Sockets have room for so much, mostly.
  static constexpr std::size_t most = 16 * 1024;
  void send_locked();

  const net::conn& to_;
  bool may_hold_ = false;  // false: nothing is held, and no fiber at work; the connection's fiber alone looks at it
  sync::mutex lock_;
  // Under the lock.
  std::string text_;
  bool has_fiber_ = false;
  gossamer::error failed_;
  sync::wait_group fiber_;
};

}  // namespace gossamer::inline v0::http
