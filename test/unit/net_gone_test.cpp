// net: peers that are gone, or hardly there: resets in every state of a connection, peers that have died without a
// word, slow ones; and how the poller itself comes into use.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "few_descriptors.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::error_of;
using support::eventually;
using support::net_pair;
using support::pattern;
using support::read_all;
using support::read_n;
using support::scale;

namespace {

// Its peer finds the connection reset.
void reset(const net::conn& c) {
  CHECK(c.set_linger(0) == nil);
  CHECK(c.close() == nil);
}

bool is_reset(const error& err) { return errors::is(err, std::errc::connection_reset); }

// Reads until something is wrong, and not just the end.
error read_error(const net::conn& c) { return read_all(c).second; }

// The error of the write that finds the peer gone: an earlier one may still be taken by the kernel.
error write_error(const net::conn& c) {
  error err;
  CHECK(eventually([&] { return (err = c.write("x").second) != nil; }));
  return err;
}

}  // namespace

// ---- resets ---------------------------------------------------------------------------------------------------------

FIBER_TEST("net: a peer that resets before it is accepted is no error of accept's") {
  const bound_listener place;
  {
    auto [gone, err] = net::dial("tcp", place.place());
    CHECK(err == nil);
    reset(gone);
  }
  auto [c, err] = net::dial("tcp", place.place());
  CHECK(err == nil);
  // The first may have been dropped by the kernel, or be handed out dead.
  auto [accepted, accept_err] = place.l.accept();
  CHECK(accept_err == nil);
  if (accepted.remote_addr() != c.local_addr()) {
    CHECK(is_reset(read_error(accepted)));
    auto [next, next_err] = place.l.accept();
    CHECK(next_err == nil);
    CHECK(next.remote_addr() == c.local_addr());
  }
}

FIBER_TEST("net: a reset while nobody waits is told to the next read once, then the stream is at its end") {
  const net_pair p;
  reset(p.a);
  char c[1];
  CHECK(p.b.read(c).second.text() == error_of("read", p.b, "read: connection reset by peer"));
  CHECK(p.b.read(c) == net::io_result(0, io::eof));
  CHECK(write_error(p.b).text() == error_of("write", p.b, "write: broken pipe"));
}

FIBER_TEST("net: a reset discards what has not been read") {
  const net_pair p;
  p.a.write(pattern(10'000));
  CHECK(read_n(p.b, 1).size() == 1);
  reset(p.a);
  CHECK(is_reset(read_error(p.b)));
}

FIBER_TEST("net: a reset after the own end is closed for writing ends the read that waits for the answer") {
  const net_pair p;
  CHECK(p.b.close_write() == nil);
  support::crew reader;
  reader.go([&] { CHECK(is_reset(read_error(p.b))); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(read_all(p.a) == std::pair<std::string, error>());
  reset(p.a);
}

FIBER_TEST("net: after the peer's end, and unread data there, a write is answered by a reset") {
  const net_pair p;
  p.b.write("never read");
  CHECK(eventually([&] {
    char peek[16];
    return ::recv(p.a.native_handle(), peek, sizeof peek, MSG_PEEK | MSG_DONTWAIT) == 10;
  }));
  CHECK(p.a.close() == nil);
  const error err = write_error(p.b);
  CHECK((is_reset(err) || errors::is(err, std::errc::broken_pipe)));
}

FIBER_TEST("net: a reset ends a read and a write that wait on the same connection, and one of them hears of it") {
  const net_pair p;
  error from_read;
  error from_write;
  support::crew both;
  both.go([&] { from_read = read_error(p.b); });
  both.go([&] {
    while (!from_write) {
      from_write = p.b.write(pattern(1 << 20)).second;
    }
  });
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  reset(p.a);
  both.join();
  CHECK((is_reset(from_read) || is_reset(from_write)));
}

// ---- half-open ------------------------------------------------------------------------------------------------------

namespace {

// The connection's end dies without a word, as where its machine loses power. False where that is not permitted.
bool die(const net::conn& c) {
  const int number = c.native_handle();
  const int on = 1;
  if (::setsockopt(number, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) != 0) {
    return false;
  }
  CHECK(c.close() == nil);
  return true;
}

}  // namespace

FIBER_TEST("net: of a peer that has died without a word a read hears nothing until its deadline; a write finds out") {
  const net_pair p;
  if (!die(p.a)) {
    return;
  }
  p.b.set_read_deadline(time::now() + 20ms);
  char c[1];
  CHECK(p.b.read(c).second.timeout());
  p.b.set_read_deadline(nil);
  support::crew reader;
  reader.go([&] { CHECK(is_reset(read_error(p.b))); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(p.b.write("x").second == nil);  // to a machine that has come back, and knows nothing of it
  reader.join();
  CHECK(p.b.write("x").second.text() == error_of("write", p.b, "write: broken pipe"));
}

FIBER_TEST("net: keep-alive finds a peer that has died without a word") {
  const net_pair p;
  CHECK(p.b.set_keep_alive_period(1s) == nil);
  if (!die(p.a)) {
    return;
  }
  CHECK(is_reset(read_error(p.b)));
}

// ---- slow ones ------------------------------------------------------------------------------------------------------

FIBER_TEST("net: peers that take a byte now and then hold up only their own writer, and get every byte") {
  constexpr int slow = 8;
  const std::string much = pattern(static_cast<std::size_t>(scale(1 << 20)));
  std::vector<std::unique_ptr<net_pair>> pairs;
  std::atomic<bool> hurry = false;
  support::crew everybody;
  for (int i = 0; i < slow; ++i) {
    pairs.push_back(std::make_unique<net_pair>());
    const net_pair& p = *pairs.back();
    CHECK(p.a.set_write_buffer(4096) == nil);
    everybody.go([&] {
      CHECK(p.a.write(much) == net::io_result(much.size(), nil));
      p.a.close();
    });
    everybody.go([&] {
      std::string all;
      while (!hurry) {
        all += read_n(p.b, 1);
        time::sleep(1ms);
      }
      all += read_all(p.b).first;
      CHECK((all == much));
    });
  }
  const net_pair quick;
  for (int i = 0; i < scale(200); ++i) {
    quick.a.write("question");
    CHECK(read_n(quick.b, 8) == "question");
  }
  hurry = true;
}

// ---- the poller comes into use --------------------------------------------------------------------------------------

namespace {

support::child_result with_poller(const char* program, const char* which) {
  return support::run_child(program, {{"GOSSAMER", std::string("poller=") + which}});
}

}  // namespace

CHILD_PROGRAM("no descriptor is left when the poller is first needed") {
  return run([] {
    for (const support::few_descriptors socket(1); const int attempt : {1, 2, 3}) {
      const error err = net::listen("tcp", "127.0.0.1:0").second;
      if (!errors::is(err, std::errc::too_many_files_open)) {
        std::printf("%d: %s\n", attempt, err ? err.text().c_str() : "no error");
      }
    }
    auto [l, err] = net::listen("tcp", "127.0.0.1:0");
    if (err) {
      std::printf("%s\n", err.text().c_str());
    }
    go([own = l] { net::dial("tcp", own.addr().text()).first.write("x"); });
    auto [c, accept_err] = l.accept();
    std::printf("%s", read_n(c, 1).c_str());
  });
}
PLAIN_TEST("net: where no descriptor is left for the poller that is an error, and later it works") {
  for (const char* which : {"epoll", "asio"}) {
    const auto r = with_poller("no descriptor is left when the poller is first needed", which);
    CHECK(r.exited_with(0));
    CHECK(r.out == "x");
#if !GOSSAMER_ASAN  // which opens pipes to see whether memory is there, and calls objects wrong where it cannot
    CHECK(r.err == "");
#endif
  }
}

CHILD_PROGRAM("a plain thread waits for a connection while all workers sleep") {
  auto started = make_chan<int>();
  go([=] { started << 1; });
  *started;
  ::usleep(100'000);  // they fall asleep for good
  auto [l, err] = net::listen("tcp", "127.0.0.1:0");
  std::thread dialer([port = l.addr().port()] {
    ::usleep(100'000);  // the accept waits
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to);
    ::close(s);
  });
  const bool good = l.accept().second == nil;
  dialer.join();
  return good ? 0 : 1;
}
PLAIN_TEST("net: a plain thread may be the first to need the poller, while all workers sleep") {
  for (const char* which : {"epoll", "asio"}) {
    CHECK(with_poller("a plain thread waits for a connection while all workers sleep", which).exited_with(0));
  }
}
