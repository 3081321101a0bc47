// net: unixpacket, connections over unix sockets whose writes are messages.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::error_of;
using support::net_pair;
using support::scale;

namespace {

std::string fresh_path(const char* name) {
  return "/tmp/gossamer-" + std::to_string(::getpid()) + "-packet-" + name + ".sock";
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The next message, up to `most` of it; the error's text in parentheses.
std::string next(const net::conn& c, std::size_t most = 100) {
  std::string s(most, '\0');
  const auto [n, err] = c.read(s);
  s.resize(n);
  return err ? s + "(" + err.text() + ")" : s;
}

struct packet_pair : net_pair {
  explicit packet_pair(const char* name) : net_pair("unixpacket", fresh_path(name)) {}
};

}  // namespace

FIBER_TEST("net: unixpacket names its network and its ends") {
  const std::string path = fresh_path("names");
  bound_listener l("unixpacket", path);
  CHECK(l.l.addr() == net::unix_addr{path, "unixpacket"});
  CHECK(is_there(path));
  auto [a, e1] = net::dial("unixpacket", path);
  auto [b, e2] = l.l.accept();
  CHECK(a.local_addr() == net::unix_addr{"@", "unixpacket"});
  CHECK(a.remote_addr() == net::unix_addr{path, "unixpacket"});
  CHECK(b.local_addr() == net::unix_addr{path, "unixpacket"});
  CHECK(b.remote_addr() == net::unix_addr{"@", "unixpacket"});
  CHECK(b.remote_addr().network() == "unixpacket");
  net::dialer from;
  from.local_addr = net::unix_addr{"@" + path, "unixpacket"};
  auto [c, e3] = from.dial("unixpacket", path);
  auto [d, e4] = l.l.accept();
  CHECK(d.remote_addr() == from.local_addr);
  CHECK(c.local_addr() == from.local_addr);
  CHECK(l.l.close() == nil);
  CHECK(!is_there(path));
}

FIBER_TEST("net: unixpacket keeps the bounds of messages, and what does not fit into a read is lost") {
  const packet_pair p("bounds");
  CHECK(p.a.write("hello") == net::io_result(5, nil));
  CHECK(p.a.write("x") == net::io_result(1, nil));
  CHECK(p.a.write("last") == net::io_result(4, nil));
  CHECK(next(p.b, 4) == "hell");
  CHECK(next(p.b, 4) == "x");
  CHECK(p.b.write("back") == net::io_result(4, nil));
  CHECK(next(p.b) == "last");
  CHECK(next(p.a) == "back");
}

FIBER_TEST("net: unixpacket sends several buffers as one message") {
  const packet_pair p("buffers");
  CHECK(p.a.writev({"a", "", "bc", "def"}) == net::io_result(6, nil));
  CHECK(p.a.writev({"", "g"}) == net::io_result(1, nil));
  std::string all;
  std::vector<std::string> kept;
  for (int i = 0; i < 1000; ++i) {
    kept.push_back(std::to_string(i));
    all += kept.back();
  }
  std::vector<net::buffer> many;
  for (const std::string& s : kept) {
    many.push_back(std::as_bytes(std::span(s)));
  }
  CHECK(p.a.writev(many) == net::io_result(all.size(), nil));
  CHECK(next(p.b) == "abcdef");
  CHECK(next(p.b) == "g");
  CHECK(next(p.b, 10'000) == all);
}

FIBER_TEST("net: an empty message of unixpacket reads as the end of the stream, and others come behind it") {
  const packet_pair p("empty");
  CHECK(p.a.write("") == net::io_result(0, nil));
  CHECK(p.a.writev({}) == net::io_result(0, nil));
  CHECK(p.a.write("y") == net::io_result(1, nil));
  CHECK(next(p.b) == "(EOF)");
  CHECK(next(p.b) == "(EOF)");
  CHECK(next(p.b) == "y");
  CHECK(next(p.b, 0) == "");
  CHECK(p.a.close_write() == nil);
  CHECK(next(p.b) == "(EOF)");
  CHECK(next(p.b) == "(EOF)");
}

FIBER_TEST("net: a message that unixpacket cannot send is an error, and so is one to a peer that has gone") {
  const packet_pair p("too-long");
  const std::string all(10 << 20, 'x');
  const auto [n, err] = p.a.write(all);
  CHECK(n == 0);
  CHECK((err && err.text() == error_of("write", p.a, "write: message too long")));
  CHECK(errors::is(err, std::errc::message_size));
  CHECK(p.a.write("short") == net::io_result(5, nil));
  CHECK(next(p.b) == "short");
  p.b.close();
  CHECK(p.a.write("x").second.text() == error_of("write", p.a, "write: broken pipe"));
  CHECK(p.b.write("x").second.text() == error_of("write", p.b, "use of closed network connection"));
}

FIBER_TEST("net: a read of unixpacket waits for the next message, a deadline, a close") {
  const packet_pair p("waits");
  support::crew reading;
  std::string got;
  reading.go([&] { got = next(p.b); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(p.a.write("late") == net::io_result(4, nil));
  reading.join();
  CHECK(got == "late");
  CHECK(p.b.set_read_deadline(time::now() - 1s) == nil);
  CHECK(next(p.b) == "(" + error_of("read", p.b, "i/o timeout") + ")");
  CHECK(p.b.set_read_deadline(nil) == nil);
  reading.go([&] { got = next(p.b); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(p.b.close() == nil);
  reading.join();
  CHECK(got == "(" + error_of("read", p.b, "use of closed network connection") + ")");
}

FIBER_TEST("net: many writers of one unixpacket connection, and its messages come whole, more than it can hold") {
  const packet_pair p("many");
  constexpr int writers = 8;
  const int each = scale(200);
  support::crew writing;
  for (int w = 0; w < writers; ++w) {
    writing.go([&, w] {
      for (int i = 0; i < each; ++i) {
        CHECK(p.a.write(std::string(1000 + static_cast<std::size_t>(w), static_cast<char>('a' + w))).second == nil);
      }
    });
  }
  std::vector<int> seen(writers);
  for (int i = 0; i < writers * each; ++i) {
    const std::string s = next(p.b, 2000);
    const auto w = static_cast<std::size_t>(s[0] - 'a');
    CHECK(w < writers);
    CHECK(s == std::string(1000 + w, s[0]));
    ++seen[w % writers];
  }
  CHECK(seen == std::vector<int>(writers, each));
}

FIBER_TEST("net: a copy between unixpacket connections is no splice, which would join messages") {
  const packet_pair from("copy-from");
  const packet_pair to("copy-to");
  support::crew copying;
  io::copied done;
  copying.go([&] { done = io::copy(to.a, from.b); });
  CHECK(from.a.write("first").second == nil);
  CHECK(next(to.b) == "first");
  CHECK(from.a.write("second").second == nil);
  CHECK(from.a.write("third").second == nil);
  CHECK(next(to.b) == "second");
  CHECK(next(to.b) == "third");
  from.a.close();
  copying.join();
  CHECK(done.first == 16);
  CHECK(done.second == nil);
}

FIBER_TEST(
    "net: messages of unixpacket carry descriptors, empty ones too, and none is lost with the end that they read as") {
  const packet_pair p("carries");
  int ends[2];
  CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  const std::vector<std::byte> rights = net::unix_rights({ends[1]});
  const net::msg_written w = p.a.write_msg("two words", rights);
  CHECK(w.n == 9);
  CHECK(w.control_n == rights.size());
  // An empty one: the library sends a byte with it, others need not.
  iovec nothing{};
  msghdr m{};
  m.msg_iov = &nothing;
  m.msg_iovlen = 1;
  m.msg_control = const_cast<std::byte*>(rights.data());
  m.msg_controllen = rights.size();
  CHECK(::sendmsg(p.a.native_handle(), &m, MSG_NOSIGNAL) == 0);
  CHECK(p.a.write_msg("", net::buffer()).err == nil);
  CHECK(p.a.write("last").second == nil);
  const auto receive = [&](std::size_t n, std::string_view error_text) {
    std::string to(100, '\0');
    std::vector<std::byte> control(100);
    const net::msg_read r = p.b.read_msg(to, control);
    CHECK(r.n == n);
    CHECK((r.err ? r.err.text() : "nil") == error_text);
    control.resize(r.control_n);
    const auto messages = net::parse_socket_control_message(control).first;
    for (const net::socket_control_message& each : messages) {
      for (const int number : net::parse_unix_rights(each).first) {
        CHECK(::write(number, "x", 1) == 1);
        ::close(number);
      }
    }
    return messages.size();
  };
  CHECK(receive(9, "nil") == 1);
  CHECK(receive(0, "EOF") == 1);
  CHECK(receive(0, "EOF") == 0);
  CHECK(receive(4, "nil") == 0);
  char written[4];
  CHECK(::read(ends[0], written, sizeof written) == 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

FIBER_TEST("net: a unixpacket socket that somebody else has opened is one of ours") {
  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  auto [a, e1] = net::file_conn(ends[0]);
  auto [b, e2] = net::file_conn(ends[1]);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(a.local_addr().network() == "unixpacket");
  CHECK(a.write("first").second == nil);
  CHECK(a.writev({"sec", "ond"}).second == nil);
  CHECK(next(b) == "first");
  CHECK(next(b) == "second");
}

FIBER_TEST("net: unixpacket meets neither sockets of another kind, nor nobody") {
  const std::string path = fresh_path("kind");
  const auto text_of = [](const error& err) { return err ? err.text() : std::string("nil"); };
  CHECK(text_of(net::dial("unixpacket", path).second) ==
        "dial unixpacket " + path + ": connect: no such file or directory");
  CHECK(text_of(net::dial("unixpacket", "").second) == "dial unixpacket: missing address");
  {
    const bound_listener l("unix", path);
    CHECK(text_of(net::dial("unixpacket", path).second) ==
          "dial unixpacket " + path + ": connect: protocol wrong type for socket");
    net::dialer from;
    from.local_addr = net::unix_addr{"@" + path, "unix"};
    CHECK(text_of(from.dial("unixpacket", path).second) ==
          "dial unixpacket: address @" + path + ": mismatched local address type");
  }
  CHECK(text_of(net::listen_packet("unixpacket", path).second) ==
        "listen unixpacket " + path + ": unexpected address type");
  auto [gram, err] = net::listen_packet("unixgram", path);
  CHECK(text_of(gram.write_to("x", net::unix_addr{path, "unixpacket"}).second) ==
        "write unixgram " + path + "->" + path + ": address family not supported by protocol");
  gram.close();
  CHECK(!is_there(path));
}

FIBER_TEST("net: a listener of unixpacket leaves its file where that is asked for") {
  const std::string path = fresh_path("stays");
  auto [l, err] = net::listen("unixpacket", path);
  CHECK(err == nil);
  l.set_unlink_on_close(false);
  CHECK(l.close() == nil);
  CHECK(is_there(path));
  ::unlink(path.c_str());
  auto [a, e1] = net::listen("unixpacket", "");
  CHECK(e1 == nil);
  CHECK(a.addr().text().starts_with("@"));
  auto [c, e2] = net::dial("unixpacket", a.addr().text());
  CHECK(e2 == nil);
}
