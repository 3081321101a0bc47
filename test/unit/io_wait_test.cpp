// io: waiting for descriptors that belong to others.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "child.hpp"
#include "in_runs.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::await_parked;
using support::eventually;
using support::scale;

namespace {

// A pipe, or a pair of sockets, as a C library has it; the library knows nothing of it.
struct foreign_pair {
  int a = -1;
  int b = -1;
  enum class sort { plain, sockets };
  explicit foreign_pair(sort s = sort::plain) {
    int both[2];
    const int failed = s == sort::plain ? ::pipe2(both, O_NONBLOCK | O_CLOEXEC)
                                        : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both);
    CHECK(failed == 0);
    a = both[0];
    b = both[1];
  }
  foreign_pair(const foreign_pair&) = delete;
  foreign_pair& operator=(const foreign_pair&) = delete;
  ~foreign_pair() {
    close_a();
    close_b();
  }
  void close_a() { close_one(a); }
  void close_b() { close_one(b); }

 private:
  static void close_one(int& fd) {
    if (fd >= 0) {
      ::close(fd);
      fd = -1;
    }
  }
};

void put(int fd, char c = 'x') { CHECK(::write(fd, &c, 1) == 1); }
// The next byte; -1 if there is none.
int take(int fd) {
  char c = 0;
  return ::read(fd, &c, 1) == 1 ? c : -1;
}
void fill(int fd) {
  const std::string much(1 << 16, 'x');
  while (::write(fd, much.data(), much.size()) > 0) {
  }
}
void empty(int fd) {
  std::string much(1 << 16, '\0');
  while (::read(fd, much.data(), much.size()) > 0) {
  }
}
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

bool portable() {
  const char* const knob = std::getenv("GOSSAMER");
  return knob != nullptr && std::string_view(knob).find("poller=asio") != std::string_view::npos;
}

bool is_bad_descriptor(const error& err) {
  return err && err.text() == "poll: bad file descriptor" && errors::is(err, std::errc::bad_file_descriptor);
}

constexpr io::interest to_read{.readable = true};
constexpr io::interest to_write{.writable = true};
constexpr io::interest to_do_both{.readable = true, .writable = true};
constexpr auto a_pipe = foreign_pair::sort::plain;
constexpr auto sockets = foreign_pair::sort::sockets;

}  // namespace

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

FIBER_TEST("what never blocks is always ready: files, directories, /dev/null") {
  for (const char* const path : {"/proc/self/exe", "/", "/dev/null", "/dev/zero"}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    const auto [r, err] = io::wait_ready(fd, to_do_both);
    CHECK(err == nil);
    CHECK(r.readable);
    CHECK(r.writable);
    CHECK(!r.failed);
    CHECK(io::wait_readable(fd) == nil);
    ::close(fd);
  }
}

FIBER_TEST("a number that is no open descriptor fails with the kernel's error, nothing to wait for as well") {
  CHECK(is_bad_descriptor(io::wait_readable(-1)));
  CHECK(is_bad_descriptor(io::wait_writable(-7)));
  CHECK(is_bad_descriptor(io::wait_readable(1'000'000'000)));
  foreign_pair p;
  const int number = p.a;
  p.close_a();
  CHECK(is_bad_descriptor(io::wait_readable(number)));
  CHECK(is_bad_descriptor(io::wait_ready(number, to_do_both).second));
  const auto [r, err] = io::wait_ready(p.b, {});
  CHECK(err.text() == "poll: invalid argument");
  CHECK(errors::is(err, std::errc::invalid_argument));
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

FIBER_TEST("between two waits the number may become another file's, also while the old one lives on") {
  foreign_pair old;
  const int number = old.a;
  const int old_file = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
  for (int round = 0; round < 20; ++round) {
    // A wait that its context has ended, with which an event of the old file might still be on its way...
    auto [ctx, cancel] = context::with_timeout(context::background(), 1ms);
    CHECK(io::wait_readable(number, ctx).timeout());
    cancel();
    // ... and one for the new one, which only its own bytes end.
    foreign_pair young;
    CHECK(::dup2(young.a, number) == number);
    support::crew crew;
    std::atomic<bool> ended = false;
    crew.go([&] {
      CHECK(io::wait_readable(number) == nil);
      CHECK(take(number) == 'y');
      ended = true;
    });
    CHECK(await_parked(wait_reason::io_wait, 1));
    put(old.b);
    for (int i = 0; i < 20; ++i) {
      runtime::gosched();
    }
    CHECK(!ended);
    put(young.b, 'y');
    crew.join();
    CHECK(take(old_file) == 'x');
    CHECK(::dup2(old_file, number) == number);
  }
  ::close(old_file);
}

FIBER_TEST("numbers that are closed and opened all the time, waited for by many fibers") {
  constexpr int fibers = 20;
  std::atomic<int> wrong = 0;
  support::crew crew;
  for (int f = 0; f < fibers; ++f) {
    crew.go([&, f] {
      for (int round = 0; round < scale(100); ++round) {
        foreign_pair p((f + round) % 2 == 0 ? a_pipe : sockets);
        std::atomic<int> read = 0;
        support::crew reader;
        reader.go([&] {
          wrong += io::wait_readable(p.a) == nil && take(p.a) == f ? 0 : 1;
          ++read;
        });
        for (int i = 0; i < round % 3; ++i) {
          runtime::gosched();
        }
        wrong += ::write(p.b, std::array{static_cast<char>(f)}.data(), 1) == 1 ? 0 : 1;
        reader.join();
        wrong += read == 1 ? 0 : 1;
      }
    });
  }
  crew.join();
  CHECK(wrong == 0);
}

FIBER_TEST("one reads and one writes the same descriptor") {
  foreign_pair p(sockets);
  fill(p.a);
  support::crew crew;
  std::atomic<bool> reads = false, writes = false;
  crew.go([&] {
    CHECK(io::wait_readable(p.a) == nil);
    reads = true;
  });
  crew.go([&] {
    CHECK(io::wait_writable(p.a) == nil);
    writes = true;
  });
  CHECK(await_parked(wait_reason::io_wait, 2));
  empty(p.b);
  CHECK(eventually([&] { return writes.load(); }));
  CHECK(await_parked(wait_reason::io_wait, 1));
  CHECK(!reads);
  put(p.b);
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
  const int rounds = scale(100);
  std::vector<std::unique_ptr<foreign_pair>> all;
  for (int i = 0; i < pairs; ++i) {
    all.push_back(std::make_unique<foreign_pair>(sockets));
  }
  std::atomic<int> wrong = 0;
  support::crew crew;
  for (const auto& p : all) {
    const auto play = [&wrong, rounds](int fd, bool begins) {
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

FIBER_TEST("an eventfd and an epoll set are waited for as all else") {
  const int counter = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event e{};
  e.events = EPOLLIN;
  CHECK(::epoll_ctl(set, EPOLL_CTL_ADD, counter, &e) == 0);
  support::crew crew;
  for (const int fd : {counter, set}) {
    crew.go([fd] { CHECK(io::wait_readable(fd) == nil); });
  }
  CHECK(await_parked(wait_reason::io_wait, 2));
  const std::uint64_t one = 1;
  CHECK(::write(counter, &one, sizeof one) == sizeof one);
  crew.join();
  ::close(set);
  ::close(counter);
}

FIBER_TEST("a socket that connects is writable once it has, or has failed") {
  const support::bound_listener l;
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

FIBER_TEST("a conn's own descriptor is waited for beside its reads, and the close of the conn ends that") {
  for (int round = 0; round < 3; ++round) {
    const support::net_pair p;
    support::crew crew;
    crew.go([&] { CHECK(io::wait_readable(p.a.native_handle()) == nil); });
    crew.go([&] { CHECK(support::read_n(p.a, 5) == "hello"); });
    CHECK(await_parked(wait_reason::io_wait, 2));
    p.b.write("h");  // whichever of the two is faster
    p.b.write("ellomore");
    crew.join();
    CHECK(support::read_n(p.a, 4) == "more");
    if (!portable()) {
      support::crew waiting;
      waiting.go([&] { CHECK(is_bad_descriptor(io::wait_readable(p.a.native_handle()))); });
      CHECK(await_parked(wait_reason::io_wait, 1));
      p.a.close();
    }
  }
}

FIBER_TEST("who waits for a number whose file has gone is told so when it is waited for again") {
  if (portable()) {
    return;  // there the wait has the file
  }
  foreign_pair p;
  foreign_pair q;
  const int number = p.a;
  support::crew crew;
  std::atomic<bool> told = false;
  crew.go([&] {
    CHECK(is_bad_descriptor(io::wait_readable(number)));
    told = true;
  });
  CHECK(await_parked(wait_reason::io_wait, 1));
  CHECK(::dup2(q.a, number) == number);
  crew.go([&] { CHECK(io::wait_readable(number) == nil); });
  CHECK(eventually([&] { return told.load(); }));
  put(q.b);
}

FIBER_TEST("a wait shows as IO wait, with the place of the call") {
  foreign_pair p;
  support::crew crew;
  auto [ctx, cancel] = context::with_cancel(context::background());
  const auto here = std::source_location::current();
  crew.go([&p, ctx = ctx] { CHECK(io::wait_readable(p.a, ctx) != nil); });
  CHECK(await_parked(wait_reason::io_wait, 1));
  support::for_each_parked(wait_reason::io_wait, [&](fiber& f) {
    CHECK(std::string_view(f.where.file_name()) == here.file_name());
    CHECK(f.where.line() == here.line() + 1);
  });
  cancel();
}

PLAIN_TEST("plain threads wait, too, without a run() and beside one") {
  foreign_pair p(sockets);
  std::thread reader([&] {
    CHECK(io::wait_readable(p.a) == nil);
    CHECK(take(p.a) == 'x');
    auto [ctx, cancel] = context::with_timeout(context::background(), 5ms);
    CHECK(io::wait_readable(p.a, ctx).timeout());
    cancel();
  });
  std::this_thread::sleep_for(1ms);
  put(p.b);
  reader.join();
  support::run_each([&](auto in_run) {
    std::thread waiting([&] { CHECK(io::wait_readable(p.a) == nil); });
    in_run([&] {
      support::crew crew;
      crew.go([&] { CHECK(io::wait_readable(p.a) == nil); });
      runtime::gosched();
      put(p.b);
      runtime::blocking([&] { waiting.join(); });  // nobody looks at events once main has returned
    });
    CHECK(take(p.a) == 'x');
  });
}

PLAIN_TEST("fibers that were abandoned while they waited are in nobody's way in a later run()") {
  if (portable()) {
    return;  // there each has a copy of the descriptor, which stays open, as all that an abandoned fiber owns
  }
  foreign_pair p;
  support::run_each([&](auto in_run) {
    in_run([&] {
      for (int i = 0; i < 3; ++i) {
        go([&] { static_cast<void>(io::wait_readable(p.a)); });
      }
      CHECK(await_parked(wait_reason::io_wait, 3));
    });
    in_run([&] {
      support::crew crew;
      crew.go([&] { CHECK(io::wait_readable(p.a) == nil); });
      CHECK(await_parked(wait_reason::io_wait, 1));
      put(p.b);
      crew.join();
      CHECK(take(p.a) == 'x');
    });
  });
}
