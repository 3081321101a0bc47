// socat as a peer: unix sockets of streams and of datagrams, and halves that are closed, through it and by it.
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "peer.hpp"

using namespace gossamer;
using namespace peers;

namespace {

// How long socat waits for the answer's end after the question's: as long as the test would.
const std::string patiently = "-t" + std::to_string(support::patience.count());

std::string turned_round(std::string s) {
  std::reverse(s.begin(), s.end());
  return s;
}

// Writes all of it, says that it was all, and reads the answer meanwhile.
std::string ask(const net::conn& c, const std::string& question) {
  support::crew crew;
  crew.go([&] {
    CHECK(c.write(question).second == nil);
    CHECK(c.close_write() == nil);
  });
  auto [answer, err] = support::read_all(c);
  CHECK(err == nil);
  c.close();
  return answer;
}

// Of each of so many connections: what it has said, turned round, once all of it was said.
void serve_turned_round(const net::listener& l, int connections) {
  support::crew crew;
  for (int i = 0; i < connections; ++i) {
    const auto [accepted, err] = l.accept();
    CHECK(err == nil);
    crew.go([c = accepted] {
      CHECK(c.write(turned_round(support::read_all(c).first)).second == nil);
      c.close();
    });
  }
}

std::string long_text(unsigned seed) {
  return support::pattern(static_cast<std::size_t>(support::scale(2'000'000)), seed);
}

}  // namespace

FIBER_TEST("socat: our clients get back what they send to its echo on a unix socket, also after they have said all") {
  const folder room;
  const std::string place = room / "echo";
  peer socat("socat", patiently, "UNIX-LISTEN:" + place + ",fork,backlog=64", "EXEC:cat");
  CHECK(socat.serves("unix", place));
  std::atomic<int> wrong = 0;
  {
    support::crew crew;
    for (unsigned i = 0; i < 8; ++i) {
      crew.go([&, i] {
        const auto [c, err] = net::dial("unix", place);
        CHECK(err == nil);
        const std::string question = long_text(i);
        wrong += ask(c, question) == question ? 0 : 1;
      });
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("socat: as a client of our unix listener it hears the answer to all that it has said") {
  const folder room;
  const std::string place = room / "ours";
  const support::bound_listener bound("unix", place);
  constexpr int clients = 4;
  std::atomic<int> wrong = 0;
  {
    support::crew crew;
    crew.go([&] { serve_turned_round(bound.l, clients); });
    for (unsigned i = 0; i < clients; ++i) {
      crew.go([&, i] {
        io::string_reader question(long_text(i));
        os::command socat("socat", patiently, "-", "UNIX-CONNECT:" + place);
        socat.in = &question;
        const auto [answer, err] = socat.output();
        CHECK(err == nil);
        wrong += answer == turned_round(long_text(i)) ? 0 : 1;
      });
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("socat: the end of what we say reaches our server through its relay, and the answer comes back") {
  const support::bound_listener ours;
  const std::string port = free_port();
  constexpr int clients = 8;
  std::atomic<int> wrong = 0;
  peer socat("socat", patiently, "TCP-LISTEN:" + port + ",bind=127.0.0.1,fork,reuseaddr,backlog=64",
             "TCP:" + ours.place());
  {
    support::crew crew;
    crew.go([&] { serve_turned_round(ours.l, clients + 1); });  // and the one that asks whether somebody is there
    CHECK(socat.serves("tcp", "127.0.0.1:" + port));
    for (unsigned i = 0; i < clients; ++i) {
      crew.go([&, i] {
        const auto [c, err] = net::dial("tcp", "127.0.0.1:" + port);
        CHECK(err == nil);
        wrong += ask(c, long_text(i)) == turned_round(long_text(i)) ? 0 : 1;
      });
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("socat: a server that says all at once, and goes on listening, hears all") {
  const support::bound_listener ours;
  const std::string said = long_text(1);
  {
    support::crew crew;
    crew.go([&] {
      const auto [c, err] = ours.l.accept();
      CHECK(err == nil);
      CHECK(c.write("all that we have to say").second == nil);
      CHECK(c.close_write() == nil);
      const bool all = support::read_all(c).first == said;
      CHECK(all);
      c.close();
    });
    io::string_reader in(said);
    os::command socat("socat", patiently, "-", "TCP:" + ours.place());
    socat.in = &in;
    const auto [heard, err] = socat.output();
    CHECK(err == nil);
    CHECK(heard == "all that we have to say");
  }
}

FIBER_TEST("socat: datagrams over a unix socket and over UDP keep their limits") {
  const folder room;
  const auto [ours, err] = net::listen_packet("unixgram", room / "ours");
  CHECK(err == nil);
  CHECK(os::command("sh", "-c", "printf 'a datagram' | socat -u - UNIX-SENDTO:" + (room / "ours")).run() == nil);
  char buf[100];
  CHECK(ours.read(buf) == net::io_result(10, nil));
  CHECK(std::string_view(buf, 10) == "a datagram");
  ours.close();

  const auto [udp, udp_err] = net::listen_packet("udp", "127.0.0.1:0");
  CHECK(udp_err == nil);
  os::command socat("socat", "-", "UDP:" + udp.local_addr().text());
  auto [to, to_err] = socat.in_pipe();
  auto [from, from_err] = socat.out_pipe();
  CHECK(socat.start() == nil);
  for (int i = 0; i < 20; ++i) {
    CHECK(to.write("ping").second == nil);
    const auto [n, peer_addr, read_err] = udp.read_from(buf);
    CHECK(read_err == nil);
    CHECK(std::string_view(buf, n) == "ping");
    CHECK(udp.write_to("pong!", peer_addr).second == nil);
    CHECK(io::read_full(from, std::span(buf).first(5)).second == nil);
    CHECK(std::string_view(buf, 5) == "pong!");
  }
  to.close();
  CHECK(socat.wait() == nil);
  udp.close();
}
