// io: waiting for descriptors that belong to others: for what, until when, and by how many.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <cerrno>
#include <memory>
#include <source_location>
#include <string_view>
#include <utility>
#include <vector>

#include "foreign_pair.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using namespace support;

FIBER_TEST("wait_readable returns once there is something to read, and as long as there is") {
  for (const auto sort : {a_pipe, sockets}) {
    foreign_pair p(sort);
    support::crew crew;
    std::atomic<int> ended = 0;
    crew.go([&] {
      CHECK(io::wait_readable(p.a) == nil);
      ++ended;
    });
    CHECK(await_parked(wait_reason::io_wait, 1));
    CHECK(ended == 0);
    put(p.b);
    CHECK(eventually([&] { return ended == 1; }));
    CHECK(io::wait_readable(p.a) == nil);
    CHECK(io::wait_readable(p.a) == nil);
    CHECK(take(p.a) == 'x');
  }
}

FIBER_TEST("a wait leaves a descriptor that blocks as it is") {
  for (const auto sort : {a_pipe, sockets}) {
    foreign_pair p(sort);
    CHECK(::fcntl(p.a, F_SETFL, O_RDWR) == 0);
    support::crew crew;
    crew.go([&] { CHECK(io::wait_readable(p.a) == nil); });
    CHECK(await_parked(wait_reason::io_wait, 1));
    CHECK((::fcntl(p.a, F_GETFL) & O_NONBLOCK) == 0);
    put(p.b);
    crew.join();
    CHECK((::fcntl(p.a, F_GETFL) & O_NONBLOCK) == 0);
  }
}

FIBER_TEST("wait_writable returns once there is room, and as long as there is") {
  for (const auto sort : {a_pipe, sockets}) {
    foreign_pair p(sort);
    CHECK(io::wait_writable(p.b) == nil);
    CHECK(io::wait_writable(p.b) == nil);
    fill(p.b);
    support::crew crew;
    std::atomic<int> ended = 0;
    crew.go([&] {
      CHECK(io::wait_writable(p.b) == nil);
      ++ended;
    });
    CHECK(await_parked(wait_reason::io_wait, 1));
    CHECK(ended == 0);
    empty(p.a);
    CHECK(eventually([&] { return ended == 1; }));
  }
}

FIBER_TEST("a hundred waits for one descriptor, each after the byte that ended the last one was read") {
  foreign_pair p;
  support::crew crew;
  std::atomic<int> got = 0;
  crew.go([&] {
    while (io::wait_readable(p.a) == nil && take(p.a) == 'x') {
      ++got;
    }
  });
  for (int i = 1; i <= 100; ++i) {
    put(p.b);
    CHECK(eventually([&] { return got == i; }));
  }
  put(p.b, 0);
}

FIBER_TEST("wait_ready says for which of both a descriptor is ready") {
  foreign_pair p(sockets);
  const auto ask = [&](io::interest in) {
    const auto [r, err] = io::wait_ready(p.a, in);
    CHECK(err == nil);
    CHECK(!r.failed);
    return std::pair(r.readable, r.writable);
  };
  CHECK((ask(to_do_both) == std::pair(false, true)));
  put(p.b);
  CHECK((ask(to_do_both) == std::pair(true, true)));
  CHECK((ask(to_read) == std::pair(true, false)));
  CHECK((ask(to_write) == std::pair(false, true)));
  fill(p.a);
  CHECK((ask(to_do_both) == std::pair(true, false)));
  CHECK(take(p.a) == 'x');
  for (const bool reads : {true, false}) {
    support::crew crew;
    crew.go([&] { CHECK((ask(to_do_both) == std::pair(reads, !reads))); });
    CHECK(await_parked(wait_reason::io_wait, 1));
    if (reads) {
      put(p.b);
      crew.join();
      CHECK(take(p.a) == 'x');
    } else {
      empty(p.b);
    }
  }
}

FIBER_TEST("a peer that goes makes a descriptor ready for whatever is waited for, and is told of") {
  for (const io::interest in : {to_read, to_write, to_do_both}) {
    foreign_pair p(sockets);
    fill(p.a);
    support::crew crew;
    crew.go([&] {
      const auto [r, err] = io::wait_ready(p.a, in);
      CHECK(err == nil);
      CHECK(r.failed);
      CHECK(r.readable == in.readable);
      CHECK(r.writable == in.writable);
    });
    CHECK(await_parked(wait_reason::io_wait, 1));
    p.close_b();
  }
  foreign_pair p;
  p.close_b();
  CHECK(io::wait_readable(p.a) == nil);
  foreign_pair q;
  q.close_a();
  CHECK(io::wait_writable(q.b) == nil);
}

FIBER_TEST("the end of what one side says is readable, and no failure") {
  foreign_pair p(sockets);
  support::crew crew;
  crew.go([&] {
    const auto [r, err] = io::wait_ready(p.a, to_read);
    CHECK(err == nil);
    CHECK(r.readable);
    CHECK(!r.failed);
  });
  CHECK(await_parked(wait_reason::io_wait, 1));
  CHECK(::shutdown(p.b, SHUT_WR) == 0);
}

FIBER_TEST("a context ends a wait, before it begins and while it lasts, and the descriptor is as good as before") {
  foreign_pair p;
  {
    auto [ctx, cancel] = context::with_cancel(context::background());
    support::crew crew;
    for (int i = 0; i < 3; ++i) {
      crew.go([&p, ctx = ctx] {
        const error err = io::wait_readable(p.a, ctx);
        CHECK(errors::is(err, net::canceled));
        CHECK(errors::is(err, context::canceled));
        CHECK(!err.timeout());
      });
    }
    CHECK(await_parked(wait_reason::io_wait, 3));
    cancel();
    crew.join();
    put(p.b);
    CHECK(errors::is(io::wait_readable(p.a, ctx), net::canceled));
    CHECK(errors::is(io::wait_writable(-1, ctx), std::errc::bad_file_descriptor));
  }
  CHECK(io::wait_readable(p.a) == nil);
  CHECK(take(p.a) == 'x');
  auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
  const error err = io::wait_readable(p.a, ctx);
  cancel();
  CHECK(err.timeout());
  CHECK(errors::is(err, os::deadline_exceeded));
  CHECK(errors::is(err, context::deadline_exceeded));
  CHECK(is_open(p.a));
}

FIBER_TEST("one reads and one writes the same descriptor, and each is told of what it waits for") {
  for (const bool reader_first : {true, false}) {
    foreign_pair p(sockets);
    fill(p.a);
    support::crew crew;
    std::atomic<bool> reads = false, writes = false;
    const auto wait_for = [&](bool reading) {
      crew.go([&, reading] {
        CHECK((reading ? io::wait_readable(p.a) : io::wait_writable(p.a)) == nil);
        (reading ? reads : writes) = true;
      });
    };
    wait_for(reader_first);
    CHECK(await_parked(wait_reason::io_wait, 1));
    wait_for(!reader_first);
    CHECK(await_parked(wait_reason::io_wait, 2));
    if (reader_first) {
      put(p.b);
    } else {
      empty(p.b);
    }
    CHECK(eventually([&] { return reader_first ? reads.load() : writes.load(); }));
    CHECK(await_parked(wait_reason::io_wait, 1));
    CHECK(!(reads && writes));
    if (reader_first) {
      empty(p.b);
    } else {
      put(p.b);
    }
  }
}

FIBER_TEST("of many who wait for one descriptor all are told, and each byte is read once") {
  constexpr int readers = 20;
  const int bytes = scale(400);
  foreign_pair p;
  std::atomic<int> got = 0;
  support::crew crew;
  for (int i = 0; i < readers; ++i) {
    crew.go([&] {
      for (;;) {
        CHECK(io::wait_readable(p.a) == nil);
        char c = 0;
        const ssize_t n = ::read(p.a, &c, 1);
        if (n == 0) {
          return;
        }
        got += n == 1 ? 1 : 0;
      }
    });
  }
  CHECK(await_parked(wait_reason::io_wait, readers));
  for (int i = 0; i < bytes; ++i) {
    put(p.b);
    if (i % 16 == 0) {
      runtime::gosched();
    }
  }
  CHECK(eventually([&] { return got == bytes; }));
  p.close_b();
}

FIBER_TEST("a hundred pairs of fibers play ping-pong over sockets") {
  constexpr int pairs = 100;
  constexpr int rounds = scale(100);
  std::vector<std::unique_ptr<foreign_pair>> all;
  for (int i = 0; i < pairs; ++i) {
    all.push_back(std::make_unique<foreign_pair>(sockets));
  }
  std::atomic<int> wrong = 0;
  support::crew crew;
  for (const auto& p : all) {
    const auto play = [&wrong](int fd, bool begins) {
      for (int i = 0; i < rounds; ++i) {
        if (begins) {
          put(fd);
        }
        wrong += io::wait_readable(fd) == nil && take(fd) == 'x' ? 0 : 1;
        if (!begins) {
          put(fd);
        }
      }
    };
    crew.go([&, play] { play(p->a, true); });
    crew.go([&, play] { play(p->b, false); });
  }
  crew.join();
  CHECK(wrong == 0);
}

FIBER_TEST("a socket that connects is writable once it has, or has failed") {
  const bound_listener l;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const bool refused : {false, true}) {
    to.sin_port = htons(refused ? 1 : l.l.addr().port());
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int r = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    CHECK((r == 0 || errno == EINPROGRESS || errno == ECONNREFUSED));
    CHECK(io::wait_writable(fd) == nil);
    int problem = 0;
    socklen_t size = sizeof problem;
    CHECK(::getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0);
    CHECK((refused ? problem == ECONNREFUSED || r != 0 : problem == 0));
    ::close(fd);
  }
}

FIBER_TEST("a wait shows as IO wait, with the place of the call") {
  foreign_pair p;
  support::crew crew;
  auto [ctx, cancel] = context::with_cancel(context::background());
  const auto here = std::source_location::current();
  crew.go([&p, ctx = ctx] { CHECK(io::wait_readable(p.a, ctx) != nil); });
  CHECK(await_parked(wait_reason::io_wait, 1));
  for_each_parked(wait_reason::io_wait, [&](fiber& f) {
    CHECK(std::string_view(f.where.file_name()) == here.file_name());
    CHECK(f.where.line() == here.line() + 1);
  });
  cancel();
}
