// net: datagrams over UDP and unix sockets.
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>

#include <atomic>
#include <string>
#include <thread>

#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::scale;

namespace {

net::packet_conn open(std::string_view network = "udp", std::string_view address = "127.0.0.1:0") {
  auto [c, err] = net::listen_packet(network, address);
  CHECK(err == nil);
  return c;
}

std::string text_of(std::size_t n, const char* buf) { return std::string(buf, n); }

}  // namespace

FIBER_TEST("net: a datagram comes whole, with the address of its sender") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  CHECK(a.write_to("hello", b.local_addr()) == net::io_result(5, nil));
  char buf[100];
  auto [n, from, err] = b.read_from(buf);
  CHECK(err == nil);
  CHECK(text_of(n, buf) == "hello");
  CHECK(from == a.local_addr());
  CHECK(from.network() == "udp");
  CHECK(b.write_to("back", from).second == nil);
  CHECK(a.read(buf).first == 4);
  a.close();
  b.close();
}

FIBER_TEST("net: several datagrams stay several, empty ones too, and what does not fit is lost") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  a.write_to("first", b.local_addr());
  a.write_to("", b.local_addr());
  a.write_to("second", b.local_addr());
  char three[3];
  CHECK(std::get<0>(b.read_from(three)) == 3);
  auto [none, from, err] = b.read_from(three);
  CHECK(none == 0);
  CHECK(err == nil);
  CHECK(from == a.local_addr());
  char buf[100];
  CHECK(std::get<0>(b.read_from(buf)) == 6);
}

FIBER_TEST("net: an address can be taken again as soon as its close has returned") {
  // An address of this process's own, whose ports no other test's sockets are given.
  const int id = ::getpid();
  const std::string own = "127.77." + std::to_string(id >> 8 & 255) + "." + std::to_string(id & 255) + ":0";
  const net::addr at = open("udp", own).local_addr();
  int taken = 0;
  for (int i = 0; i < scale(3000); ++i) {
    auto [p, err] = net::listen_packet("udp", at.text());
    taken += err ? 1 : 0;
    p.close();
  }
  CHECK(taken == 0);
  const auto [first, err] = net::listen("tcp", own);
  const net::addr place = first.addr();
  first.close();
  for (int i = 0; i < scale(1000); ++i) {
    auto [l, failed] = net::listen("tcp", place.text());
    taken += failed ? 1 : 0;
    l.close();
  }
  CHECK(taken == 0);
}

FIBER_TEST("net: a udp connection only knows its peer, and hears that nobody is there") {
  const net::packet_conn server = open();
  auto [c, err] = net::dial("udp", server.local_addr().text());
  CHECK(err == nil);
  CHECK(c.remote_addr() == server.local_addr());
  CHECK(c.write("ping").second == nil);
  char buf[10];
  auto [n, from, read_err] = server.read_from(buf);
  CHECK(n == 4);
  CHECK(from == c.local_addr());
  server.write_to("pong", from);
  CHECK(c.read(buf) == net::io_result(4, nil));
  server.close();
  c.write("ping");
  c.set_read_deadline(time::now() + support::patience);
  CHECK(c.read(buf).second.text() == support::error_of("read", c, "read: connection refused"));
  // Which is over then.
  c.set_read_deadline(time::now() + 5ms);
  CHECK(c.read(buf).second.timeout());
}

FIBER_TEST("net: close and deadlines end what waits for a datagram, contexts too") {
  const net::packet_conn a = open();
  char buf[1];
  a.set_read_deadline(time::now() + 5ms);
  const auto [n, from, err] = a.read_from(buf);
  CHECK(err.text() == "read udp " + a.local_addr().text() + ": i/o timeout");
  a.set_deadline(nil);
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew blocked;
  blocked.go([&, c = ctx] {
    char own[1];
    CHECK(errors::is(std::get<2>(a.read_from(own, c)), net::canceled));
    CHECK(errors::is(std::get<2>(a.read_from(own)), net::closed));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  cancel();
  time::sleep(1ms);
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  a.close();
  blocked.join();
  CHECK(errors::is(a.write_to("x", a.local_addr()).second, net::closed));
}

FIBER_TEST("net: a fiber whose reads and writes need not wait lets others run now and then") {
  const net::packet_conn a = open();
  std::atomic<bool> has_run = false;
  support::crew others;
  others.go([&] { has_run = true; });
  char buf[1];
  for (int i = 0; i < 70; ++i) {  // some hundred microseconds: nobody is set to work in its place
    CHECK(a.write_to("x", a.local_addr()).first == 1);
    CHECK(a.read(buf).first == 1);
  }
  CHECK((has_run.load() || support::width() > 1));
}

FIBER_TEST("net: what cannot be sent is an error that names both ends") {
  const net::packet_conn a = open();
  const net::addr nowhere = net::unix_addr{"@nowhere"};
  CHECK(a.write_to("x", nowhere).second.text() ==
        "write udp " + a.local_addr().text() + "->@nowhere: invalid argument");
  CHECK(a.write_to("x", nullptr).second.text() == "write udp " + a.local_addr().text() + ": invalid argument");
  // Of another network, and of another version.
  CHECK(errors::is(a.write_to("x", net::tcp_addr{net::ip(127, 0, 0, 1), 1}).second, std::errc::invalid_argument));
  const net::packet_conn four = open("udp4", "127.0.0.1:0");
  CHECK(four.write_to("x", net::udp_addr{*net::ip::parse("::1"), 1}).second.text() ==
        "write udp4 " + four.local_addr().text() + "->[::1]:1: address ::1: non-IPv4 address");
  const std::string big(70'000, 'x');
  const net::packet_conn b = open();
  CHECK(a.write_to(big, b.local_addr()).second.text() ==
        "write udp " + a.local_addr().text() + "->" + b.local_addr().text() + ": sendto: message too long");
}

FIBER_TEST("net: unixgram sockets, whose files go with them") {
  const std::string path = "/tmp/gossamer-" + std::to_string(::getpid()) + "-gram.sock";
  {
    const net::packet_conn a = open("unixgram", path);
    const net::packet_conn b = open("unixgram", "@" + path);
    CHECK(::access(path.c_str(), F_OK) == 0);
    CHECK(b.write_to("over unix", a.local_addr()).second == nil);
    char buf[100];
    auto [n, from, err] = a.read_from(buf);
    CHECK(text_of(n, buf) == "over unix");
    CHECK(from.text() == "@" + path);
    auto [c, dial_err] = net::dial("unixgram", path);
    CHECK(dial_err == nil);
    CHECK(c.write("unnamed").first == 7);
    auto [n2, from2, err2] = a.read_from(buf);
    CHECK(n2 == 7);
    CHECK(!from2);
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
}

FIBER_TEST("net: a sender of datagrams waits where its peer's queue is full") {
  const std::string path = "@gossamer-" + std::to_string(::getpid()) + "-full";
  const net::packet_conn server = open("unixgram", path);
  auto [c, err] = net::dial("unixgram", path);
  CHECK(err == nil);
  constexpr int n = 2000;
  support::crew sender;
  sender.go([to = c] {
    for (int i = 0; i < n; ++i) {
      CHECK(to.write(std::to_string(i)).second == nil);
    }
  });
  int wrong = 0;
  for (int i = 0; i < n; ++i) {
    char buf[16];
    auto [len, read_err] = server.read(buf);
    wrong += text_of(len, buf) == std::to_string(i) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

PLAIN_TEST("net: plain threads exchange datagrams") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  std::thread other([&] {
    char buf[10];
    auto [n, from, err] = b.read_from(buf);
    b.write_to(std::span(buf).first(n), from);
  });
  a.write_to("echo", b.local_addr());
  char buf[10];
  CHECK(a.read(buf).first == 4);
  other.join();
}

FIBER_TEST("net: a read into nothing takes no datagram, and writev sends one of all that is not empty") {
  for (const char* network : {"udp", "unixgram"}) {
    const bool is_udp = std::string_view(network) == "udp";
    const net::packet_conn b = open(network, is_udp ? "127.0.0.1:0" : "@gossamer-" + std::to_string(::getpid()));
    const auto [a, err] = net::dial(network, b.local_addr().text());
    REQUIRE(err == nil);
    CHECK(b.read(std::span<char>()) == net::io_result(0, nil));
    CHECK(a.writev({"ab", "", "cd"}) == net::io_result(4, nil));
    CHECK(a.writev({"", ""}) == net::io_result(0, nil));
    CHECK(a.write("next") == net::io_result(4, nil));
    CHECK(b.read(std::span<char>()) == net::io_result(0, nil));
    char buf[100];
    CHECK(text_of(std::get<0>(b.read_from(buf)), buf) == "abcd");
    CHECK(text_of(std::get<0>(b.read_from(buf)), buf) == "next");
    a.close();
    b.close();
    CHECK(errors::is(b.read(std::span<char>()).second, net::closed));
    CHECK(errors::is(a.writev({"", ""}).second, net::closed));
  }
}
