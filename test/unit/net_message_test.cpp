// net: messages with control data: descriptors over unix sockets, what comes with datagrams.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>
#include <gossamer/os/file.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "few_descriptors.hpp"
#include "file_behind.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::net_pair;
using support::scale;

namespace {

std::string own_name(std::string_view what) {
  return "@gossamer-" + std::to_string(::getpid()) + "-" + std::string(what);
}

net_pair unix_pair() { return net_pair("unix", own_name("message")); }

net::packet_conn open(std::string_view network = "udp", std::string_view address = "127.0.0.1:0") {
  auto [c, err] = net::listen_packet(network, address);
  CHECK(err == nil);
  return c;
}

// The numbers in control data that holds nothing else.
std::vector<int> numbers_in(net::buffer control) {
  std::vector<int> all;
  const auto [messages, err] = net::parse_socket_control_message(control);
  CHECK(err == nil);
  for (const net::socket_control_message& m : messages) {
    auto [numbers, bad] = net::parse_unix_rights(m);
    CHECK(bad == nil);
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  return all;
}

struct got_msg {
  std::vector<std::byte> control;
  net::msg_read m;

  got_msg(const net::conn& c, std::size_t room, std::span<char> to) : control(room), m(c.read_msg(to, control)) {
    control.resize(m.control_n);
  }
};

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

bool same_file(int a, int b) { return support::file_behind(a).is_open_as(b); }

// A pipe of the test's own, by numbers.
struct raw_pipe {
  int ends[2] = {-1, -1};
  raw_pipe() { CHECK(::pipe2(ends, O_CLOEXEC) == 0); }
  raw_pipe(const raw_pipe&) = delete;
  raw_pipe& operator=(const raw_pipe&) = delete;
  ~raw_pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

}  // namespace

// ---- descriptors ----------------------------------------------------------------------------------------------------

FIBER_TEST("net: a descriptor goes over a unix socket, and is the receiver's") {
  const net_pair p = unix_pair();
  const raw_pipe pipe;
  const std::vector<std::byte> rights = net::unix_rights({pipe.ends[0], pipe.ends[1]});
  auto [n, control_n, err] = p.a.write_msg("two", rights);
  CHECK(n == 3);
  CHECK(control_n == rights.size());
  CHECK(err == nil);
  char buf[10];
  const got_msg r(p.b, net::cmsg_space(2 * sizeof(int)), buf);
  CHECK(r.m.err == nil);
  CHECK(std::string_view(buf, r.m.n) == "two");
  CHECK(r.m.flags == 0);
  const std::vector<int> numbers = numbers_in(r.control);
  CHECK(numbers.size() == 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    CHECK(numbers[i] != pipe.ends[i]);
    CHECK(same_file(numbers[i], pipe.ends[i]));
    CHECK((::fcntl(numbers[i], F_GETFD) & FD_CLOEXEC) != 0);
    ::close(numbers[i]);
  }
}

FIBER_TEST("net: control data without bytes is carried by one on a stream, and by none on datagrams") {
  const net_pair p = unix_pair();
  const raw_pipe pipe;
  auto sent = p.a.write_msg("", net::unix_rights({pipe.ends[0]}));
  CHECK(sent.n == 0);
  CHECK(sent.control_n > 0);
  CHECK(sent.err == nil);
  p.a.write("after");
  const got_msg r(p.b, net::cmsg_space(sizeof(int)), {});
  CHECK(r.m.n == 0);
  CHECK(r.m.err == nil);
  const std::vector<int> numbers = numbers_in(r.control);
  CHECK(numbers.size() == 1);
  ::close(numbers.at(0));
  CHECK(support::read_n(p.b, 5) == "after");  // the byte that carried it is not left

  const net::packet_conn a = open("unixgram", own_name("a"));
  const net::packet_conn b = open("unixgram", own_name("b"));
  sent = a.write_msg("", net::unix_rights({pipe.ends[0]}), b.local_addr());
  CHECK(sent.n == 0);
  CHECK(sent.err == nil);
  char buf[10];
  const got_msg g(b, net::cmsg_space(sizeof(int)), buf);
  CHECK(g.m.n == 0);
  CHECK(g.m.err == nil);
  CHECK(g.m.from == a.local_addr());
  ::close(numbers_in(g.control).at(0));
}

FIBER_TEST("net: control data comes with the first bytes of a long message, and stops a read") {
  const net_pair p = unix_pair();
  const raw_pipe pipe;
  const std::string much = support::pattern(3 << 20);
  support::crew writing;
  writing.go([&] {
    p.a.write("before");
    auto [n, control_n, err] = p.a.write_msg(much, net::unix_rights({pipe.ends[1]}));
    CHECK(n == much.size());
    CHECK(err == nil);
    p.a.close_write();
  });
  std::string got;
  int numbers = 0;
  std::string buf(1 << 16, '\0');
  for (;;) {
    const got_msg r(p.b, net::cmsg_space(sizeof(int)), buf);
    if (r.m.err) {
      CHECK(r.m.err == io::eof);
      break;
    }
    for (const int number : numbers_in(r.control)) {
      CHECK(got.size() <= 6);  // what was written before may come with it
      CHECK(same_file(number, pipe.ends[1]));
      ::close(number);
      ++numbers;
    }
    got.append(buf, 0, r.m.n);
  }
  CHECK(numbers == 1);
  CHECK(got == "before" + much);
}

FIBER_TEST("net: control data that is cut off says so, and leaves no descriptor open") {
  const net_pair p = unix_pair();
  const raw_pipe pipe;
  const std::vector<int> five(5, pipe.ends[0]);
  for (const std::size_t room : {std::size_t{0}, std::size_t{1}, sizeof(cmsghdr), net::cmsg_space(sizeof(int)),
                                 net::cmsg_space(3 * sizeof(int)), net::cmsg_space(4 * sizeof(int))}) {
    CHECK(p.a.write_msg("x", net::unix_rights(five)).err == nil);
    char buf[1];
    const got_msg r(p.b, room, buf);
    CHECK(r.m.n == 1);
    CHECK((r.m.flags & MSG_CTRUNC) != 0);
    const auto [messages, err] = net::parse_socket_control_message(r.control);
    std::size_t numbers = 0;
    for (const net::socket_control_message& m : messages) {
      for (const int number : net::parse_unix_rights(m).first) {
        CHECK(is_open(number));
        ::close(number);
        ++numbers;
      }
    }
    CHECK(numbers < five.size());
  }
  // A read that does not ask for control data has the kernel close what comes.
  CHECK(p.a.write_msg("y", net::unix_rights(five)).err == nil);
  CHECK(support::read_n(p.b, 1) == "y");
}

FIBER_TEST("net: too many descriptors, closed ones and what is no control data are errors, and nothing is passed") {
  const net_pair p = unix_pair();
  const raw_pipe pipe;
  const std::vector<int> too_many(254, pipe.ends[0]);
  auto [n, control_n, err] = p.a.write_msg("x", net::unix_rights(too_many));
  CHECK(n == 0);
  CHECK(control_n == 0);
  CHECK(err.text() == support::error_of("write", p.a, "sendmsg: invalid argument"));
  CHECK(p.a.write_msg("x", net::unix_rights({-1})).err.text() ==
        support::error_of("write", p.a, "sendmsg: bad file descriptor"));
  CHECK(errors::is(p.a.write_msg("x", std::string(24, '\0')).err, std::errc::invalid_argument));
  CHECK(p.a.write_msg("x", std::vector<std::byte>(), p.b.local_addr())
            .err.text()
            .ends_with("transport endpoint is already connected"));
  // As many as there may be.
  CHECK(p.a.write_msg("x", net::unix_rights(std::span(too_many).first(253))).err == nil);
  char buf[2];
  const got_msg r(p.b, net::cmsg_space(253 * sizeof(int)), buf);
  CHECK(r.m.n == 1);
  const std::vector<int> numbers = numbers_in(r.control);
  CHECK(numbers.size() == 253);
  for (const int number : numbers) {
    ::close(number);
  }
}

PLAIN_TEST("net: a receiver without descriptors left is told that some were not passed") {
  CHECK(run([] {
          const net_pair p = unix_pair();
          {
            const raw_pipe pipe;
            CHECK(p.a.write_msg("x", net::unix_rights({pipe.ends[0], pipe.ends[0], pipe.ends[0]})).err == nil);
          }
          const support::few_descriptors few(1);
          char buf[1];
          const got_msg r(p.b, net::cmsg_space(3 * sizeof(int)), buf);
          CHECK(r.m.n == 1);
          CHECK((r.m.flags & MSG_CTRUNC) != 0);
          for (const int number : numbers_in(r.control)) {
            ::close(number);
          }
        }) == 0);
}

FIBER_TEST("net: a message is text up to its end, and a buffer whole") {
  const net_pair p = unix_pair();
  char two[] = {'a', '\0'};
  const std::span<std::byte> nothing;
  CHECK(p.a.write_msg("ab", nothing).n == 2);
  CHECK(p.a.write_msg(two, nothing).n == 2);
  CHECK(p.a.write_msg(std::as_const(two), nothing).n == 1);
  CHECK(p.a.write_msg(std::string("abc"), nothing).n == 3);
  CHECK(p.a.write_msg(std::string_view("abc"), nothing).n == 3);
  CHECK(p.a.write_msg(std::vector<unsigned char>{1, 2}, nothing).n == 2);
}

FIBER_TEST("net: read_msg waits, and ends as read does") {
  const net_pair p = unix_pair();
  char buf[1];
  std::byte control[64];
  p.b.set_read_deadline(time::now() + 2ms);
  CHECK(p.b.read_msg(buf, control).err.text() == support::error_of("read", p.b, "i/o timeout"));
  p.b.set_read_deadline(nil);
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew waiting;
  waiting.go([&, c = ctx] { CHECK(errors::is(p.b.read_msg(buf, control, c).err, net::canceled)); });
  cancel();
  waiting.join();
  waiting.go([&] {
    auto [n, control_n, flags, from, err] = p.b.read_msg(buf, control);
    CHECK(n == 1);
    CHECK(control_n == 0);
  });
  CHECK(p.a.write_msg("!", std::span<std::byte>()).n == 1);
  waiting.join();
  p.a.close();
  CHECK(p.b.read_msg(buf, control).err == io::eof);
  CHECK(errors::is(p.a.read_msg(buf, control).err, net::closed));
  CHECK(errors::is(p.a.write_msg("x", control).err, net::closed));
  const net::conn none;
  CHECK(none.read_msg(buf, control).err.text() == "invalid argument");
  CHECK(none.write_msg("x", control).err.text() == "invalid argument");
  const auto [one, other] = net::pipe();
  CHECK(one.read_msg(buf, control).err.text() == "operation not supported");
  CHECK(one.write_msg("x", control).err.text() == "operation not supported");
}

FIBER_TEST("net: descriptors that go to and fro between many fibers are all closed at the end") {
  const net_pair p = unix_pair();
  support::crew echoing;
  const int rounds = scale(300);
  echoing.go([&] {
    for (int i = 0; i < rounds; ++i) {
      char buf[1];
      const got_msg r(p.b, net::cmsg_space(sizeof(int)), buf);
      const std::vector<int> numbers = numbers_in(r.control);
      CHECK(numbers.size() == 1);
      CHECK(p.b.write_msg(buf, net::unix_rights(numbers)).err == nil);
      ::close(numbers.at(0));
    }
  });
  const raw_pipe pipe;
  for (int i = 0; i < rounds; ++i) {
    CHECK(p.a.write_msg("d", net::unix_rights({pipe.ends[0]})).err == nil);
    char buf[1];
    const got_msg r(p.a, net::cmsg_space(sizeof(int)), buf);
    CHECK(r.m.err == nil);
    CHECK(r.m.flags == 0);
    const std::vector<int> numbers = numbers_in(r.control);
    CHECK(numbers.size() == 1);
    CHECK(same_file(numbers.at(0), pipe.ends[0]));
    ::close(numbers.at(0));
  }
  echoing.join();
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

FIBER_TEST("net: a datagram tells its class of service and the interface that it came by, and takes them") {
  const net::packet_conn a = open("udp4");
  const net::packet_conn b = open("udp4");
  const int on = 1;
  CHECK(::setsockopt(b.native_handle(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on) == 0);
  CHECK(::setsockopt(b.native_handle(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0);
  std::vector<std::byte> control;
  net::append_control_message(control, IPPROTO_IP, IP_TOS, int{IPTOS_ECN_CE});
  CHECK(a.write_msg("marked", control, b.local_addr()).err == nil);
  char buf[100];
  const got_msg r(b, 256, buf);
  CHECK(r.m.err == nil);
  CHECK(std::string_view(buf, r.m.n) == "marked");
  CHECK(r.m.from == a.local_addr());
  bool marked = false;
  bool told = false;
  const auto [messages, err] = net::parse_socket_control_message(r.control);
  CHECK(err == nil);
  for (const net::socket_control_message& m : messages) {
    marked |= m.is(IPPROTO_IP, IP_TOS) && m.as<std::uint8_t>() == IPTOS_ECN_CE;
    told |= m.is(IPPROTO_IP, IP_PKTINFO) && m.as<in_pktinfo>().ipi_addr.s_addr == htonl(INADDR_LOOPBACK);
  }
  CHECK(marked);
  CHECK(told);
  a.write_to("longer than there is room for", b.local_addr());
  const got_msg cut(b, 256, std::span(buf, 6));
  CHECK(cut.m.n == 6);
  CHECK((cut.m.flags & MSG_TRUNC) != 0);
}

FIBER_TEST("net: a message needs an address where there is no peer, and none where there is one") {
  const net::packet_conn a = open();
  const std::string own = a.local_addr().text();
  CHECK(a.write_msg("x", std::span<std::byte>()).err.text() == "write udp " + own + ": missing address");
  CHECK(a.write_msg("x", std::span<std::byte>(), net::unix_addr{"@x"}).err.text() ==
        "write udp " + own + "->@x: invalid argument");
  auto [c, err] = net::dial("udp", own);
  CHECK(err == nil);
  CHECK(errors::is(c.write_msg("x", std::span<std::byte>(), a.local_addr()).err, net::write_to_connected));
  CHECK(c.write_msg("x", std::span<std::byte>()).n == 1);
  char buf[2];
  CHECK(got_msg(a, 0, buf).m.from == c.local_addr());
}

// ---- control data ---------------------------------------------------------------------------------------------------

PLAIN_TEST("net: control messages are put one behind the other, and are found again") {
  std::vector<std::byte> control;
  net::append_control_message(control, 1, 2, std::uint8_t{3});
  CHECK(control.size() == net::cmsg_space(1));
  net::append_control_message(control, 4, 5, net::buffer());
  net::append_control_message(control, 6, 7, std::uint64_t{8});
  CHECK(control.size() == net::cmsg_space(1) + net::cmsg_space(0) + net::cmsg_space(8));
  // Wherever it lies.
  std::vector<std::byte> shifted(1);
  shifted.insert(shifted.end(), control.begin(), control.end());
  for (const net::buffer where : {net::buffer(control), net::buffer(shifted).subspan(1)}) {
    const auto [all, err] = net::parse_socket_control_message(where);
    CHECK(err == nil);
    CHECK(all.size() == 3);
    CHECK(all.at(0).is(1, 2));
    CHECK(all.at(0).data.size() == 1);
    CHECK(all.at(0).as<std::uint8_t>() == 3);
    CHECK(all.at(0).as<std::uint64_t>() == 0);  // there is not so much
    CHECK(all.at(1).is(4, 5));
    CHECK(all.at(1).data.empty());
    CHECK(all.at(2).is(6, 7));
    CHECK(all.at(2).as<std::uint64_t>() == 8);
    CHECK(net::parse_unix_rights(all.at(0)).second.text() == "invalid argument");
  }
}

PLAIN_TEST("net: control data that is cut off anywhere is an error or less, never more") {
  std::vector<std::byte> control = net::unix_rights({1, 2, 3});
  net::append_control_message(control, SOL_SOCKET, SCM_RIGHTS, int{4});
  const std::size_t first = net::cmsg_space(3 * sizeof(int));
  for (std::size_t n = 0; n <= control.size(); ++n) {
    const std::vector<std::byte> part(control.begin(), control.begin() + static_cast<std::ptrdiff_t>(n));
    const auto [all, err] = net::parse_socket_control_message(part);
    const std::size_t whole = n >= first + CMSG_LEN(sizeof(int)) ? 2 : n >= CMSG_LEN(3 * sizeof(int)) ? 1 : 0;
    CHECK(all.size() == whole);
    const std::size_t rest = whole == 2 ? 0 : whole == 1 ? (n > first ? n - first : 0) : n;
    CHECK((err != nil) == (rest >= sizeof(cmsghdr)));
  }
  cmsghdr header{};
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, sizeof header - 1, sizeof header + 1, ~std::size_t{0}}) {
    header.cmsg_len = length;
    const auto [all, err] = net::parse_socket_control_message(std::as_bytes(std::span(&header, 1)));
    CHECK(all.empty());
    CHECK(err.text() == "invalid argument");
  }
}
