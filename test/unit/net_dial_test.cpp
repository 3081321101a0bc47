// net: dialing and listening, addresses, names, and what goes wrong with them.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>

#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::contains;
using support::eventually;
using support::has_ipv6;
using support::net_pair;
using support::read_n;
using support::scale;

namespace {

// A place on loopback where nobody listens.
std::string nobodys_place() {
  const bound_listener l;
  return l.place();
}

// A listener whose queue is full: whoever dials it gets no answer.
struct blackhole {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> waiting;
  std::string place;

  blackhole() {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    ::bind(fd, reinterpret_cast<sockaddr*>(&a), size);
    ::listen(fd, 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    place = "127.0.0.1:" + std::to_string(ntohs(a.sin_port));
    for (int i = 0; i < 8; ++i) {
      const int c = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(c, reinterpret_cast<sockaddr*>(&a), size);
      waiting.push_back(c);
    }
  }
  blackhole(const blackhole&) = delete;
  blackhole& operator=(const blackhole&) = delete;
  ~blackhole() {
    for (const int c : waiting) {
      ::close(c);
    }
    ::close(fd);
  }
};

}  // namespace

// ---- addresses ------------------------------------------------------------------------------------------------------

PLAIN_TEST("net: split_host_port takes addresses apart") {
  struct {
    const char* address;
    const char* host;
    const char* port;
    const char* err;
  } const cases[] = {
      {"localhost:http", "localhost", "http", ""},
      {"127.0.0.1:80", "127.0.0.1", "80", ""},
      {":80", "", "80", ""},
      {"host:", "host", "", ""},
      {"[::1]:80", "::1", "80", ""},
      {"[fe80::1%lo]:80", "fe80::1%lo", "80", ""},
      {"", "", "", "missing port in address"},
      {"127.0.0.1", "", "", "address 127.0.0.1: missing port in address"},
      {"[::1]", "", "", "address [::1]: missing port in address"},
      {"::1:80", "", "", "address ::1:80: too many colons in address"},
      {"[::1]:80:90", "", "", "address [::1]:80:90: too many colons in address"},
      {"[::1:80", "", "", "address [::1:80: missing ']' in address"},
      {"[::1]80:90", "", "", "address [::1]80:90: missing port in address"},
      {"a[b:80", "", "", "address a[b:80: unexpected '[' in address"},
      {"a]b:80", "", "", "address a]b:80: unexpected ']' in address"},
      {"[[a]:80", "", "", "address [[a]:80: unexpected '[' in address"},
      {"[a]:8]0", "", "", "address [a]:8]0: unexpected ']' in address"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.address);
    const auto [host, port, err] = net::split_host_port(c.address);
    CHECK(host == c.host);
    CHECK(port == c.port);
    CHECK((err ? err.text() : "") == c.err);
  }
  CHECK(net::join_host_port("a", "80") == "a:80");
  CHECK(net::join_host_port("::1", "80") == "[::1]:80");
  CHECK(net::join_host_port("", "http") == ":http");
}

PLAIN_TEST("net: an ip is parsed and printed") {
  for (const char* same : {"0.0.0.0", "192.0.2.1", "::", "::1", "2001:db8::1", "fe80::1%lo", "::7f00:1", "::1:0",
                           "1::", "1:0:2::3", "1::2:0:0:3", "1:2:3:4:5:6:7:8", "0:1:2:3:4:5:6:7", "64:ff9b::102:304"}) {
    CAPTURE(same);
    const auto a = net::ip::parse(same);
    CHECK(a.has_value());
    CHECK((a ? a->text() : "") == same);
  }
  CHECK(net::ip::parse("::ffff:192.0.2.1") == net::ip(192, 0, 2, 1));
  CHECK(net::ip::parse("2001:DB8:0:0::1")->text() == "2001:db8::1");
  for (const char* wrong :
       {"", "1.2.3", "1.2.3.256", "1.2.3.4%lo", ":::", "a", "::1%nowhere", "1.2.3.4 ", "01.2.3.4", "1.2.3.0x4"}) {
    CAPTURE(wrong);
    CHECK(!net::ip::parse(wrong));
  }
  CHECK(!net::ip::parse(std::string_view("1.2.3.4\0", 8)));
  CHECK(!net::ip::parse(std::string_view("fe80::1%lo\0x", 12)));
  CHECK(net::ip::parse("::127.0.0.1")->text() == "::7f00:1");
  CHECK(net::ip(127, 1, 2, 3).is_loopback());
  CHECK(net::ip::parse("::1")->is_loopback());
  CHECK(net::ip::parse("::")->is_unspecified());
  CHECK(!net::ip().is_unspecified());
  CHECK(net::tcp_addr{net::ip(1, 2, 3, 4), 80}.text() == "1.2.3.4:80");
  CHECK(net::tcp_addr{{}, 80}.text() == ":80");
  CHECK(net::addr(net::udp_addr{*net::ip::parse("::1"), 53}).text() == "[::1]:53");
  CHECK(net::addr().text() == "<nil>");
}

// ---- what is wrong with an address ----------------------------------------------------------------------------------

FIBER_TEST("NE5: what is wrong with a network or an address is said as in Go") {
  struct {
    const char* network;
    const char* address;
    const char* why;
  } const cases[] = {
      {"foo", "127.0.0.1:80", "foo: unknown network foo"},
      {"", "127.0.0.1:80", ": unknown network "},
      {"tcp", "127.0.0.1", "tcp: address 127.0.0.1: missing port in address"},
      {"tcp", "127.0.0.1:99999", "tcp: address 99999: invalid port"},
      {"tcp", "127.0.0.1:-1", "tcp: address -1: invalid port"},
      {"tcp", "127.0.0.1:99999999999999999999", "tcp: address 99999999999999999999: invalid port"},
      {"tcp", "127.0.0.1:no-such-service", "tcp: lookup tcp/no-such-service: unknown port"},
      {"tcp6", "127.0.0.1:80", "tcp6: address 127.0.0.1: no suitable address found"},
      {"tcp4", "[::1]:80", "tcp4: address ::1: no suitable address found"},
  };
  for (const auto& c : cases) {
    auto [d, dial_err] = net::dial(c.network, c.address);
    CHECK(d == nil);
    const std::string dialed = std::string("dial") + (c.network[0] != 0 ? " " : "") + c.why;
    CHECK((dial_err ? dial_err.text() : "") == dialed);
    auto [l, listen_err] = net::listen(c.network, c.address);
    CHECK(l == nil);
    const std::string listened = std::string("listen") + (c.network[0] != 0 ? " " : "") + c.why;
    CHECK((listen_err ? listen_err.text() : "") == listened);
  }
  CHECK(net::dial("tcp", "").second.text() == "dial tcp: missing address");
  CHECK(net::listen("udp", "127.0.0.1:0").second.text() ==
        "listen udp 127.0.0.1:0: address 127.0.0.1:0: unexpected address type");
  CHECK(net::listen_packet("tcp", "127.0.0.1:0").second.text() ==
        "listen tcp 127.0.0.1:0: address 127.0.0.1:0: unexpected address type");
}

FIBER_TEST("NE5: dial: connect: connection refused") {
  const std::string place = nobodys_place();
  auto [c, err] = net::dial("tcp", place);
  CHECK(c == nil);
  CHECK(err.text() == "dial tcp " + place + ": connect: connection refused");
  CHECK(errors::is(err, std::errc::connection_refused));
  CHECK(!err.timeout());
}

FIBER_TEST("NE5: listen: bind: address already in use; reuse_port shares it") {
  net::listen_config shared;
  shared.reuse_port = true;
  shared.backlog = 5;
  auto [first, err] = shared.listen("tcp", "127.0.0.1:0");
  CHECK(err == nil);
  const std::string place = first.addr().text();
  auto [second, err2] = net::listen("tcp", place);
  CHECK(second == nil);
  CHECK(err2.text() == "listen tcp " + place + ": bind: address already in use");
  auto [third, err3] = shared.listen("tcp", place);
  CHECK(err3 == nil);
  first.close();
  support::crew one;
  one.go([l = third] { CHECK(l.accept().second == nil); });
  CHECK(net::dial("tcp", place).second == nil);
  one.join();
  third.close();
}

// ---- where it listens -----------------------------------------------------------------------------------------------

FIBER_TEST("net: a listener on every address takes IPv4 and IPv6, and names the peer as it is") {
  const bound_listener place("tcp", ":0");
  const std::string port = std::to_string(place.l.addr().port());
  for (const char* host : {"127.0.0.1", "::1", "localhost", ""}) {
    if (!has_ipv6() && std::string_view(host) == "::1") {
      continue;
    }
    auto [c, err] = net::dial("tcp", net::join_host_port(host, port));
    CHECK(err == nil);
    auto [b, err2] = place.l.accept();
    CHECK(err2 == nil);
    CHECK(b.remote_addr() == c.local_addr());
    CHECK(b.local_addr() == c.remote_addr());
    CHECK(c.remote_addr().ip().is_v6() == (std::string_view(host) == "::1"));
  }
}

FIBER_TEST("net: tcp4 and tcp6 keep to their version") {
  const bound_listener four("tcp4", ":0");
  CHECK(four.l.addr().text() == "0.0.0.0:" + std::to_string(four.l.addr().port()));
  if (has_ipv6()) {
    const bound_listener six("tcp6", ":0");
    const std::string port = std::to_string(six.l.addr().port());
    CHECK(six.l.addr().text() == "[::]:" + port);
    CHECK(net::dial("tcp", "[::1]:" + port).second == nil);
    CHECK(errors::is(net::dial("tcp", "127.0.0.1:" + port).second, std::errc::connection_refused));
  }
}

FIBER_TEST("net: a dialer's local address is the connection's") {
  const bound_listener place;
  net::dialer how;
  how.local_addr = net::tcp_addr{net::ip(127, 0, 0, 2), 0};
  auto [c, err] = how.dial("tcp", place.place());
  CHECK(err == nil);
  CHECK(c.local_addr().ip() == net::ip(127, 0, 0, 2));
}

// ---- time, and contexts ---------------------------------------------------------------------------------------------

FIBER_TEST("NE5: a dial into a blackhole ends with its context: operation was canceled") {
  const blackhole hole;
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew dialing;
  dialing.go([&, c = ctx] {
    auto [conn, err] = net::dial_context(c, "tcp", hole.place);
    CHECK(conn == nil);
    CHECK(err.text() == "dial tcp " + hole.place + ": operation was canceled");
    CHECK(errors::is(err, context::canceled));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  cancel();
  dialing.join();
  const error err = net::dial_context(ctx, "tcp", hole.place).second;
  CHECK(err.text() == "dial tcp " + hole.place + ": operation was canceled");
}

FIBER_TEST("net: a dial into a blackhole times out: i/o timeout") {
  const blackhole hole;
  const auto begin = time::now();
  const error err = net::dial_timeout("tcp", hole.place, 20ms).second;
  CHECK(time::since(begin) >= 20ms);
  CHECK(err.text() == "dial tcp " + hole.place + ": i/o timeout");
  CHECK(err.timeout());
  auto [ctx, cancel] = context::with_timeout(context::background(), 20ms);
  defer d1{cancel};
  const error by_context = net::dial_context(ctx, "tcp", hole.place).second;
  CHECK(by_context.text() == "dial tcp " + hole.place + ": i/o timeout");
  CHECK(errors::is(by_context, context::deadline_exceeded));
  net::dialer late;
  late.deadline = time::now() - 1s;
  CHECK(late.dial("tcp", hole.place).second.timeout());
}

FIBER_TEST("net: a name with addresses of both versions is dialed at both: the one that answers counts") {
  if (!has_ipv6()) {
    return;
  }
  // localhost is 127.0.0.1 first: there nobody answers, or somebody refuses at once.
  const bound_listener six("tcp6", "[::1]:0");
  const std::string port = std::to_string(six.l.addr().port());
  auto [refused, err] = net::dial("tcp", "localhost:" + port);
  CHECK(err == nil);
  CHECK(refused.remote_addr().text() == "[::1]:" + port);
  net::dialer serial;
  serial.fallback_delay = -1ns;
  auto [other, err2] = serial.dial("tcp", "localhost:" + port);
  CHECK(err2 == nil);
  // Where both refuse, the first one's error is the dial's.
  six.l.close();
  const error both = net::dial("tcp", "localhost:" + port).second;
  CHECK((both ? both.text() : "") == "dial tcp 127.0.0.1:" + port + ": connect: connection refused");
}

FIBER_TEST("net: a peer of one version that does not answer holds up the other's only for the fallback delay") {
  if (!has_ipv6()) {
    return;
  }
  const blackhole hole;
  const std::string port = hole.place.substr(hole.place.find(':') + 1);
  auto [six, err] = net::listen("tcp6", "[::1]:" + port);
  if (err) {
    return;  // somebody else has just that port
  }
  net::dialer how;
  how.fallback_delay = 10ms;
  auto [c, dial_err] = how.dial("tcp", "localhost:" + port);
  CHECK(dial_err == nil);
  CHECK(c.remote_addr().text() == "[::1]:" + port);
  // And a context ends both.
  how.fallback_delay = 1h;
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew dialing;
  dialing.go(
      [&, x = ctx] { CHECK(errors::is(how.dial_context(x, "tcp", "localhost:" + port).second, net::canceled)); });
  CHECK(eventually([] { return support::parked(wait_reason::io_wait) >= 2; }));
  cancel();
  dialing.join();
  six.close();
}

// ---- names ----------------------------------------------------------------------------------------------------------

FIBER_TEST("net: addresses and localhost are looked up without asking anybody") {
  CHECK(net::lookup_host("192.0.2.7").first == std::vector<std::string>{"192.0.2.7"});
  CHECK(net::lookup_host("::1").first == std::vector<std::string>{"::1"});
  CHECK((net::lookup_host("localhost").first == std::vector<std::string>{"127.0.0.1", "::1"}));
  CHECK(net::lookup_port("tcp", "http") == std::pair(80, error()));
  CHECK(net::lookup_port("udp", "domain") == std::pair(53, error()));
  CHECK(net::lookup_port("tcp", "8080") == std::pair(8080, error()));
  CHECK(net::lookup_port("tcp", "no-such-service").second.text() == "lookup tcp/no-such-service: unknown port");
  CHECK(net::lookup_port("foo", "http").second.text() == "address foo: unknown network");
  CHECK(net::lookup_port("tcp", "70000").second.text() == "address 70000: invalid port");
}

FIBER_TEST("net: a name that cannot be is not found") {
  for (const std::string_view name : {std::string_view(""), std::string_view("a\0b", 3)}) {
    const error err = net::lookup_host(name).second;
    const auto* dns = errors::as<net::dns_error>(err);
    CHECK(dns != nullptr);
    CHECK((dns != nullptr && dns->not_found()));
    CHECK(contains(err.text(), "no such host"));
  }
  const error err = net::dial("tcp", "nobody.invalid:80").second;
  CHECK(contains(err ? err.text() : "", "dial tcp: lookup nobody.invalid: "));
  CHECK(errors::as<net::dns_error>(err) != nullptr);
}

FIBER_TEST("net: a look-up asks the system in a blocking call; one that is ended is left to itself") {
  // The machine's own name, or none: in both cases an answer.
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  auto [hosts, err] = net::lookup_host(name);
  CHECK((err != nil || !hosts.empty()));
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  const error ended = net::lookup_host("nobody.invalid", ctx).second;
  CHECK(ended.text() == "lookup nobody.invalid: operation was canceled");
}

PLAIN_TEST("net: a plain thread looks names up too") {
  CHECK(net::lookup_host("nobody.invalid").second != nil);
  CHECK(net::lookup_ip("localhost").first.size() == 2);
}

// ---- unix sockets ---------------------------------------------------------------------------------------------------

namespace {

std::string fresh_path(const char* name) {
  return "/tmp/gossamer-" + std::to_string(::getpid()) + "-" + name + ".sock";
}

}  // namespace

FIBER_TEST("net: a unix socket carries a stream, and its file goes with the listener") {
  const std::string path = fresh_path("stream");
  {
    const net_pair p("unix", path);
    CHECK(::access(path.c_str(), F_OK) != 0);
    p.a.write("over unix");
    CHECK(read_n(p.b, 9) == "over unix");
    CHECK(p.a.remote_addr().text() == path);
    CHECK(p.a.local_addr().text() == "@");
    p.a.close_write();
    CHECK(support::read_all(p.b).second == nil);
    p.b.write("back");
    CHECK(read_n(p.a, 4) == "back");
    char c[1];
    p.a.set_read_deadline(time::now() + 1ms);
    CHECK(p.a.read(c).second.text() == "read unix @->" + path + ": i/o timeout");
  }
  const net_pair abstract("unix", "@" + path);
  abstract.b.write("x");
  CHECK(read_n(abstract.a, 1) == "x");
  CHECK(abstract.a.remote_addr().text() == "@" + path);
}

FIBER_TEST("net: what is wrong with a unix socket is said") {
  const std::string none = fresh_path("none");
  CHECK(net::dial("unix", none).second.text() == "dial unix " + none + ": connect: no such file or directory");
  const std::string longest(200, 'x');
  CHECK(net::listen("unix", longest).second.text() == "listen unix " + longest + ": bind: invalid argument");
  CHECK(net::dial("unix", "").second.text() == "dial unix: missing address");
  const bound_listener here("unix", fresh_path("taken"));
  CHECK(net::listen("unix", here.place()).second.text() ==
        "listen unix " + here.place() + ": bind: address already in use");
}

FIBER_TEST("net: a dial to a unix socket whose queue is full waits until there is room, or for its context") {
  net::listen_config narrow;
  narrow.backlog = 1;
  auto [l, err] = narrow.listen("unix", fresh_path("narrow"));
  CHECK(err == nil);
  const std::string path = l.addr().text();
  support::crew dialing;
  std::atomic<int> done = 0;
  for (int i = 0; i < 8; ++i) {
    dialing.go([&] {
      CHECK(net::dial("unix", path).second == nil);
      ++done;
    });
  }
  CHECK(support::await_parked(wait_reason::sleep, 6));
  CHECK(net::dial_timeout("unix", path, 5ms).second.timeout());
  for (int i = 0; i < 8; ++i) {
    CHECK(l.accept().second == nil);
  }
  dialing.join();
  CHECK(done == 8);
  l.close();
}
