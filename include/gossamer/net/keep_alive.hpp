// net/keep_alive: how a silent peer is asked whether it is still there.
// Source: Go's net.KeepAliveConfig.
#pragma once

#include <chrono>

#include "../detail/config.hpp"

namespace gossamer::inline v0::net {

// Of a TCP connection. What is 0 gets the default, what is < 0 stays as the kernel has it. Parts of a second count as
// one. What the kernel does not take (on Linux more than 32,767 s, or 127 probes) fails with `setsockopt: invalid
// argument` in conn::set_keep_alive_config(); of a new connection it is left out, and what stands behind it.
struct keep_alive_config {
  // Whether it is asked at all. In a dialer and a listen_config: whether the rest counts, too.
  bool enable = false;
  // After how long a silence; by default 15 s.
  std::chrono::nanoseconds idle{0};
  // And how often then; by default each 15 s.
  std::chrono::nanoseconds interval{0};
  // After how many without an answer the connection is at its end; by default 9.
  int count = 0;

  friend bool operator==(const keep_alive_config&, const keep_alive_config&) = default;
};

}  // namespace gossamer::inline v0::net
