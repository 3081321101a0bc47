// net: from where to where: hosts that are none, addresses of the other kind or version, this machine by its other
// names, time-outs that have passed, and unix sockets' files.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "faults.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::has_ipv6;
using support::net_pair;
using support::read_n;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

std::string dial_text(std::string_view network, std::string_view address, net::addr from = nullptr) {
  net::dialer how;
  how.timeout = support::patience;
  how.local_addr = std::move(from);
  return text_of(how.dial(network, address).second);
}

net::ip address(std::string_view text) { return net::ip::parse(text).value_or(net::ip()); }

std::string fresh_path(const char* name) {
  return "/tmp/gossamer-" + std::to_string(::getpid()) + "-" + name + ".sock";
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

// ---- hosts ----------------------------------------------------------------------------------------------------------

FIBER_TEST("net: what only looks like an address is no host, and nobody is asked for it") {
  const support::hanging_names asked;
  const bound_listener here;
  const std::string port = ":" + std::to_string(here.l.addr().port());
  for (const std::string host : {"0177.0.0.1", "0x7f.1", "0X7F000001", "127.1", "127.0.1", "2130706433", "017700000001",
                                 "127.0.0.01", "127.0.0.1 ", "127.0.0.1 x", "127.0.0.1\n", "127.0.0.1.", "1.2.3.4.5",
                                 "256.0.0.1", "4294967296", "127.0.0.1%lo", "localhost%lo", "0"}) {
    const std::string why = "lookup " + host + ": no such host";
    CHECK(dial_text("tcp", host + port) == "dial tcp: " + why);
    CHECK(dial_text("udp4", host + port) == "dial udp4: " + why);
    CHECK(text_of(net::listen("tcp", host + ":0").second) == "listen tcp: " + why);
    CHECK(text_of(net::listen_packet("udp", host + ":0").second) == "listen udp: " + why);
    CHECK(text_of(net::lookup_ip(host).second) == why);
    const error err = net::lookup_host(host).second;
    CHECK(text_of(err) == why);
    CHECK((err && errors::as<net::dns_error>(err)->not_found()));
  }
  for (const std::string host : {"::ffff:127.1", "fe80::1%no-such-zone", "::1%lo x", "::1x", "1::2::3"}) {
    CHECK(dial_text("tcp", "[" + host + "]" + port) == "dial tcp: lookup " + host + ": no such host");
    CHECK(text_of(net::lookup_ip(host).second) == "lookup " + host + ": no such host");
  }
  CHECK(support::hanging_names::hanging() == 0);
}

FIBER_TEST("net: the look-up of an address gives its text back, that of a number needs no network") {
  for (const std::string same : {"127.0.0.1", "0:0::1", "::ffff:1.2.3.4", "2001:DB8::1", "::127.0.0.1"}) {
    CHECK(net::lookup_host(same) == std::pair(std::vector<std::string>{same}, error()));
  }
  CHECK(net::lookup_port("foo", "80") == std::pair(80, error()));
  CHECK(net::lookup_port("", "+443") == std::pair(443, error()));
  CHECK(net::lookup_port("unix", "") == std::pair(0, error()));
  CHECK(text_of(net::lookup_port("foo", "-1").second) == "address -1: invalid port");
  CHECK(text_of(net::lookup_port("unix", "70000").second) == "address 70000: invalid port");
  CHECK(text_of(net::lookup_port("unix", "http").second) == "address unix: unknown network");
  CHECK(net::lookup_port("", "https") == std::pair(443, error()));
  CHECK(text_of(net::lookup_port("ip", "no-such-service").second) == "lookup ip/no-such-service: unknown port");
}

// ---- this machine, and where from -----------------------------------------------------------------------------------

FIBER_TEST("net: every address of a listener is this machine for who dials it, in the network's version") {
  const bound_listener every("tcp", ":0");
  const std::string port = std::to_string(every.l.addr().port());
  struct {
    const char* network;
    const char* host;
    bool v6;
  } const cases[] = {
      {"tcp4", "[::]", false}, {"tcp4", "0.0.0.0", false}, {"tcp4", "", false}, {"tcp", "0.0.0.0", false},
      {"tcp", "", false},      {"tcp6", "[::]", true},     {"tcp6", "", true},  {"tcp", "[::]", true},
  };
  for (const auto& c : cases) {
    if (c.v6 && !has_ipv6()) {
      continue;
    }
    auto [a, err] = net::dial_timeout(c.network, std::string(c.host) + ":" + port, support::patience);
    CHECK(text_of(err) == "nil");
    CHECK(a.remote_addr().ip().is_loopback());
    CHECK(a.remote_addr().ip().is_v6() == c.v6);
    auto [b, err2] = every.l.accept();
    CHECK(b.local_addr() == a.remote_addr());
    CHECK(b.remote_addr() == a.local_addr());
  }
  CHECK(net::dial("tcp4", every.l.addr().text()).second == nil);
  CHECK(net::listen("tcp4", "[::]:0").second == nil);
  CHECK(dial_text("tcp6", "0.0.0.0:1") == "dial tcp6: address 0.0.0.0: no suitable address found");
  auto [u, err] = net::dial("udp4", "[::]:9");
  CHECK(u.remote_addr() == net::udp_addr{net::ip(127, 0, 0, 1), 9});
}

FIBER_TEST("net: a dial that fails names the address as it was given") {
  CHECK(dial_text("tcp", ":1") == "dial tcp :1: connect: connection refused");
  CHECK(dial_text("tcp", "0.0.0.0:1") == "dial tcp 0.0.0.0:1: connect: connection refused");
  CHECK(dial_text("tcp4", "[::]:1") == "dial tcp4 0.0.0.0:1: connect: connection refused");
  CHECK(dial_text("tcp", ":1", net::tcp_addr{net::ip(127, 0, 0, 1), 0}) ==
        "dial tcp 127.0.0.1:0->:1: connect: connection refused");
  CHECK(text_of(net::listen("unixgram", "/no/such/place").second) ==
        "listen unixgram /no/such/place: unexpected address type");
  CHECK(text_of(net::listen_packet("unix", "/no/such/place").second) ==
        "listen unix /no/such/place: unexpected address type");
}

FIBER_TEST("net: a local address of another kind is refused, one of the other version cannot reach") {
  const bound_listener place;
  const std::string to = place.place();
  CHECK(dial_text("tcp", to, net::udp_addr{}) == "dial tcp: address :0: mismatched local address type");
  CHECK(dial_text("tcp", to, net::unix_addr{"@x"}) == "dial tcp: address @x: mismatched local address type");
  CHECK(dial_text("tcp", to, net::named_addr{"pipe", "p"}) == "dial tcp: address p: mismatched local address type");
  CHECK(dial_text("udp", to, net::tcp_addr{net::ip(127, 0, 0, 1), 0}) ==
        "dial udp: address 127.0.0.1:0: mismatched local address type");
  CHECK(dial_text("unix", "/no/such", net::unix_addr{"@x", "unixgram"}) ==
        "dial unix: address @x: mismatched local address type");
  CHECK(dial_text("unixgram", "/no/such", net::tcp_addr{}) ==
        "dial unixgram: address :0: mismatched local address type");
  CHECK(dial_text("tcp", to, net::tcp_addr{address("::1"), 0}) ==
        "dial tcp: address [::1]:0: no suitable address found");
  CHECK(dial_text("tcp4", to, net::tcp_addr{address("::"), 0}) ==
        "dial tcp4 [::]:0->" + to + ": address ::: non-IPv4 address");
  for (const net::ip any : {net::ip(), net::ip(0, 0, 0, 0), net::ip(127, 0, 0, 1)}) {
    CHECK(dial_text("tcp4", to, net::tcp_addr{any, 0}) == "nil");
    CHECK(dial_text("tcp", to, net::tcp_addr{any, 0}) == "nil");
  }
  if (has_ipv6()) {
    CHECK(dial_text("tcp", to, net::tcp_addr{address("::"), 0}) == "nil");
    const bound_listener six("tcp6", "[::1]:0");
    for (const net::ip any : {net::ip(), net::ip(0, 0, 0, 0), address("::"), address("::1")}) {
      CHECK(dial_text("tcp6", six.place(), net::tcp_addr{any, 0}) == "nil");
      CHECK(dial_text("tcp", six.place(), net::tcp_addr{any, 0}) == "nil");
    }
    CHECK(dial_text("tcp6", six.place(), net::tcp_addr{net::ip(127, 0, 0, 1), 0}) ==
          "dial tcp6: address 127.0.0.1:0: no suitable address found");
  }
}

FIBER_TEST("net: a dial whose time has passed before it begins is over at once, and connects nobody") {
  const support::hanging_names asked;
  const bound_listener place;
  const bound_listener local("unix", fresh_path("passed"));
  net::dialer past;
  past.timeout = -1ns;
  net::dialer long_past;
  long_past.timeout = std::chrono::nanoseconds::min();
  net::dialer before;
  before.deadline = time::now() - 1s;
  for (const net::dialer& how : {past, long_past, before}) {
    const error err = how.dial("tcp", place.place()).second;
    CHECK(text_of(err) == "dial tcp " + place.place() + ": i/o timeout");
    CHECK((err && err.timeout()));
    CHECK(text_of(how.dial("udp", place.place()).second) == "dial udp " + place.place() + ": i/o timeout");
    CHECK(text_of(how.dial("unix", local.place()).second) == "dial unix " + local.place() + ": i/o timeout");
    CHECK(text_of(how.dial("tcp", "localhost:1").second) == "dial tcp: lookup localhost: i/o timeout");
    CHECK(text_of(how.dial("tcp", "nobody.invalid:1").second) == "dial tcp: lookup nobody.invalid: i/o timeout");
    CHECK(how.dial("tcp", "[::]:1").second.timeout());
  }
  CHECK(net::dial_timeout("tcp", place.place(), -1h).second.timeout());
  CHECK(support::hanging_names::hanging() == 0);
  place.l.set_deadline(time::now() - 1ns);
  CHECK(place.l.accept().second.timeout());
  net::dialer none;
  none.deadline = net::time_point();
  CHECK(none.dial("tcp", place.place()).second == nil);
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

FIBER_TEST("net: errors of datagrams name the call that they come from") {
  auto [server, e1] = net::listen_packet("udp", "127.0.0.1:0");
  const net::addr at = server.local_addr();
  auto [c, e2] = net::dial("udp", at.text());
  const net::packet_conn p(static_cast<net::packet_interface*>(c.get()));
  const std::string both = " udp " + c.local_addr().text() + "->" + at.text() + ": ";
  const error again = p.write_to("x", at).second;
  CHECK(text_of(again) == "write" + both + "use of WriteTo with pre-connected connection");
  CHECK(errors::is(again, net::write_to_connected));
  CHECK(text_of(static_cast<net::conn>(server).write("x").second) ==
        "write udp " + at.text() + ": write: destination address required");
  server.close();
  char buf[4];
  CHECK(c.write("x").second == nil);
  CHECK(text_of(c.read(buf).second) == "read" + both + "read: connection refused");
  CHECK(c.write("x").second == nil);
  CHECK(text_of(std::get<2>(p.read_from(buf))) == "read" + both + "recvfrom: connection refused");
}

// ---- files of unix sockets ------------------------------------------------------------------------------------------

FIBER_TEST("net: a unix listener leaves the file of who has taken over its path") {
  const std::string path = fresh_path("taken-over");
  auto [old_one, e1] = net::listen("unix", path);
  ::unlink(path.c_str());
  auto [new_one, e2] = net::listen("unix", path);
  CHECK(e2 == nil);
  CHECK(old_one.close() == nil);
  auto [c, e3] = net::dial("unix", path);
  CHECK(text_of(e3) == "nil");
  CHECK(new_one.close() == nil);
  CHECK(!is_there(path));
  // Also if it is none of a socket.
  std::tie(old_one, e1) = net::listen("unix", path);
  ::unlink(path.c_str());
  CHECK(os::write_file(path, "precious", 0600) == nil);
  CHECK(old_one.close() == nil);
  CHECK(os::read_file(path).first == "precious");
  ::unlink(path.c_str());
}

FIBER_TEST("net: a unixgram socket leaves the file of who has taken over its path") {
  const std::string path = fresh_path("gram-taken-over");
  auto [old_one, e1] = net::listen_packet("unixgram", path);
  ::unlink(path.c_str());
  auto [new_one, e2] = net::listen_packet("unixgram", path);
  CHECK(old_one.close() == nil);
  CHECK(is_there(path));
  auto [c, e3] = net::dial("unixgram", path);
  CHECK(c.write("x") == net::io_result(1, nil));
  char buf[4];
  CHECK(new_one.read(buf) == net::io_result(1, nil));
  new_one = nil;  // the last handle closes it
  CHECK(!is_there(path));
}

FIBER_TEST("net: a unix socket's file stays where that is asked for, and where its number is given away") {
  const std::string path = fresh_path("stays");
  for (const bool given_away : {false, true}) {
    auto [l, e1] = net::listen("unix", path);
    CHECK(e1 == nil);
    if (given_away) {
      ::close(l.release());
    } else {
      l.set_unlink_on_close(false);
    }
    l.close();
    l = nil;
    CHECK(is_there(path));
    ::unlink(path.c_str());
    auto [p, e2] = net::listen_packet("unixgram", path);
    CHECK(e2 == nil);
    if (given_away) {
      ::close(p.release());
    } else {
      p.set_unlink_on_close(false);
    }
    p.close();
    p = nil;
    CHECK(is_there(path));
    ::unlink(path.c_str());
  }
  auto [l, err] = net::listen("unix", path);
  l.set_unlink_on_close(false);
  l.set_unlink_on_close(true);
  l.close();
  CHECK(!is_there(path));
  // Nothing to be removed: no effect.
  net::listener().set_unlink_on_close(true);
  const bound_listener tcp;
  tcp.l.set_unlink_on_close(true);
}

FIBER_TEST("net: an abstract name has no file, may hold zeros, and is not the file of that name") {
  const std::string name = "@" + fresh_path("abstract") + std::string("\0x", 2);
  CHECK(!is_there(name));
  const bound_listener l("unix", name);
  CHECK(l.place() == name);
  auto [c, err] = net::dial("unix", name);
  CHECK(err == nil);
  // The zero may be written as such.
  auto [d, err2] = net::dial("unix", std::string(1, '\0') + name.substr(1));
  CHECK(err2 == nil);
  CHECK(errors::is(net::dial("unix", name.substr(0, name.size() - 2)).second, std::errc::connection_refused));
}

FIBER_TEST("net: a path with a zero in it is refused, not cut off there") {
  const std::string path = fresh_path("zero");
  const std::string zero = path + std::string("\0x", 2);
  CHECK(text_of(net::listen("unix", zero).second) == "listen unix " + zero + ": bind: invalid argument");
  CHECK(text_of(net::listen_packet("unixgram", zero).second) == "listen unixgram " + zero + ": bind: invalid argument");
  CHECK(!is_there(path));
  const bound_listener cut("unix", path);
  CHECK(text_of(net::dial("unix", zero).second) == "dial unix " + zero + ": connect: invalid argument");
  auto [a, err] = net::listen_packet("unixgram", "");
  CHECK(text_of(a.write_to("x", net::unix_addr{zero, "unixgram"}).second) ==
        "write unixgram " + a.local_addr().text() + "->" + zero + ": sendto: invalid argument");
}

// ---- handles --------------------------------------------------------------------------------------------------------

FIBER_TEST("net: what a nil handle and a conn of another kind refuse is said in the kernel's words, in lower case") {
  char buf[1];
  const net::conn none;
  for (const error& err :
       {none.close(), none.close_read(), none.set_deadline(time::now()), none.set_no_delay(true), none.read(buf).second,
        none.write("x").second, none.writev({"x"}).second, net::listener().accept().second, net::listener().close(),
        net::packet_conn().write_to("x", nullptr).second, std::get<2>(net::packet_conn().read_from(buf)),
        os::file().close()}) {
    CHECK(text_of(err) == "invalid argument");
    CHECK(errors::is(err, std::errc::invalid_argument));
  }
  auto [a, b] = net::pipe();
  CHECK(text_of(a.close_read()) == "operation not supported");
  CHECK(text_of(a.set_no_delay(true)) == "operation not supported");
  CHECK(errors::is(a.close_write(), std::errc::operation_not_supported));
}
