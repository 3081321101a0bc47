// net: several datagrams by one call.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;

namespace {

net::packet_conn open(std::string_view network = "udp", std::string_view address = "127.0.0.1:0") {
  auto [c, err] = net::listen_packet(network, address);
  CHECK(err == nil);
  return c;
}

net::buffer bytes_of(std::string_view s) { return std::as_bytes(std::span(s)); }

// Places for so many datagrams of up to 64 bytes.
struct places {
  std::vector<std::array<std::byte, 64>> room;
  std::vector<net::in_message> in;

  explicit places(std::size_t n) : room(n), in(n) {
    for (std::size_t i = 0; i < n; ++i) {
      in[i].to = room[i];
    }
  }
  std::string text(std::size_t i) const { return {reinterpret_cast<const char*>(room[i].data()), in[i].n}; }
};

}  // namespace

FIBER_TEST("net: a batch is written whole and in order, whatever its size") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  const net::packet_conn c = open();
  for (const std::size_t size : {1u, 2u, 31u, 32u, 33u, 64u, 100u}) {
    std::vector<std::string> texts;
    std::vector<net::out_message> out;
    for (std::size_t i = 0; i < size; ++i) {
      texts.push_back("number " + std::to_string(i));
    }
    for (std::size_t i = 0; i < size; ++i) {
      out.push_back({.from = bytes_of(texts[i]), .to = i % 5 == 4 ? c.local_addr() : b.local_addr()});
    }
    auto [n, err] = a.write_batch(out);
    CHECK(n == size);
    CHECK(err == nil);
    places at_b(size);
    places at_c(size);
    std::size_t got_b = 0;
    std::size_t got_c = 0;
    while (got_b < size - size / 5) {
      auto [m, read_err] = b.read_batch(std::span(at_b.in).subspan(got_b));
      CHECK(read_err == nil);
      CHECK(m > 0);
      got_b += m;
    }
    while (got_c < size / 5) {
      auto [m, read_err] = c.read_batch(std::span(at_c.in).subspan(got_c));
      CHECK(read_err == nil);
      got_c += m;
    }
    std::size_t next_b = 0;
    std::size_t next_c = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const bool to_c = i % 5 == 4;
      CHECK((to_c ? at_c.text(next_c++) : at_b.text(next_b++)) == texts[i]);
    }
    CHECK(at_b.in[0].from == a.local_addr());
    CHECK(at_b.in[0].flags == 0);
  }
}

FIBER_TEST("net: a batch that is read takes what is there, and waits only for the first") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  places all(200);
  support::crew reading;
  reading.go([&] {
    std::size_t got = 0;
    while (got < 70) {
      auto [n, err] = b.read_batch(std::span(all.in).subspan(got));
      CHECK(err == nil);
      got += n;
    }
    CHECK(got == 70);
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  for (int i = 0; i < 70; ++i) {
    a.write_to(std::to_string(i), b.local_addr());
  }
  reading.join();
  CHECK(all.text(69) == "69");
  for (int i = 0; i < 70; ++i) {
    a.write_to("", b.local_addr());
  }
  auto [n, err] = b.read_batch(all.in);
  CHECK(n == 70);  // by three system calls
  CHECK(all.in[0].n == 0);
  b.set_read_deadline(time::now() + 2ms);
  auto [none, timed_out] = b.read_batch(all.in);
  CHECK(none == 0);
  CHECK(timed_out.text() == "read udp " + b.local_addr().text() + ": i/o timeout");
}

FIBER_TEST("net: what does not fit is said of each of a batch") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  const std::string long_one(100, 'l');
  const net::out_message out[] = {{.from = bytes_of("short"), .to = b.local_addr()},
                                  {.from = bytes_of(long_one), .to = b.local_addr()},
                                  {.from = bytes_of("x"), .to = b.local_addr()}};
  CHECK(a.write_batch(out).first == 3);
  places all(3);
  std::size_t got = 0;
  while (got < 3) {
    got += b.read_batch(std::span(all.in).subspan(got)).first;
  }
  CHECK(all.in[0].flags == 0);
  CHECK(all.in[1].n == 64);
  CHECK(all.in[1].flags == MSG_TRUNC);
  CHECK(all.text(2) == "x");
}

FIBER_TEST("net: the first of a batch that cannot be sent ends it, and those before it are sent") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  const std::string own = "write udp " + a.local_addr().text();
  const std::string too_long(70'000, 'x');
  std::vector<net::out_message> out(50, {.from = bytes_of("ok"), .to = b.local_addr()});
  out[40].to = nullptr;
  auto [n, err] = a.write_batch(out);
  CHECK(n == 40);
  CHECK(err.text() == own + ": missing address");
  out[40] = {.from = bytes_of(too_long), .to = b.local_addr()};
  std::tie(n, err) = a.write_batch(out);
  CHECK(n == 40);
  CHECK(err.text() == own + "->" + b.local_addr().text() + ": sendmmsg: message too long");
  out[0].to = net::unix_addr{"@x"};
  std::tie(n, err) = a.write_batch(out);
  CHECK(n == 0);
  CHECK(err.text() == own + "->@x: invalid argument");
  places all(100);
  std::size_t got = 0;
  while (got < 80) {
    got += b.read_batch(std::span(all.in).subspan(got)).first;
  }
  CHECK(got == 80);
}

FIBER_TEST("net: a batch that ends in an error does not keep the next write from what there is room for") {
  const std::string name = "@gossamer-" + std::to_string(::getpid()) + "-broken";
  const net::packet_conn a = open("unixgram", name + "-a");
  const net::packet_conn b = open("unixgram", name + "-b");
  a.set_write_deadline(time::now() + support::patience);
  for (int i = 0; i < 3; ++i) {
    const net::out_message out[] = {{.from = bytes_of("ok"), .to = b.local_addr()},
                                    {.from = bytes_of("x"), .to = net::udp_addr{net::ip(127, 0, 0, 1), 1}}};
    CHECK(a.write_batch(out).first == 1);
    CHECK(a.write_to("next", b.local_addr()).second == nil);
  }
}

FIBER_TEST("net: batches of nothing, of nil, of what is closed and of what was dialed") {
  const net::packet_conn a = open();
  CHECK(a.read_batch({}) == std::pair(std::size_t{0}, error()));
  CHECK(a.write_batch({}) == std::pair(std::size_t{0}, error()));
  auto [raw, dial_err] = net::dial("udp", a.local_addr().text());
  auto [c, file_err] = net::file_packet_conn(raw);
  CHECK(file_err == nil);
  const net::out_message to_peer[] = {{.from = bytes_of("1")}, {.from = bytes_of("2")}};
  CHECK(c.write_batch(to_peer) == std::pair(std::size_t{2}, error()));
  const net::out_message to_somebody[] = {{.from = bytes_of("1"), .to = a.local_addr()}};
  CHECK(errors::is(c.write_batch(to_somebody).second, net::write_to_connected));
  a.close();
  places all(1);
  CHECK(errors::is(a.read_batch(all.in).second, net::closed));
  CHECK(errors::is(a.read_batch({}).second, net::closed));
  CHECK(errors::is(a.write_batch(to_somebody).second, net::closed));
  CHECK(errors::is(a.write_batch({}).second, net::closed));
  const net::packet_conn none;
  CHECK(none.read_batch(all.in).second.text() == "invalid argument");
  CHECK(none.write_batch(to_peer).second.text() == "invalid argument");
}

FIBER_TEST("net: a batch of unixgram brings the senders, and waits while the receiver is full") {
  const std::string name = "@gossamer-" + std::to_string(::getpid()) + "-batch";
  const net::packet_conn a = open("unixgram", name + "-a");
  const net::packet_conn b = open("unixgram", name + "-b");
  const std::vector<net::out_message> out(500, {.from = bytes_of("datagram"), .to = b.local_addr()});
  support::crew writing;
  writing.go([&] {
    auto [n, err] = a.write_batch(out);
    CHECK(n == out.size());
    CHECK(err == nil);
  });
  places all(50);
  std::size_t got = 0;
  while (got < out.size()) {
    auto [n, err] = b.read_batch(all.in);
    CHECK(err == nil);
    CHECK(all.in[0].from == a.local_addr());
    CHECK(all.text(n - 1) == "datagram");
    got += n;
  }
  writing.join();
}

FIBER_TEST("net: one datagram is cut into segments by the kernel, and put together again, where it can") {
  const net::packet_conn a = open();
  const net::packet_conn b = open();
  std::vector<std::byte> control;
  net::append_control_message(control, SOL_UDP, UDP_SEGMENT, std::uint16_t{1000});
  const std::string all = support::pattern(3500);
  const net::msg_written sent = a.write_msg(all, control, b.local_addr());
  if (sent.err) {  // a kernel before 4.18
    CHECK(errors::is(sent.err, std::errc::invalid_argument));
    return;
  }
  CHECK(sent.n == all.size());
  std::string got;
  char buf[2000];
  for (const std::size_t expected : {1000u, 1000u, 1000u, 500u}) {
    const auto [n, from, err] = b.read_from(buf);
    CHECK(n == expected);
    got.append(buf, n);
  }
  CHECK(got == all);
  const int on = 1;
  if (::setsockopt(b.native_handle(), SOL_UDP, UDP_GRO, &on, sizeof on) != 0) {
    return;
  }
  CHECK(a.write_msg(all, control, b.local_addr()).err == nil);
  got.clear();
  while (got.size() < all.size()) {
    std::string room(10'000, '\0');
    std::byte told[64];
    net::in_message in[] = {{.to = std::as_writable_bytes(std::span(room)), .control = told}};
    CHECK(b.read_batch(in).first == 1);
    const auto [messages, err] = net::parse_socket_control_message(net::buffer(told).first(in[0].control_n));
    CHECK(err == nil);
    if (in[0].n > 1000) {
      CHECK(messages.size() == 1);
      CHECK(messages.at(0).is(SOL_UDP, UDP_GRO));
      CHECK(messages.at(0).as<int>() == 1000);
    }
    got.append(room, 0, in[0].n);
  }
  CHECK(got == all);
}

FIBER_TEST("net: batches of several fibers do not come between each other") {
  const net::packet_conn a = open("unixgram", "@gossamer-" + std::to_string(::getpid()) + "-several-a");
  const net::packet_conn b = open("unixgram", "@gossamer-" + std::to_string(::getpid()) + "-several-b");
  constexpr std::size_t writers = 4;
  constexpr std::size_t each = 70;
  support::crew writing;
  for (std::size_t w = 0; w < writers; ++w) {
    writing.go([&, w] {
      const std::string own(1, static_cast<char>('a' + w));
      const std::vector<net::out_message> out(each, {.from = bytes_of(own), .to = b.local_addr()});
      CHECK(a.write_batch(out).first == each);
    });
  }
  std::string order;
  while (order.size() < writers * each) {
    places some(16);
    const std::size_t n = b.read_batch(some.in).first;
    for (std::size_t i = 0; i < n; ++i) {
      order += some.text(i);
    }
  }
  writing.join();
  std::set<char> seen;
  for (std::size_t i = 0; i < order.size(); i += each) {
    CHECK(order.substr(i, each) == std::string(each, order[i]));
    seen.insert(order[i]);
  }
  CHECK(seen.size() == writers);
}
