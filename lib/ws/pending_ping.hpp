// pending_ping: a ping whose pong has not come, on the stack of who waits for it.
#pragma once

#include <string>

#include "ws/connection.hpp"

namespace gossamer::inline v0::ws {

// Under the connection's guard.
struct connection::pending_ping {
  std::string payload;
  bool is_answered = false;
  pending_ping* next = nullptr;
};

}  // namespace gossamer::inline v0::ws
