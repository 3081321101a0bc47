// net: sockets that somebody else has opened, and descriptors that go out.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>
#include <gossamer/os/file.hpp>

#include <string>
#include <string_view>

#include "file_behind.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::net_pair;

namespace {

// A number of the test's own.
struct owned {
  int number;
  explicit owned(int n) : number(n) { CHECK(n >= 0); }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;
  ~owned() { ::close(number); }
};

std::string path_of(std::string_view what) {
  return "/tmp/gossamer-" + std::to_string(::getpid()) + "-" + std::string(what) + ".sock";
}

int option_of(int number, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(number, level, name, &value, &size);
  return value;
}

bool blocks(int number) { return (::fcntl(number, F_GETFL) & O_NONBLOCK) == 0; }

std::string refused(int number, std::string_view why) {
  return "file file+net " + std::to_string(number) + ": " + std::string(why);
}

}  // namespace

FIBER_TEST("net: a listener that somebody else has opened accepts") {
  const owned s(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(s.number, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  CHECK(::listen(s.number, 10) == 0);
  auto [l, err] = net::file_listener(s.number);
  CHECK(err == nil);
  CHECK(l.native_handle() != s.number);
  CHECK((::fcntl(l.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(!blocks(l.native_handle()));
  CHECK(l.addr().network() == "tcp");
  support::crew serving;
  serving.go([&, own = l] { support::serve_echo(own); });
  auto [c, dial_err] = net::dial("tcp", l.addr().text());
  CHECK(dial_err == nil);
  c.write("hello");
  CHECK(support::read_n(c, 5) == "hello");
  c.close();
  l.close();
  serving.join();
  // The socket still listens for who has opened it.
  CHECK(option_of(s.number, SOL_SOCKET, SO_ACCEPTCONN) == 1);
}

FIBER_TEST("net: a listener's close ends what waits, though another has its socket as well") {
  const bound_listener first;
  auto [second, err] = net::file_listener(first.l);
  CHECK(err == nil);
  support::crew waiting;
  waiting.go([&, own = second] { CHECK(errors::is(own.accept().second, net::closed)); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  second.close();
  waiting.join();
  // Nothing that is left of it is reported: the number goes to others at once.
  for (int i = 0; i < 20; ++i) {
    const net_pair p("tcp", "127.0.0.1:0");
    p.a.write("x");
    CHECK(support::read_n(p.b, 1) == "x");
  }
  auto [c, dial_err] = net::dial("tcp", first.place());
  CHECK(dial_err == nil);
  CHECK(first.l.accept().second == nil);
}

FIBER_TEST("net: connections that somebody else has opened, of every kind") {
  int ends[2];
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CHECK(::socketpair(AF_UNIX, type, 0, ends) == 0);
    const owned one(ends[0]);
    const owned other(ends[1]);
    auto [a, err] = net::file_conn(one.number);
    auto [b, err2] = net::file_conn(other.number);
    CHECK(err == nil);
    CHECK(err2 == nil);
    CHECK(a.local_addr().network() == (type == SOCK_STREAM ? "unix" : "unixgram"));
    support::crew reading;
    reading.go([&, own = b] { CHECK(support::read_n(own, 5) == "hello"); });
    CHECK(a.write("hello").second == nil);
    reading.join();
  }
  const net_pair p;
  auto [again, err] = net::file_conn(p.a);
  CHECK(err == nil);
  CHECK(again.local_addr() == p.a.local_addr());
  CHECK(again.remote_addr() == p.a.remote_addr());
  p.a.close();
  again.write("still open");
  CHECK(support::read_n(p.b, 10) == "still open");
  again.close();
  char buf[1];
  CHECK(p.b.read(buf).second == io::eof);
}

FIBER_TEST("net: a tcp connection that was opened elsewhere has what a dialed one has") {
  const bound_listener place;
  const owned s(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(place.l.addr().port());
  CHECK(::connect(s.number, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  auto [c, err] = net::file_conn(s.number);
  CHECK(err == nil);
  CHECK(option_of(s.number, IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(option_of(s.number, SOL_SOCKET, SO_KEEPALIVE) != 0);
  CHECK(option_of(s.number, IPPROTO_TCP, TCP_KEEPIDLE) == 15);
}

FIBER_TEST("net: a socket for datagrams that somebody else has opened") {
  auto [a, err] = net::listen_packet("udp", "127.0.0.1:0");
  auto [b, err2] = net::file_packet_conn(a);
  CHECK(err2 == nil);
  CHECK(b.local_addr() == a.local_addr());
  CHECK(b.write_to("to itself", a.local_addr()).second == nil);
  char buf[100];
  CHECK(std::get<0>(a.read_from(buf)) == 9);
}

FIBER_TEST("net: what is no socket, or one of another kind, is an error, is not changed and stays open") {
  const owned not_one(::eventfd(0, 0));
  const owned regular(::open("/proc/self/exe", O_RDONLY));
  for (const int number : {not_one.number, regular.number}) {
    CHECK(net::file_conn(number).second.text() == refused(number, "getsockopt: socket operation on non-socket"));
    CHECK(net::file_listener(number).second.text() == refused(number, "getsockopt: socket operation on non-socket"));
    CHECK(net::file_packet_conn(number).second.text() == refused(number, "getsockopt: socket operation on non-socket"));
  }
  CHECK(net::file_conn(-1).second.text() == refused(-1, "fcntl: bad file descriptor"));
  CHECK(net::file_conn(1'000'000).second.text() == refused(1'000'000, "fcntl: bad file descriptor"));
  const owned raw(::socket(AF_NETLINK, SOCK_RAW, 0));
  CHECK(net::file_packet_conn(raw.number).second.text() == refused(raw.number, "protocol not supported"));
  const owned stream(::socket(AF_INET, SOCK_STREAM, 0));
  const owned datagrams(::socket(AF_INET, SOCK_DGRAM, 0));
  CHECK(net::file_listener(stream.number).second.text() == refused(stream.number, "invalid argument"));
  CHECK(net::file_packet_conn(stream.number).second.text() == refused(stream.number, "invalid argument"));
  CHECK(net::file_listener(datagrams.number).second.text() == refused(datagrams.number, "invalid argument"));
  CHECK(::listen(stream.number, 1) == 0);
  CHECK(net::file_conn(stream.number).second.text() == refused(stream.number, "invalid argument"));
  CHECK(blocks(stream.number));
  CHECK(blocks(datagrams.number));
  const net_pair p;
  p.a.close();
  CHECK(net::file_conn(p.a).second.text() == refused(-1, "fcntl: bad file descriptor"));
  CHECK(net::file_conn(os::file()).second.text() == refused(-1, "fcntl: bad file descriptor"));
}

FIBER_TEST("net: a unix listener that was handed over leaves its file to who has made it") {
  const std::string path = path_of("handed");
  auto [l, err] = net::listen("unix", path);
  CHECK(err == nil);
  auto [taken, err2] = net::file_listener(l);
  CHECK(err2 == nil);
  CHECK(taken.addr().text() == path);
  taken.close();
  CHECK(::access(path.c_str(), F_OK) == 0);
  l.close();
  CHECK(::access(path.c_str(), F_OK) != 0);
}

FIBER_TEST("net: a duplicate is the caller's, and the connection lives as long as either") {
  const net_pair p;
  auto [number, err] = p.a.duplicate();
  CHECK(err == nil);
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(!blocks(number));
  p.a.close();
  CHECK(::send(number, "duplicate", 9, MSG_NOSIGNAL) == 9);
  CHECK(support::read_n(p.b, 9) == "duplicate");
  ::close(number);
  char buf[1];
  CHECK(p.b.read(buf).second == io::eof);
  CHECK(errors::is(p.a.duplicate().second, net::closed));
  CHECK(p.a.duplicate().first == -1);
  CHECK(net::conn().duplicate().second.text() == "invalid argument");
  CHECK(net::pipe().first.duplicate().second.text() == "operation not supported");
  const bound_listener place;
  auto [listening, err2] = place.l.duplicate();
  CHECK(err2 == nil);
  CHECK(option_of(listening, SOL_SOCKET, SO_ACCEPTCONN) == 1);
  ::close(listening);
}

FIBER_TEST("os: a connection's file is read and written by itself") {
  const net_pair p;
  auto [f, err] = os::file_of(p.a);
  CHECK(err == nil);
  CHECK(f.name() == "tcp:" + p.a.local_addr().text() + "->" + p.a.remote_addr().text());
  support::crew reading;
  reading.go([&, own = f] {
    char buf[10];
    CHECK(own.read(buf) == os::file::io_result(4, nil));  // it parks
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  p.b.write("ping");
  reading.join();
  CHECK(f.write("pong").second == nil);
  CHECK(support::read_n(p.b, 4) == "pong");
  CHECK(f.set_deadline(time::now() - 1s) == nil);
  char buf[1];
  CHECK(f.read(buf).second.timeout());
  const bound_listener place;
  auto [l, err2] = os::file_of(place.l);
  CHECK(l.name() == "tcp:" + place.place() + "->");
  CHECK(net::file_listener(l).second == nil);
  p.a.close();
  CHECK(errors::is(os::file_of(p.a).second, net::closed));
}

FIBER_TEST("os: files of one connection, one after the other, park like the first") {
  const net_pair p;
  for (int i = 0; i < 3; ++i) {
    auto [f, err] = os::file_of(p.a);
    CHECK(err == nil);
    char buf[1];
    CHECK(f.set_deadline(time::now() + 2ms) == nil);
    CHECK(f.read(buf).second.text() == "read " + f.name() + ": i/o timeout");
    CHECK(f.close() == nil);
  }
}

FIBER_TEST("os: a file of a number takes it over, and parks only where the number does not block") {
  int ends[2];
  CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  const support::file_behind behind(ends[0]);
  {
    const os::file reader = os::new_file(ends[0], "reader");
    const os::file writer = os::new_file(ends[1], "writer");
    CHECK(writer.write("x").second == nil);
    char buf[1];
    CHECK(reader.read(buf).first == 1);
    CHECK(reader.name() == "reader");
    CHECK(errors::is(reader.set_deadline(time::now()), os::no_deadline));
  }
  CHECK(!behind.is_open_as(ends[0]));
  CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const os::file reader = os::new_file(ends[0], "reader");
  const os::file writer = os::new_file(ends[1], "writer");
  CHECK(reader.set_deadline(time::now() + 2ms) == nil);
  char buf[1];
  CHECK(reader.read(buf).second.text() == "read reader: i/o timeout");
  CHECK(os::new_file(-1, "none") == nil);
  const int gone = ::dup(1);
  ::close(gone);
  const os::file wrong = os::new_file(gone, "wrong");
  CHECK(wrong.read(buf).second.text() == "read wrong: bad file descriptor");
  CHECK(wrong.close() != nil);
}

FIBER_TEST("net: a group is heard by all that listen for it on an interface") {
  const net::ip group(239, 7, 7, 7);
  auto [a, err] = net::listen_multicast_udp("udp4", "lo", {group, 0});
  if (err) {  // no multicast here
    CHECK(err.text().starts_with("listen udp4 239.7.7.7:0: setsockopt: "));
    return;
  }
  const net::udp_addr place{group, a.local_addr().port()};
  auto [b, err2] = net::listen_multicast_udp("udp", "lo", place);
  CHECK(err2 == nil);
  auto [from, err3] = net::listen_packet("udp4", "127.0.0.1:0");
  ip_mreqn how{};
  how.imr_ifindex = 1;
  ::setsockopt(from.native_handle(), IPPROTO_IP, IP_MULTICAST_IF, &how, sizeof how);
  CHECK(from.write_to("to all", place).second == nil);
  for (const net::packet_conn& c : {a, b}) {
    char buf[10];
    CHECK(c.set_read_deadline(time::now() + support::patience) == nil);
    CHECK(std::get<0>(c.read_from(buf)) == 6);
  }
}

FIBER_TEST("net: groups that are none, and interfaces that are not there") {
  const net::ip group(239, 7, 7, 8);
  const auto text = [](const auto& pair) { return pair.second.text(); };
  CHECK(text(net::listen_multicast_udp("tcp", "", {group, 1})) == "listen tcp 239.7.7.8:1: unknown network tcp");
  CHECK(text(net::listen_multicast_udp("udp", "", {{}, 1})) == "listen udp :1: missing address");
  CHECK(text(net::listen_multicast_udp("udp", "no such", {group, 1})) ==
        "listen udp 239.7.7.8:1: no such network interface");
  CHECK(text(net::listen_multicast_udp("udp6", "", {group, 1})) ==
        "listen udp6 239.7.7.8:1: address 239.7.7.8: no suitable address");
  CHECK(text(net::listen_multicast_udp("udp", "lo", {net::ip(127, 0, 0, 1), 0})) ==
        "listen udp 127.0.0.1:0: setsockopt: invalid argument");
}
