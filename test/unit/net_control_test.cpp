// net: hooks of dialers and listeners, between a socket's making and its bind or connect.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>

#include <atomic>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "file_behind.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::has_ipv6;
using support::panic_of;

namespace {

const errors::sentinel refused("not that one");

std::string fresh_path(const char* name) {
  return "/tmp/gossamer-" + std::to_string(::getpid()) + "-control-" + name + ".sock";
}

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// What a hook was told: `tcp4 127.0.0.1:80`, one after the other; and the last descriptor.
struct told {
  std::string calls;
  int descriptor = -1;
  support::file_behind file;

  net::control_hook hook(error result = nil) {
    return [this, result](std::string_view network, std::string_view address, int number) -> error {
      calls += (calls.empty() ? "" : ", ") + std::string(network) + " " + std::string(address);
      descriptor = number;
      file = support::file_behind(number);
      CHECK(file.is_known());
      return result;
    };
  }
  bool is_open() const { return file.is_open_as(descriptor); }
};

int option_of(int number, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(number, level, name, &value, &size);
  return value;
}

error set_option(int number, int level, int name, int value) {
  return ::setsockopt(number, level, name, &value, sizeof value) == 0 ? error()
                                                                      : error(os::syscall_error("setsockopt", errno));
}

// A hook that gives the socket a mark that can be seen later.
error prioritise(std::string_view, std::string_view, int number) {
  return set_option(number, SOL_SOCKET, SO_PRIORITY, 5);
}

}  // namespace

// ---- dialers --------------------------------------------------------------------------------------------------------

FIBER_TEST("net: a dialer's hook is told the network with its version, and the address that is dialed") {
  struct {
    const char* network;
    const char* address;
    const char* wanted;
    bool v6 = false;
  } const cases[] = {
      {"tcp", "127.0.0.1:1", "tcp4 127.0.0.1:1"},    {"tcp", ":1", "tcp4 :1"},
      {"tcp4", "127.0.0.1:1", "tcp4 127.0.0.1:1"},   {"tcp", "[::1]:1", "tcp6 [::1]:1", true},
      {"tcp6", "[::1]:1", "tcp6 [::1]:1", true},     {"udp", "127.0.0.1:1", "udp4 127.0.0.1:1"},
      {"udp6", "[::1]:1", "udp6 [::1]:1", true},     {"unix", "/no/such", "unix /no/such"},
      {"unixgram", "@no-such", "unixgram @no-such"}, {"unixpacket", "/no/such", "unixpacket /no/such"},
  };
  for (const auto& c : cases) {
    if (c.v6 && !has_ipv6()) {
      continue;
    }
    told t;
    net::dialer how;
    how.control = t.hook(refused);
    const error err = how.dial(c.network, c.address).second;
    CHECK(t.calls == c.wanted);
    CHECK(text_of(err) == "dial " + std::string(c.network) + " " + c.address + ": not that one");
    CHECK(errors::is(err, refused));
    CHECK(!t.is_open());
  }
  told t;
  net::dialer how;
  how.control = t.hook(refused);
  how.local_addr = net::tcp_addr{net::ip(127, 0, 0, 1), 0};
  CHECK(text_of(how.dial("tcp", "127.0.0.1:1").second) == "dial tcp 127.0.0.1:0->127.0.0.1:1: not that one");
}

FIBER_TEST("net: a dialer's hook sees a socket that is neither bound nor connected, and what it sets stays") {
  const bound_listener tcp;
  const bound_listener local("unix", fresh_path("dial"));
  const bound_listener packets("unixpacket", fresh_path("dial-packets"));
  auto [udp, err] = net::listen_packet("udp", "127.0.0.1:0");
  for (const net::addr& to : {tcp.l.addr(), local.l.addr(), packets.l.addr(), udp.local_addr()}) {
    int calls = 0;
    net::dialer how;
    how.control = [&](std::string_view network, std::string_view address, int number) {
      ++calls;
      CHECK(network.starts_with(to.network()));
      CHECK(address == to.text());
      sockaddr_storage a{};
      socklen_t size = sizeof a;
      CHECK(::getpeername(number, reinterpret_cast<sockaddr*>(&a), &size) != 0);
      size = sizeof a;
      CHECK(::getsockname(number, reinterpret_cast<sockaddr*>(&a), &size) == 0);
      if (a.ss_family == AF_INET) {
        CHECK(reinterpret_cast<const sockaddr_in&>(a).sin_port == 0);
      }
      return prioritise(network, address, number);
    };
    auto [c, e] = how.dial(to.network(), to.text());
    CHECK(text_of(e) == "nil");
    CHECK(calls == 1);
    CHECK(option_of(c.native_handle(), SOL_SOCKET, SO_PRIORITY) == 5);
  }
}

FIBER_TEST("net: control_context is called instead of control, with what ends the call") {
  const bound_listener place;
  auto [ctx, cancel] = context::with_cancel(context::background());
  told never;
  net::dialer how;
  how.control = never.hook();
  int calls = 0;
  how.control_context = [&](const net::ending& end, std::string_view network, std::string_view address, int number) {
    ++calls;
    CHECK(!end.stop().is_set());
    CHECK(network == "tcp4");
    CHECK(address == place.place());
    return prioritise(network, address, number);
  };
  auto [c, err] = how.dial_context(ctx, "tcp", place.place());
  CHECK(text_of(err) == "nil");
  CHECK(option_of(c.native_handle(), SOL_SOCKET, SO_PRIORITY) == 5);
  CHECK(calls == 1);
  CHECK(never.calls.empty());
  // Cancelled in the hook, whose error it is then.
  how.control_context = [&, stop = cancel](const net::ending& end, std::string_view, std::string_view, int) {
    stop();
    CHECK(end.stop().is_set());
    return end.err();
  };
  const error gone = how.dial_context(ctx, "tcp", place.place()).second;
  CHECK(text_of(gone) == "dial tcp " + place.place() + ": operation was canceled");
  CHECK(errors::is(gone, context::canceled));
}

FIBER_TEST("net: a hook may wait, and dial itself") {
  const bound_listener place;
  std::atomic<int> turns = 0;
  net::dialer how;
  how.control = [&](std::string_view, std::string_view, int) -> error {
    const chan<int> ch = make_chan<int>();
    go([&, ch] {
      ++turns;
      ch << 1;
    });
    ch.recv();
    time::sleep(1ms);
    return net::dial("tcp", place.place()).second;
  };
  auto [c, err] = how.dial("tcp", place.place());
  CHECK(text_of(err) == "nil");
  CHECK(turns == 1);
}

FIBER_TEST("net: each address of a name has its own call of the hook, whichever fiber dials it") {
  const bound_listener place;
  std::atomic<int> calls = 0;
  net::dialer how;
  how.timeout = support::patience;
  how.control = [&](std::string_view network, std::string_view address, int number) -> error {
    ++calls;
    CHECK((network == "tcp4" || network == "tcp6"));
    CHECK(address.starts_with(network == "tcp4" ? "127.0.0.1:" : "[::1]:"));
    return prioritise(network, address, number);
  };
  const std::string port = std::to_string(place.l.addr().port());
  for (const auto delay : {std::chrono::nanoseconds(300ms), std::chrono::nanoseconds(-1)}) {
    how.fallback_delay = delay;
    auto [c, err] = how.dial("tcp", "localhost:" + port);
    CHECK(text_of(err) == "nil");
    CHECK(option_of(c.native_handle(), SOL_SOCKET, SO_PRIORITY) == 5);
  }
  CHECK(calls >= 2);
  told t;
  how.control = t.hook(refused);
  CHECK(text_of(how.dial("tcp4", "localhost:" + port).second) == "dial tcp4 127.0.0.1:" + port + ": not that one");
}

FIBER_TEST("net: a dial returns when no hook is at work any more, also that of the address that came too late") {
  if (!has_ipv6()) {
    return;
  }
  const bound_listener place;
  const std::string to = "localhost:" + std::to_string(place.l.addr().port());
  for (int round = 0; round < support::scale(20); ++round) {
    std::atomic<bool> late = false;
    std::atomic<bool> left = false;
    net::dialer how;
    how.fallback_delay = 1us;
    how.control_context = [&](const net::ending& end, std::string_view network, std::string_view, int) -> error {
      if (network == "tcp4") {
        return support::eventually([&] { return late.load(); }) ? error() : error(refused);
      }
      late = true;
      CHECK(support::eventually([&] { return end.stop().is_set(); }));
      time::sleep(1ms);
      left = true;
      return nil;
    };
    CHECK(text_of(how.dial("tcp", to).second) == "nil");
    CHECK(left);
  }
  // Ended by its context.
  auto [ctx, cancel] = context::with_cancel(context::background());
  std::atomic<int> inside = 0;
  net::dialer how;
  how.control_context = [&, stop = cancel](const net::ending& end, std::string_view, std::string_view, int) -> error {
    ++inside;
    stop();
    int v = 0;
    CHECK(make_chan<int>().recv_until(end.stop(), v) == channel_status::ended);
    --inside;
    return nil;
  };
  CHECK(text_of(how.dial_context(ctx, "tcp", to).second).ends_with(": operation was canceled"));
  CHECK(inside == 0);
}

FIBER_TEST("net: what is set in any case is set behind the hook") {
  const bound_listener place;
  net::dialer how;
  how.control = [](std::string_view, std::string_view, int number) -> error {
    CHECK(option_of(number, IPPROTO_TCP, TCP_NODELAY) == 0);
    return set_option(number, IPPROTO_TCP, TCP_KEEPIDLE, 99);
  };
  auto [c, err] = how.dial("tcp", place.place());
  CHECK(option_of(c.native_handle(), IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(c.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE) == 15);
}

// ---- listeners ------------------------------------------------------------------------------------------------------

FIBER_TEST("net: a listener's hook is told where it will listen, and its error leaves nothing there") {
  struct {
    const char* network;
    std::string address;
    std::string wanted;
  } const cases[] = {
      {"tcp", "127.0.0.1:0", "tcp4 127.0.0.1:0"},
      {"tcp4", ":0", "tcp4 :0"},
      {"unix", fresh_path("listen"), "unix " + fresh_path("listen")},
      {"unixpacket", fresh_path("listen"), "unixpacket " + fresh_path("listen")},
      {"udp", "127.0.0.1:0", "udp4 127.0.0.1:0"},
      {"udp4", ":0", "udp4 :0"},
      {"unixgram", fresh_path("listen"), "unixgram " + fresh_path("listen")},
      {"tcp", ":0", has_ipv6() ? "tcp6 :0" : "tcp4 :0"},
      {"udp", ":0", has_ipv6() ? "udp6 :0" : "udp4 :0"},
  };
  for (const auto& c : cases) {
    told t;
    net::listen_config how;
    how.control = t.hook(refused);
    const std::string_view network = c.network;
    const bool packets = network.starts_with("udp") || network == "unixgram";
    const error err = packets ? how.listen_packet(network, c.address).second : how.listen(network, c.address).second;
    CHECK(t.calls == c.wanted);
    CHECK(text_of(err) == "listen " + std::string(network) + " " + c.address + ": not that one");
    CHECK(errors::is(err, refused));
    CHECK(!t.is_open());
  }
  CHECK(::access(fresh_path("listen").c_str(), F_OK) != 0);
}

FIBER_TEST("net: what a listener's hook sets is set before the bind, and is inherited") {
  net::listen_config how;
  how.control = [](std::string_view, std::string_view, int number) {
    error err = set_option(number, SOL_SOCKET, SO_REUSEPORT, 1);
    return err ? err : set_option(number, SOL_SOCKET, SO_PRIORITY, 5);
  };
  auto [l, e1] = how.listen("tcp", "127.0.0.1:0");
  CHECK(text_of(e1) == "nil");
  auto [again, e2] = how.listen("tcp", l.addr().text());
  CHECK(text_of(e2) == "nil");
  CHECK(net::listen("tcp", l.addr().text()).second != nil);
  again.close();
  auto [a, e3] = net::dial("tcp", l.addr().text());
  auto [b, e4] = l.accept();
  CHECK(text_of(e4) == "nil");
  CHECK(option_of(l.native_handle(), SOL_SOCKET, SO_PRIORITY) == 5);
  auto [p, e5] = how.listen_packet("udp", "127.0.0.1:0");
  auto [q, e6] = how.listen_packet("udp", p.local_addr().text());
  CHECK(text_of(e6) == "nil");
  CHECK(option_of(q.native_handle(), SOL_SOCKET, SO_PRIORITY) == 5);
}

FIBER_TEST("net: a socket for datagrams that is bound to an IPv4 address may broadcast, as one that has dialed") {
  auto [bound, e1] = net::listen_packet("udp4", ":0");
  auto [dialed, e2] = net::dial("udp4", "127.0.0.1:9");
  CHECK(option_of(bound.native_handle(), SOL_SOCKET, SO_BROADCAST) == 1);
  CHECK(option_of(dialed.native_handle(), SOL_SOCKET, SO_BROADCAST) == 1);
}

// ---- panics ---------------------------------------------------------------------------------------------------------

FIBER_TEST("net: a hook that panics leaves neither a descriptor nor a file") {
  const bound_listener place;
  int descriptor = -1;
  support::file_behind file;
  const net::control_hook bad = [&](std::string_view, std::string_view, int number) -> error {
    descriptor = number;
    file = support::file_behind(number);
    panic("out of the hook");
  };
  const auto is_closed = [&] { return file.is_known() && !file.is_open_as(descriptor); };
  net::dialer dialing;
  dialing.control = bad;
  net::listen_config listening;
  listening.control = bad;
  const std::string path = fresh_path("panics");
  CHECK(panic_of([&] { dialing.dial("tcp", place.place()); }) == "out of the hook");
  CHECK(is_closed());
  CHECK(panic_of([&] { dialing.dial("udp", place.place()); }) == "out of the hook");
  CHECK(is_closed());
  CHECK(panic_of([&] { listening.listen("tcp", "127.0.0.1:0"); }) == "out of the hook");
  CHECK(is_closed());
  CHECK(panic_of([&] { listening.listen("unix", path); }) == "out of the hook");
  CHECK(is_closed());
  CHECK(panic_of([&] { listening.listen_packet("unixgram", path); }) == "out of the hook");
  CHECK(is_closed());
  CHECK(::access(path.c_str(), F_OK) != 0);
}
