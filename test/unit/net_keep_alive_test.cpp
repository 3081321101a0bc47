// net: how a silent peer is asked, by connections that have dialed and by those that were accepted.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>

#include <chrono>
#include <string>
#include <tuple>

#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::error_of;
using support::net_pair;

namespace {

int option_of(int number, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(number, level, name, &value, &size);
  return value;
}

// As the kernel has them: seconds, and a number.
struct settings {
  bool on = false;
  int idle = 0;
  int interval = 0;
  int count = 0;

  static settings of(int number) {
    return {option_of(number, SOL_SOCKET, SO_KEEPALIVE) != 0, option_of(number, IPPROTO_TCP, TCP_KEEPIDLE),
            option_of(number, IPPROTO_TCP, TCP_KEEPINTVL), option_of(number, IPPROTO_TCP, TCP_KEEPCNT)};
  }
  static settings of(const net::conn& c) { return of(c.native_handle()); }
  // Of a socket of which nobody has said anything.
  static const settings& usual() {
    static const settings s = [] {
      const int number = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const settings found = of(number);
      ::close(number);
      return found;
    }();
    return s;
  }
  friend bool operator==(const settings&, const settings&) = default;
};

struct config_case {
  net::keep_alive_config config;
  settings wanted;
};

const std::vector<config_case>& cases() {
  const settings& s = settings::usual();
  static const std::vector<config_case> all = {
      {{true, 5s, 3s, 10}, {true, 5, 3, 10}},
      {{true, 0s, 0s, 0}, {true, 15, 15, 9}},
      {{true, -1ns, -1ns, -1}, {true, s.idle, s.interval, s.count}},
      {{true, -1ns, 3s, 10}, {true, s.idle, 3, 10}},
      {{true, 5s, -1ns, 10}, {true, 5, s.interval, 10}},
      {{true, 5s, 3s, -1}, {true, 5, 3, s.count}},
      {{true, 0s, 3s, -1}, {true, 15, 3, s.count}},
      {{true, -1ns, 0s, 7}, {true, s.idle, 15, 7}},
      {{true, 1ns, 1001ms, 1}, {true, 1, 2, 1}},
      {{true, 32767s, 32767s, 127}, {true, 32767, 32767, 127}},
  };
  return all;
}

// What both ends have when one listens so and one dials so.
std::pair<settings, settings> of_both(const net::dialer& dialing, const net::listen_config& listening) {
  auto [l, e1] = listening.listen("tcp", "127.0.0.1:0");
  auto [a, e2] = dialing.dial("tcp", l.addr().text());
  auto [b, e3] = l.accept();
  CHECK((!e1 && !e2 && !e3));
  return {settings::of(a), settings::of(b)};
}

}  // namespace

FIBER_TEST("net: a dialer and a listener set each part of a keep_alive_config, its default, or nothing") {
  for (const auto& [config, wanted] : cases()) {
    net::dialer dialing;
    dialing.keep_alive = -1ns;
    dialing.keep_alive_config = config;
    net::listen_config listening;
    listening.keep_alive = 7s;  // does not count
    listening.keep_alive_config = config;
    const auto [dialed, accepted] = of_both(dialing, listening);
    CHECK((dialed == wanted));
    CHECK((accepted == wanted));
  }
}

FIBER_TEST(
    "net: where no keep_alive_config is enabled the time until the first probe counts, and below zero none is sent") {
  net::dialer dialing;
  net::listen_config listening;
  dialing.keep_alive = 7s;
  dialing.keep_alive_config = {.enable = false, .idle = 99s, .interval = 99s, .count = 99};
  listening.keep_alive = 8500ms;
  auto [dialed, accepted] = of_both(dialing, listening);
  CHECK((dialed == settings{true, 7, 15, 9}));
  CHECK((accepted == settings{true, 9, 15, 9}));
  dialing.keep_alive = -1ns;
  listening.keep_alive = -1ns;
  std::tie(dialed, accepted) = of_both(dialing, listening);
  CHECK((dialed == settings::usual()));
  CHECK((accepted == settings::usual()));
  std::tie(dialed, accepted) = of_both({}, {});
  CHECK((dialed == settings{true, 15, 15, 9}));
  CHECK((accepted == dialed));
}

FIBER_TEST("net: what the kernel does not take of a keep_alive_config is left out of a new connection") {
  net::dialer dialing;
  dialing.keep_alive_config = {.enable = true, .idle = 5s, .interval = 40'000s, .count = 3};
  const auto [dialed, accepted] = of_both(dialing, {});
  CHECK((dialed == settings{true, 5, settings::usual().interval, settings::usual().count}));
}

FIBER_TEST("net: a connection takes a keep_alive_config at any time, switched off too") {
  const net_pair p;
  for (const net::conn& c : {p.a, p.b}) {
    CHECK(c.set_keep_alive_config({true, 5s, 3s, 10}) == nil);
    CHECK((settings::of(c) == settings{true, 5, 3, 10}));
    CHECK(c.set_keep_alive_config({true, -1ns, -1ns, -1}) == nil);
    CHECK((settings::of(c) == settings{true, 5, 3, 10}));
    CHECK(c.set_keep_alive_config({.enable = false, .idle = 6s, .interval = -1ns, .count = 4}) == nil);
    CHECK((settings::of(c) == settings{false, 6, 3, 4}));
    CHECK(c.set_keep_alive_config({.enable = true}) == nil);
    CHECK((settings::of(c) == settings{true, 15, 15, 9}));
    // The period is the time until the first probe alone.
    CHECK(c.set_keep_alive_period(1500ms) == nil);
    CHECK((settings::of(c) == settings{true, 2, 15, 9}));
    CHECK(c.set_keep_alive_period(-1s) == nil);
    CHECK((settings::of(c) == settings{true, 2, 15, 9}));
    CHECK(c.set_keep_alive_period(0s) == nil);
    CHECK((settings::of(c) == settings{true, 15, 15, 9}));
  }
}

FIBER_TEST("net: a part that the kernel refuses is an error, and what stands before it is set") {
  const net_pair p;
  const std::string refused = error_of("set", p.a, "setsockopt: invalid argument");
  CHECK(p.a.set_keep_alive_config({true, 40'000s, 3s, 10}).text() == refused);
  CHECK((settings::of(p.a) == settings{true, 15, 15, 9}));
  CHECK(p.a.set_keep_alive_config({true, 5s, std::chrono::nanoseconds::max(), 10}).text() == refused);
  CHECK((settings::of(p.a) == settings{true, 5, 15, 9}));
  CHECK(p.a.set_keep_alive_config({true, 6s, 3s, 128}).text() == refused);
  CHECK((settings::of(p.a) == settings{true, 6, 3, 9}));
  CHECK(p.a.set_keep_alive_period(40'000s).text() == refused);
  p.a.close();
  CHECK(p.a.set_keep_alive_config({}).text() == error_of("set", p.a, "use of closed network connection"));
  CHECK(net::conn().set_keep_alive_config({}).text() == "invalid argument");
  const auto [c, d] = net::pipe();
  CHECK(c.set_keep_alive_config({.enable = true}).text() == "operation not supported");
}
