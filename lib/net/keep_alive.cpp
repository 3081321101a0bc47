// keep_alive: see keep_alive.hpp.
#include "net/keep_alive.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cassert>
#include <limits>

#include "net/socket_option.hpp"

namespace gossamer::inline v0::net {

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t default_silence = 15 * second;
constexpr std::int64_t default_count = 9;

// Whether the kernel takes it is the kernel's affair.
int as_int(std::int64_t n) noexcept {
  assert(n > 0);
  return static_cast<int>(std::min<std::int64_t>(n, std::numeric_limits<int>::max()));
}

// 0: the default, < 0: nothing happens.
int set_seconds(int number, int name, std::int64_t nanoseconds) noexcept {
  if (nanoseconds < 0) {
    return 0;
  }
  const std::int64_t n = nanoseconds > 0 ? nanoseconds : default_silence;
  return set_number(number, IPPROTO_TCP, name, as_int(n / second + (n % second > 0 ? 1 : 0)));
}

}  // namespace

int set_keep_alive_idle(int number, std::int64_t nanoseconds) noexcept {
  return set_seconds(number, TCP_KEEPIDLE, nanoseconds);
}

int set_keep_alive_interval(int number, std::int64_t nanoseconds) noexcept {
  return set_seconds(number, TCP_KEEPINTVL, nanoseconds);
}

int set_keep_alive_count(int number, std::int64_t count) noexcept {
  return count < 0 ? 0 : set_number(number, IPPROTO_TCP, TCP_KEEPCNT, as_int(count > 0 ? count : default_count));
}

void keep_alive(int number, const keep_alive_config& config, std::chrono::nanoseconds period) noexcept {
  const keep_alive_config c = config.enable ? config : keep_alive_config{.enable = period.count() >= 0, .idle = period};
  if (!c.enable || set_number(number, SOL_SOCKET, SO_KEEPALIVE, 1) != 0) {
    return;
  }
  if (set_keep_alive_idle(number, c.idle.count()) == 0 && set_keep_alive_interval(number, c.interval.count()) == 0) {
    static_cast<void>(set_keep_alive_count(number, c.count));
  }
}

}  // namespace gossamer::inline v0::net
