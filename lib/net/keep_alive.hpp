// keep_alive: see gossamer/net/keep_alive.hpp.
#pragma once

#include <chrono>
#include <cstdint>

#include "gossamer/net/keep_alive.hpp"

namespace gossamer::inline v0::net {

// Each part of a keep_alive_config: 0, or the errno.
int set_keep_alive_idle(int number, std::int64_t nanoseconds) noexcept;
int set_keep_alive_interval(int number, std::int64_t nanoseconds) noexcept;
int set_keep_alive_count(int number, std::int64_t count) noexcept;

// What a dialer or a listen_config says of a new socket: the config, if it is enabled; else `period`, the time until
// the first probe, < 0: none. What is refused is left out.
void keep_alive(int number, const keep_alive_config& config, std::chrono::nanoseconds period) noexcept;

}  // namespace gossamer::inline v0::net
